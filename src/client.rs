//! A typed client of another service, written into the service that calls.
//!
//! A *source* is asked for its description, whose operations and schemas become a model of what
//! the client offers; the model is told as Rust, sealed against edits by hand, and takes its
//! place among the sources of the calling service. Nothing is written before all of it is known.

mod document;
mod home;
mod model;
mod names;
mod operations;
mod render;
mod schemas;
mod seal;
mod source;

use std::path::{Path, PathBuf};

use crate::args;
use crate::dirs;
use crate::error::{Error, Kind, Result};
use crate::name::{Neighbours, ServiceName};
use crate::report::Report;

use document::Document;
use home::Home;
use model::Api;
use source::Description;

/// What a run has written.
#[derive(Debug)]
pub struct Written {
    /// The service that the client calls.
    pub service: String,
    /// The client's module below `clients`.
    pub module: String,
    /// The client's file.
    pub path: PathBuf,
    /// The client's methods.
    pub methods: Vec<String>,
    /// The files that changed, below the service's directory.
    pub changed: Vec<String>,
    /// What the client does not have, and why.
    pub warnings: Vec<String>,
}

/// The story: ask, understand, tell, put in place.
pub fn write(wish: &args::Client, cwd: &Path, report: &Report) -> Result<Written> {
    let given = wish.into.as_deref();
    let into = given.map_or_else(|| cwd.to_owned(), |into| path(cwd, &into.to_string_lossy()));
    let home = Home::at(&into)?;
    let description = source::read(&wish.source, cwd, report)?;
    let document = Document::parse(&description)?;
    let service = name(wish, &description, &document)?;
    let api = operations::read(service.as_str(), &document)?;
    let text = home.formatted(&render::render(&api))?;
    let module = service.crate_name();
    let (path, changed) = home.put(&module, &seal::seal(&text), wish.force)?;
    Ok(Written {
        service: service.to_string(),
        module,
        path,
        changed,
        methods: api.operations.iter().map(|it| it.name.clone()).collect(),
        warnings: warnings(&api),
    })
}

fn warnings(api: &Api) -> Vec<String> {
    let left_out = api.left_out.iter();
    left_out
        .map(|it| format!("{it}, so it is left out"))
        .collect()
}

/// A path as a shell's user means it.
fn path(cwd: &Path, text: &str) -> PathBuf {
    cwd.join(dirs::expand(text))
}

/// What the user says, else the service's record, else the description's title.
fn name(
    wish: &args::Client,
    description: &Description,
    document: &Document,
) -> Result<ServiceName> {
    let parse = |name: &str| ServiceName::parse(name, Neighbours::default());
    if let Some(name) = &wish.name {
        return Ok(parse(name)?);
    }
    let title = description.name.as_deref().or(document.title());
    let title = title.unwrap_or_default();
    parse(title).map_err(|refusal| {
        let message = format!(
            "`{}`, as the description calls itself, is no service's name",
            title.escape_debug()
        );
        let offer = refusal.offer.as_ref().map_or("NAME", ServiceName::as_str);
        Error::new(Kind::Source, message).help(format!("say which service it is: --name {offer}"))
    })
}
