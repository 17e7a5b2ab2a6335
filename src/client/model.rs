//! What a client offers: the description as far as Rust can say it, with every name chosen.

use std::fmt;

/// The API of a service.
#[derive(Debug)]
pub struct Api {
    /// The service's name.
    pub service: String,
    /// The version of the API.
    pub version: String,
    /// What can be called, in the order of the description.
    pub operations: Vec<Operation>,
    /// What cannot.
    pub left_out: Vec<LeftOut>,
    /// The types that the operations need, sorted by name.
    pub types: Vec<Definition>,
}

/// An operation that a client cannot offer.
#[derive(Debug)]
pub struct LeftOut {
    /// Method and path.
    pub operation: String,
    /// Why not.
    pub reason: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.operation, self.reason)
    }
}

/// One operation, a method of the client.
#[derive(Debug)]
pub struct Operation {
    /// The method's name.
    pub name: String,
    /// The HTTP method.
    pub method: &'static str,
    /// The path as the description has it.
    pub template: String,
    /// The path in pieces.
    pub path: Vec<Piece>,
    /// What is said of it.
    pub docs: String,
    /// What it wants besides a body.
    pub parameters: Vec<Parameter>,
    /// What it wants as a body.
    pub body: Option<Body>,
    /// What it answers.
    pub answer: Answer,
}

/// A piece of a path.
#[derive(Debug)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// The value of a parameter, by its place among the parameters.
    Parameter(usize),
}

/// A parameter, an argument of the method.
#[derive(Debug)]
pub struct Parameter {
    /// The argument's name.
    pub name: String,
    /// Its name in requests.
    pub wire: String,
    /// Where in a request it goes.
    pub place: Place,
    /// Whether there is no request without it.
    pub required: bool,
    /// Whether it may be there several times.
    pub many: bool,
    /// What one value is: plain, or an enumeration.
    pub of: Type,
}

/// Where in a request a parameter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Into the path.
    Path,
    /// Into the query.
    Query,
    /// Into a header.
    Header,
}

/// A body in JSON.
#[derive(Debug)]
pub struct Body {
    /// Whether there is no request without it.
    pub required: bool,
    /// What it is.
    pub of: Type,
}

/// A successful answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// No body, or none that matters.
    Nothing,
    /// JSON.
    Json(Type),
    /// Something else, or one thing or another: the caller takes it apart.
    Raw,
}

/// A Rust type.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// `bool`
    Bool,
    /// `i64` and its like.
    Integer(&'static str),
    /// `f64`
    Float,
    /// `String`
    Text,
    /// `serde_json::Value`: the description does not say, or says several things.
    Any,
    /// `Vec`
    List(Box<Type>),
    /// `BTreeMap` from `String`
    Map(Box<Type>),
    /// `Option`
    Option(Box<Type>),
    /// A structure of the client.
    Struct(String),
    /// An enumeration of the client.
    Enum(String),
}

/// A type of the client.
#[derive(Debug)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// What is said of it.
    pub docs: String,
    /// What it is made of.
    pub shape: Shape,
}

/// What a type is made of.
#[derive(Debug)]
pub enum Shape {
    /// Named fields.
    Struct(Vec<Field>),
    /// One of several words.
    Enum(Vec<Variant>),
}

/// A field.
#[derive(Debug)]
pub struct Field {
    /// Its name in Rust.
    pub name: String,
    /// Its name in JSON.
    pub wire: String,
    /// What is said of it.
    pub docs: String,
    /// What it is.
    pub of: Type,
    /// Whether it is always there.
    pub required: bool,
    /// Whether it would contain itself.
    pub boxed: bool,
}

/// A word.
#[derive(Debug)]
pub struct Variant {
    /// Its name in Rust.
    pub name: String,
    /// Its name in JSON.
    pub wire: String,
}
