//! The template: the embedded tree, or one from elsewhere, and what it says of itself.

mod embedded;

use std::borrow::Cow;
use std::path::Path;

use toml_edit::Document;

use crate::error::{Error, Kind, Result};
use crate::foreign::{self, Foreign};
use crate::manifest::{self, Manifest, Migration};
use crate::parts::{self, Cuts, Part};
use crate::questions::Question;
use crate::settings::{Settings, Wish};
use crate::source::{self, Obtained, Want, Ways};
pub use embedded::releases;

/// A template as a list of files in memory.
#[derive(Clone, Debug)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its version; a cargo-generate template has none.
    pub version: String,
    /// Whose format it has.
    pub shape: Shape,
    /// Where it comes from, unless it is the embedded one.
    pub origin: Option<Origin>,
    /// Its files, sorted by path.
    pub files: Vec<File>,
    /// The parts a service can have or not.
    pub parts: Vec<Part>,
    /// Which lines of its Rust files belong to which parts.
    pub cuts: Cuts,
}

/// Whose format a template has.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Ours: `template.toml` and handlebars.
    Native(Box<Manifest>),
    /// That of cargo-generate.
    Foreign(Box<Foreign>),
}

/// Where a template comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The URL, without a password, or the absolute path.
    pub id: String,
    /// The directory of it that the template stands in.
    pub subfolder: Option<String>,
    /// The version that was wished for: `branch`, `tag` or `rev`, and its name.
    pub wanted: Option<(&'static str, String)>,
    /// The commit it was read from.
    pub commit: Option<String>,
    /// The id git gives to its whole tree.
    pub tree: String,
    /// What was left out of it.
    pub warnings: Vec<String>,
}

/// One file, of a template or of a rendered tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Relative to the root, with `/` between the parts.
    pub path: String,
    /// Whether it can be run.
    pub executable: bool,
    /// What it says.
    pub bytes: Cow<'static, [u8]>,
}

impl Template {
    /// The template that is wished for.
    pub fn find(settings: &Settings) -> Result<Self> {
        let Some(wish) = &settings.template else {
            return Ok(Self::embedded());
        };
        let wish = named(wish, settings);
        let embedded = Self::embedded();
        if wish.source == embedded.name && !Path::new(&wish.source).is_dir() {
            return embedded.wished(&wish);
        }
        let ways = Ways {
            offline: settings.flags.offline,
            human: settings.human,
        };
        Self::obtain(&wish, ways)
    }

    /// A template from elsewhere.
    pub fn obtain(wish: &Wish, ways: Ways) -> Result<Self> {
        let wanted = wanted(wish);
        let want = match wanted.clone() {
            None => Want::Default,
            Some(("branch", name)) => Want::Branch(name),
            Some(("tag", name)) => Want::Tag(name),
            Some((_, name)) => Want::Rev(name),
        };
        let parsed = source::parse(&wish.source, &wish.base, want)?;
        let Obtained {
            files,
            id,
            commit,
            tree,
            warnings,
        } = source::obtain(&parsed.source, ways)?;
        let subfolder = wish.subfolder.clone().or(parsed.subfolder);
        let subfolder = subfolder.map(|dir| dir.trim_matches('/').to_owned());
        let subfolder = subfolder.filter(|dir| !matches!(dir.as_str(), "" | "."));
        let origin = Origin {
            id,
            subfolder,
            wanted,
            commit,
            tree,
            warnings,
        };
        Self::of(files, origin)
    }

    /// The template in `dir`, whatever lies there: a template's own `.gitignore` speaks to the
    /// services made from it.
    pub fn read(dir: &Path) -> Result<Self> {
        let wish = Wish {
            source: dir.display().to_string(),
            base: dir.to_owned(),
            ..Wish::default()
        };
        let ways = Ways {
            offline: true,
            human: false,
        };
        Self::obtain(&wish, ways)
    }

    /// What it asks.
    #[must_use]
    pub fn questions(&self) -> &[Question] {
        match &self.shape {
            Shape::Native(manifest) => &manifest.questions,
            Shape::Foreign(foreign) => &foreign.questions,
        }
    }

    /// What it does to older services.
    #[must_use]
    pub fn migrations(&self) -> &[Migration] {
        match &self.shape {
            Shape::Native(manifest) => &manifest.migrations,
            Shape::Foreign(_) => &[],
        }
    }

    /// Whether it is the one this program carries, which everybody trusts who trusts the program.
    #[must_use]
    pub const fn is_embedded(&self) -> bool {
        self.origin.is_none()
    }

    /// Whether it has cargo-generate's format.
    #[must_use]
    pub const fn is_foreign(&self) -> bool {
        matches!(self.shape, Shape::Foreign(_))
    }

    /// Whether its manifest is a real one, which is stamped; else it is rendered.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.shape, Shape::Native(_)) && self.text("Cargo.toml").is_ok()
    }

    /// The file at `path`, as text.
    pub fn text(&self, path: &str) -> Result<&str> {
        text(&self.files, path)
    }

    /// The crates its manifest depends on directly, as far as that can be told before it is
    /// rendered.
    pub fn dependencies(&self) -> Result<Vec<String>> {
        if self.is_live() {
            return dependencies(&self.files);
        }
        Ok(Vec::new())
    }

    fn of(files: Vec<File>, origin: Origin) -> Result<Self> {
        let files_here = match &origin.subfolder {
            Some(dir) => below(&files, dir)?,
            None => files.clone(),
        };
        if text(&files_here, manifest::FILE).is_ok() {
            return Self::native(files_here, Some(origin));
        }
        let foreign = foreign::inspect(&files, origin.subfolder.as_deref())?;
        let last = origin.subfolder.as_deref().unwrap_or(&origin.id);
        let last = last.trim_end_matches('/').rsplit(['/', ':']).next();
        Ok(Self {
            name: last
                .unwrap_or("template")
                .trim_end_matches(".git")
                .to_owned(),
            version: String::new(),
            shape: Shape::Foreign(Box::new(foreign)),
            origin: Some(origin),
            files,
            parts: Vec::new(),
            cuts: Cuts::new(),
        })
    }

    fn native(mut files: Vec<File>, origin: Option<Origin>) -> Result<Self> {
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let parts = text(&files, parts::LIST).map_or(Ok(Vec::new()), parts::list);
        let known = parts.as_deref().ok();
        let manifest = manifest::read(text(&files, manifest::FILE)?, known)?;
        let parts = parts?;
        // Those of the embedded one were found when this program was built.
        let cuts = if origin.is_none() || parts.is_empty() {
            Cuts::new()
        } else {
            parts::cuts(&files)?
        };
        Ok(Self {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            shape: Shape::Native(Box::new(manifest)),
            origin,
            parts,
            cuts,
            files,
        })
    }

    /// The embedded template has no versions to choose from, and no other place.
    fn wished(self, wish: &Wish) -> Result<Self> {
        if let Some((flag, _)) = wanted(wish) {
            let message = format!(
                "`{}` is the embedded template, which has no {flag}",
                self.name
            );
            return Err(Error::new(Kind::Usage, message).help("do without that flag"));
        }
        match &wish.subfolder {
            None => Ok(self),
            Some(dir) => Err(no_directory(dir)),
        }
    }
}

/// What the settings have under the name that is wished for; flags say more of it.
fn named(wish: &Wish, settings: &Settings) -> Wish {
    let Some(known) = settings.templates.get(&wish.source) else {
        return wish.clone();
    };
    let mut known = known.clone();
    if wanted(wish).is_some() {
        (known.branch, known.tag, known.rev) =
            (wish.branch.clone(), wish.tag.clone(), wish.rev.clone());
    }
    if wish.subfolder.is_some() {
        known.subfolder.clone_from(&wish.subfolder);
    }
    known
}

fn wanted(wish: &Wish) -> Option<(&'static str, String)> {
    let kinds = [
        ("branch", &wish.branch),
        ("tag", &wish.tag),
        ("rev", &wish.rev),
    ];
    kinds
        .into_iter()
        .find_map(|(kind, name)| Some((kind, name.clone()?)))
}

/// The files below `dir`, as if it were the root.
fn below(files: &[File], dir: &str) -> Result<Vec<File>> {
    let prefix = format!("{dir}/");
    let below = files.iter().filter_map(|file| {
        let path = file.path.strip_prefix(&prefix)?.to_owned();
        Some(File {
            path,
            ..file.clone()
        })
    });
    let below = below.collect::<Vec<_>>();
    if below.is_empty() {
        return Err(no_directory(dir));
    }
    Ok(below)
}

fn no_directory(dir: &str) -> Error {
    let message = format!("the template has no directory `{}`", dir.escape_debug());
    Error::new(Kind::Template, message).help("--subfolder DIR")
}

/// The crates the manifest among `files` depends on directly: normal, dev and build.
pub fn dependencies(files: &[File]) -> Result<Vec<String>> {
    let manifest = parse("Cargo.toml", text(files, "Cargo.toml")?)?;
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    let tables = tables
        .iter()
        .filter_map(|name| manifest.get(name)?.as_table_like());
    Ok(tables
        .flat_map(|table| table.iter().map(|(name, _)| name.to_owned()))
        .collect())
}

/// The text of the file at `path` among `files`.
pub fn text<'a>(files: &'a [File], path: &str) -> Result<&'a str> {
    let wrong = |what: &str| Error::new(Kind::Template, format!("the template's {path} {what}"));
    let file = files
        .binary_search_by(|file| file.path.as_str().cmp(path))
        .map_err(|_| wrong("is missing"))?;
    std::str::from_utf8(&files[file].bytes).map_err(|_| wrong("is not valid UTF-8"))
}

/// `text` as TOML.
pub fn parse(path: &str, text: &str) -> Result<Document<String>> {
    Document::parse(text.to_owned()).map_err(|error| {
        let message = error.message().replace('\n', ", ");
        Error::new(Kind::Template, format!("the template's {path}: {message}"))
    })
}
