//! What a template of cargo-generate is, without running any of it.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::OnceLock;

use regex::Regex;

use super::config::{self, Config};
use super::tree::{CONFIG, Tree, descend, is_inside, join, text};
use super::{Foreign, Hook, Phase};
use crate::error::{Error, Kind, Result};
use crate::template::File;

/// What only templates of cargo-generate say.
const LIQUID: &str = r"(?x)
    \{\{-?\s*(project-name|crate_name|crate_type|authors|username|os-arch|is_init|within_cargo_project)\b
    | \{%-?\s*(if|unless|for|case|assign|capture|raw|comment|increment|decrement|tablerow)\b";
/// How often sub-templates can lead to others.
const DEPTH: usize = 32;

/// Whether `files` are a template of cargo-generate rather than just files.
#[must_use]
pub fn is_one(files: &[File], subfolder: Option<&str>) -> bool {
    let tree = Tree::of(files);
    let Ok(dir) = descend("", subfolder.unwrap_or_default()) else {
        return false;
    };
    config_above(&tree, &dir).is_some()
        || !tree.configured(&dir).is_empty()
        || tree.below(&dir).any(|(path, file)| {
            let name = path.rsplit('/').next();
            file.path.ends_with(".liquid")
                || name == Some(".genignore")
                || says_liquid(path)
                || text(file).is_some_and(says_liquid)
        })
}

fn says_liquid(text: &str) -> bool {
    static SAYS: OnceLock<Option<Regex>> = OnceLock::new();
    let says = SAYS.get_or_init(|| Regex::new(LIQUID).ok());
    says.as_ref().is_some_and(|says| says.is_match(text))
}

/// What the template in the directory `subfolder` of `files` is.
pub fn inspect(files: &[File], subfolder: Option<&str>) -> Result<Foreign> {
    let tree = Tree::of(files);
    let (dir, sub_templates) = locate(&tree, subfolder.unwrap_or_default())?;
    let config = config_above(&tree, &dir);
    let settings = match &config {
        Some(path) => read(&tree, path)?,
        None => Config::default(),
    };
    stays_inside(&dir, config.as_deref(), &settings)?;
    let hooks = hooks(&tree, &dir, &settings);
    let conditional = settings.conditionals.iter();
    let conditional = conditional.flat_map(|conditional| &conditional.questions);
    Ok(Foreign {
        questions: settings
            .questions
            .iter()
            .chain(conditional)
            .cloned()
            .collect(),
        commands: hooks.iter().flat_map(|hook| calls(&hook.text)).collect(),
        hooks,
        sub_templates,
        requires: settings.requires.clone(),
        dir,
        config,
        settings,
    })
}

/// What a configuration ignores, and the hooks it names, cargo-generate removes wherever they are.
fn stays_inside(dir: &str, config: Option<&str>, settings: &Config) -> Result<()> {
    let conditional = settings.conditionals.iter();
    let lists = conditional.map(|conditional| &conditional.lists);
    let lists = std::iter::once(&settings.lists).chain(lists);
    let ignored = lists.flat_map(|lists| lists.ignore.iter().flatten());
    let mut paths = ignored.chain(settings.hooks.iter().flatten());
    match paths.find(|path| !is_inside(dir, path)) {
        Some(path) => {
            let config = config.unwrap_or(CONFIG);
            let path = path.escape_debug();
            let message = format!("template file {config}: `{path}` is outside of the template");
            Err(Error::new(Kind::Template, message))
        }
        None => Ok(()),
    }
}

fn read(tree: &Tree, path: &str) -> Result<Config> {
    let text = tree
        .text(path)
        .ok_or_else(|| Error::new(Kind::Template, format!("template file {path} is not UTF-8")))?;
    config::read(path, text)
}

/// The directory that `subfolder` comes down to, and what could have been chosen below it.
fn locate(tree: &Tree, subfolder: &str) -> Result<(String, Vec<String>)> {
    let mut dir = descend("", subfolder)?;
    let mut choices = None;
    for _ in 0..DEPTH {
        if !tree.is_dir(&dir) {
            return Err(missing(tree, &dir));
        }
        let found = tree.configured(&dir);
        let next = match found.as_slice() {
            [] => None,
            [only] => {
                dir = descend(&dir, only)?;
                chosen(tree, &dir)?
            }
            several => Some(several.to_vec()),
        };
        let Some(next) = next else {
            return Ok((dir, choices.unwrap_or_default()));
        };
        let below = descend(&dir, &next[0])?;
        let base = std::mem::replace(&mut dir, below);
        choices.get_or_insert_with(|| next.iter().map(|choice| join(&base, choice)).collect());
    }
    let message = format!("the sub-templates of `{CONFIG}` lead to each other without an end");
    Err(Error::new(Kind::Template, message))
}

/// The sub-templates that the configuration in `dir` names.
fn chosen(tree: &Tree, dir: &str) -> Result<Option<Vec<String>>> {
    let path = join(dir, CONFIG);
    let Some(names) = read(tree, &path)?.sub_templates else {
        return Ok(None);
    };
    if names.is_empty() {
        let message = format!("template file {path}: `sub_templates` is empty");
        return Err(Error::new(Kind::Template, message));
    }
    Ok(Some(names))
}

fn missing(tree: &Tree, dir: &str) -> Error {
    let error = Error::new(
        Kind::Template,
        format!("the template has no directory `{dir}`"),
    );
    match tree.configured("").as_slice() {
        [] => error,
        dirs => {
            let dirs = dirs.iter().filter(|dir| !dir.is_empty());
            let dirs = dirs.map(|dir| format!("`{dir}`")).collect::<Vec<_>>();
            if dirs.is_empty() {
                return error;
            }
            error.help(format!("it has {}", dirs.join(", ")))
        }
    }
}

/// The configuration of `dir`: there, or in the nearest directory above.
fn config_above(tree: &Tree, dir: &str) -> Option<String> {
    let mut dir = dir;
    loop {
        let path = join(dir, CONFIG);
        if tree.get(&path).is_some() {
            return Some(path);
        }
        if dir.is_empty() {
            return None;
        }
        dir = dir.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

/// All code: what the configuration names, all other scripts, and what files run in their midst.
fn hooks(tree: &Tree, dir: &str, config: &Config) -> Vec<Hook> {
    let phases = [Phase::Init, Phase::Pre, Phase::Post];
    let named = phases
        .into_iter()
        .zip(&config.hooks)
        .flat_map(|(phase, paths)| paths.iter().map(move |path| (phase, join(dir, path))));
    let mut hooks = named
        .map(|(phase, path)| Hook {
            phase,
            text: tree.text(&path).unwrap_or_default().to_owned(),
            path,
        })
        .collect::<Vec<_>>();
    for path in filters(tree, dir) {
        if !hooks.iter().any(|hook| hook.path == path) {
            let text = tree.text(&path).unwrap_or_default().to_owned();
            let phase = Phase::Filter;
            hooks.push(Hook { phase, path, text });
        }
    }
    hooks
}

/// The scripts below `dir`, whatever they are called.
fn filters(tree: &Tree, dir: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (path, file) in tree.below(dir) {
        if Path::new(path).extension() == Some(OsStr::new("rhai")) {
            paths.push(join(dir, path));
        }
        let uses = uses(path)
            .into_iter()
            .chain(text(file).map(uses).unwrap_or_default());
        for script in uses {
            let script = script.map(|script| join(dir, script));
            let script = script.filter(|script| tree.get(script).is_some());
            paths.push(script.unwrap_or_else(|| join(dir, path)));
        }
    }
    paths.sort();
    paths.dedup();
    paths
}

/// The scripts that `text` runs in its midst, where they are named outright.
pub fn uses(text: &str) -> Vec<Option<&str>> {
    let Some(filter) = USE.get_or_init(|| Regex::new(FILTER).ok()) else {
        return Vec::new();
    };
    let uses = filter.captures_iter(text);
    uses.map(|found| Some(found.get(1).or(found.get(2))?.as_str()))
        .collect()
}

/// `{{ "script.rhai" | rhai }}`
const FILTER: &str = r#"(?:(?:\{\{-?|=)\s*(?:"([^"\n]*)"|'([^'\n]*)')\s*)?\|\s*rhai\b"#;
static USE: OnceLock<Option<Regex>> = std::sync::OnceLock::new();

/// The calls of commands in the script `text`.
pub fn calls(text: &str) -> Vec<String> {
    let call = Regex::new(r"\bsystem\s*::\s*command\s*\(").expect("the expression is one");
    let found = call.find_iter(text).map(|found| {
        let rest = &text[found.start()..];
        let call = &rest[..closed(rest).unwrap_or(rest.find('\n').unwrap_or(rest.len()))];
        call.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    found.collect()
}

/// Where the first parenthesis of `text` is closed.
fn closed(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0, None, false);
    for (at, c) in text.char_indices() {
        match (quoted, c) {
            _ if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(quote), c) if c == quote => quoted = None,
            (None, '"' | '`') => quoted = Some(c),
            (None, '(') => depth += 1,
            (None, ')') if depth == 1 => return Some(at + 1),
            (None, ')') => depth -= 1,
            _ => {}
        }
    }
    None
}
