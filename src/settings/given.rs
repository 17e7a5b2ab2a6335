//! Answers to what templates ask, and templates that have a name: the tables of a settings file,
//! files of answers, `--define`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use toml_edit::{Item, TableLike};

use super::Wish;
use super::sources::{Reading, line_of};
use crate::answers::{Place, Told, VARIABLE};
use crate::ask;
use crate::error::{Error, Kind, Result};
use crate::questions::{Answer, typed};

impl Reading {
    /// `--define`, `--answers` and the variables, the nearest first.
    pub fn take_answers(&mut self, defines: &[OsString], files: &[OsString], cwd: &Path) {
        // The last of two words wins, as with every flag.
        for define in defines.iter().rev() {
            match define.to_str().and_then(|text| text.split_once('=')) {
                Some((name, value)) if !name.trim().is_empty() => {
                    let told = Told::Text(value.to_owned());
                    self.given.add(name.trim(), told, Place::Flag);
                }
                _ => {
                    let shown = define.to_string_lossy().into_owned();
                    let message = format!("invalid answer `{shown}` (`--define`)");
                    let error = Error::new(Kind::Usage, message);
                    self.wrong.push(error.help("--define NAME=VALUE"));
                }
            }
        }
        for file in files.iter().rev() {
            match answers_of(file, cwd) {
                Ok((place, answers)) => {
                    for (name, answer) in answers {
                        self.given.add(&name, Told::Typed(answer), place.clone());
                    }
                }
                Err(error) => self.wrong.push(error),
            }
        }
        for (name, value) in std::env::vars_os() {
            let Some(variable) = name.to_str() else {
                continue;
            };
            if let (Some(name), Some(value)) = (variable.strip_prefix(VARIABLE), value.to_str()) {
                let place = Place::Variable(variable.to_owned());
                self.given.add(name, Told::Text(value.to_owned()), place);
            }
        }
    }

    /// Takes `[templates]` and `[answers]` of the file at `path`; says what is wrong with them.
    pub fn take_table(&mut self, name: &str, item: &Item, path: &Path) -> Result<(), String> {
        match (name, item.as_table_like()) {
            ("templates", Some(table)) => self.take_templates(table, path),
            ("answers", Some(table)) => self.take_defaults(table, path),
            _ => Err(format!("`{name}` is a table: [{name}]")),
        }
    }

    fn take_templates(&mut self, table: &dyn TableLike, path: &Path) -> Result<(), String> {
        let base = path.parent().unwrap_or(path);
        for (name, item) in table.iter() {
            let wish = wish(item, base).map_err(|what| format!("template `{name}`: {what}"))?;
            self.templates.entry(name.to_owned()).or_insert(wish);
        }
        Ok(())
    }

    fn take_defaults(&mut self, table: &dyn TableLike, path: &Path) -> Result<(), String> {
        for (name, item) in table.iter() {
            let value = item.to_string();
            let value: toml::Value = format!("value = {}", value.trim())
                .parse::<toml::Table>()
                .ok()
                .and_then(|mut table| table.remove("value"))
                .ok_or_else(|| format!("`{name}` is no answer"))?;
            let answer = typed(&value).ok_or_else(|| format!("`{name}` is no answer"))?;
            let place = Place::Settings(path.to_owned());
            self.given.add(name, Told::Typed(answer), place);
        }
        Ok(())
    }
}

/// A text, or a table that says which version and which directory.
fn wish(item: &Item, base: &Path) -> Result<Wish, String> {
    let mut wish = Wish {
        base: base.to_owned(),
        ..Wish::default()
    };
    if let Some(source) = item.as_str() {
        source.clone_into(&mut wish.source);
        return Ok(wish);
    }
    let table = item.as_table_like().ok_or("it is a text or a table")?;
    for (key, value) in table.iter() {
        let text = value.as_str().map(str::to_owned);
        let text = text.ok_or_else(|| format!("`{key}` is a text"))?;
        match key {
            "source" => wish.source = text,
            "subfolder" => wish.subfolder = Some(text),
            "branch" => wish.branch = Some(text),
            "tag" => wish.tag = Some(text),
            "rev" => wish.rev = Some(text),
            _ => return Err(format!("unknown key `{key}`")),
        }
    }
    if wish.source.is_empty() {
        return Err("`source` is missing".to_owned());
    }
    Ok(wish)
}

/// The answers in a file, TOML or JSON; `-` is standard input.
fn answers_of(file: &OsStr, cwd: &Path) -> Result<(Place, Vec<(String, Answer)>)> {
    let (path, text) = if file == "-" {
        (PathBuf::from("standard input"), ask::piped()?)
    } else {
        let path = cwd.join(file);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let io = Error::io("read the answers", &path, &error);
            Error::new(Kind::Usage, io.message).help("--answers FILE")
        })?;
        (path, text)
    };
    let table = if text.trim_start().starts_with('{') {
        json(&text).map_err(|what| (line_1(&what), what))
    } else {
        text.parse::<toml::Table>().map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            (line_of(&text, at), error.message().replace('\n', ", "))
        })
    };
    let wrong = |line: usize, what: &str| {
        Error::new(
            Kind::Usage,
            format!("{}, line {line}: {what}", path.display()),
        )
        .help("answers are TOML (`queue = \"jobs\"`) or JSON (`{\"queue\": \"jobs\"}`)")
    };
    let table = table.map_err(|(line, what)| wrong(line, &what))?;
    let mut answers = Vec::new();
    for (name, value) in &table {
        let answer = typed(value);
        let line = text.lines().position(|line| line.contains(name.as_str()));
        let line = line.map_or(1, |line| line + 1);
        let answer = answer.ok_or_else(|| wrong(line, &format!("`{name}` is no answer")))?;
        answers.push((name.clone(), answer));
    }
    Ok((Place::File(path), answers))
}

fn json(text: &str) -> Result<toml::Table, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// The line in what serde says of JSON: `… at line 3 column 5`.
fn line_1(what: &str) -> usize {
    let number = what.rsplit_once(" line ").map_or("1", |(_, rest)| rest);
    let number = number.split(' ').next().unwrap_or("1");
    number.parse().unwrap_or(1)
}
