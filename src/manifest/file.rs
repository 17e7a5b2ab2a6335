//! The file as it is written, for serde and for its schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// The manifest of a template of generate-service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What the template is.
    pub template: Head,
    /// What it asks, in this order.
    #[serde(default)]
    pub questions: Vec<RawQuestion>,
    /// Files that are there only when.
    #[serde(default)]
    pub files: Vec<RawRule>,
    /// Commands that run in the new service before it is committed. Nobody's are run without
    /// consent.
    #[serde(default)]
    pub hooks: Vec<RawHook>,
    /// Sets of answers that `template test` renders and compares with golden trees.
    #[serde(default)]
    pub samples: Vec<RawSample>,
    /// What an update does to a service that is older, so that its owner's work moves along.
    #[serde(default)]
    pub migrations: Vec<RawMigration>,
    /// What still works and will not for long.
    #[serde(default)]
    pub deprecations: Vec<RawDeprecation>,
}

/// What the template is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Head {
    /// Its name, in the record of every service.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Its version, by semver.
    #[schemars(with = "String")]
    pub version: Spanned<String>,
    /// One line that says what it makes.
    #[serde(default)]
    pub description: String,
    /// The versions of generate-service that can render it, such as `>=0.1`.
    #[schemars(with = "Option<String>")]
    pub generate_service: Option<Spanned<String>>,
}

/// One question.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawQuestion {
    /// What templates call the answer: lower-case letters, digits and `_`.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// What a human is asked; without it, the name.
    pub ask: Option<String>,
    /// The type of the answer.
    #[serde(default, rename = "type")]
    pub form: RawForm,
    /// The answer of whoever gives none. A string may use answers before it: `{{name}}-jobs`.
    #[schemars(with = "Option<RawValue>")]
    pub default: Option<Spanned<toml::Value>>,
    /// When it is asked at all: an expression of handlebars, such as `database` or
    /// `(eq store "postgres")`.
    #[schemars(with = "Option<String>")]
    pub when: Option<Spanned<String>>,
    /// A regular expression the whole text has to match.
    #[schemars(with = "Option<String>")]
    pub regex: Option<Spanned<String>>,
    /// The shortest and the longest text, in characters.
    #[schemars(with = "Option<[u32; 2]>")]
    pub length: Option<Spanned<[u32; 2]>>,
    /// The smallest and the largest number.
    #[schemars(with = "Option<[i64; 2]>")]
    pub range: Option<Spanned<[i64; 2]>>,
    /// What can be chosen.
    #[schemars(with = "Option<Vec<RawChoice>>")]
    pub choices: Option<Spanned<Vec<RawChoice>>>,
    /// Whether the answer is kept out of every record and log.
    #[serde(default)]
    pub secret: bool,
}

/// The type of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawForm {
    /// A text.
    #[default]
    String,
    /// A whole number.
    Integer,
    /// Yes or no.
    Bool,
    /// One of the choices.
    OneOf,
    /// Any of the choices.
    ManyOf,
}

/// What can be chosen: a value, or one with a label of its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawChoice {
    /// The value is its own label.
    Plain(String),
    /// The value and what a human sees.
    Labelled {
        /// What templates see.
        value: String,
        /// What a human sees.
        label: String,
    },
}

/// Any answer.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "for the schema alone")]
enum RawValue {
    Bool(bool),
    Integer(i64),
    Text(String),
    Many(Vec<String>),
}

/// Files that are there only when.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRule {
    /// A glob on the paths in the template, such as `migrations/**`.
    #[schemars(with = "String")]
    pub path: Spanned<String>,
    /// An expression of handlebars.
    #[schemars(with = "String")]
    pub when: Spanned<String>,
}

/// A command that runs in the new service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHook {
    /// The program and its words; no shell.
    #[schemars(with = "Vec<String>")]
    pub run: Spanned<Vec<String>>,
    /// An expression of handlebars.
    #[schemars(with = "Option<String>")]
    pub when: Option<Spanned<String>>,
}

/// A set of answers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSample {
    /// Its name, and that of its golden tree.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// The answers that are not the usual ones.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, RawValue>")]
    pub answers: BTreeMap<String, Spanned<toml::Value>>,
    /// Parts beside the usual ones.
    #[serde(default)]
    pub with: Vec<String>,
    /// Usual parts it does without.
    #[serde(default)]
    pub without: Vec<String>,
    /// What is kept to compare with.
    #[serde(default)]
    pub golden: RawGolden,
}

/// What is kept of a sample to compare with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawGolden {
    /// Every file, in `.template/golden/NAME/`.
    #[default]
    Tree,
    /// Mode, id and path of every file, in `.template/golden/NAME.txt`: for large templates.
    Listing,
}

/// What an update does to a service that is older.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMigration {
    /// It is for services whose recorded version is older, when they come to this one or a newer
    /// one.
    #[schemars(with = "String")]
    pub version: Spanned<String>,
    /// One line for the owner.
    #[schemars(with = "Option<String>")]
    pub note: Option<Spanned<String>>,
    /// Questions that have a new name, by the old one: recorded answers move along.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub answers: BTreeMap<String, Spanned<String>>,
    /// Parts that have a new name, by the old one.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub parts: BTreeMap<String, Spanned<String>>,
    /// Files and directories that have a new place.
    #[serde(default)]
    pub moves: Vec<RawMove>,
    /// Keys of TOML files that have a new place: the owner's values move along.
    #[serde(default)]
    pub keys: Vec<RawKey>,
    /// Commands that run in the merged service: each a program and its words; no shell. Nobody's
    /// are run without consent.
    #[serde(default)]
    #[schemars(with = "Vec<Vec<String>>")]
    pub run: Vec<Spanned<Vec<String>>>,
}

/// A file or a directory that has a new place.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMove {
    /// Where it was in a service: a file, or a directory with a `/` at its end.
    #[schemars(with = "String")]
    pub from: Spanned<String>,
    /// Where it is now, with a `/` at its end if it is a directory.
    #[schemars(with = "String")]
    pub to: Spanned<String>,
}

/// A key of a TOML file that has a new place.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawKey {
    /// The file in a service, where it is after all moves of its migration.
    #[schemars(with = "String")]
    pub file: Spanned<String>,
    /// The old key: `http.port`.
    #[schemars(with = "String")]
    pub from: Spanned<String>,
    /// The new one: `server.port`.
    #[schemars(with = "String")]
    pub to: Spanned<String>,
}

/// What still works and will not for long: one of `answer`, `part` and `file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawDeprecation {
    /// The version of the template that said so first.
    #[schemars(with = "String")]
    pub since: Spanned<String>,
    /// The name of a question.
    #[schemars(with = "Option<String>")]
    pub answer: Option<Spanned<String>>,
    /// The name of a part.
    #[schemars(with = "Option<String>")]
    pub part: Option<Spanned<String>>,
    /// The path of a file in a service.
    #[schemars(with = "Option<String>")]
    pub file: Option<Spanned<String>>,
    /// One line that says what to do instead.
    #[schemars(with = "String")]
    pub note: Spanned<String>,
}

/// The file, if it is one.
pub fn read(text: &str) -> Result<File, toml::de::Error> {
    toml::from_str(text)
}

/// The JSON schema of `template.toml`.
#[must_use]
pub fn schema() -> String {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    let schema = settings.into_generator().into_root_schema_for::<File>();
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}
