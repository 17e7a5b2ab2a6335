//! What the files of a template speak of: unknown variables, tags where nothing is rendered, and
//! what looks like GitHub's own `${{`.

use std::collections::BTreeSet;

use regex::Regex;

use super::finding::Finding;
use crate::fill::variables::{self, Broken, HELPERS, Use, What};
use crate::fill::{self, SUFFIX};
use crate::settings::nearest;
use crate::template::File;

/// What the files speak of.
pub struct Spoken {
    /// The variables.
    pub variables: BTreeSet<String>,
    /// What is odd.
    pub findings: Vec<Finding>,
}

/// Reads all of `files`, which know the names `known`.
pub fn read(files: &[&File], known: &BTreeSet<String>) -> Spoken {
    let mut spoken = Spoken {
        variables: BTreeSet::new(),
        findings: Vec::new(),
    };
    let tag = tag(known);
    for file in files {
        if file.path.contains("{{") {
            for part in file.path.split('/') {
                spoken.template(&file.path, part, known);
            }
        }
        let text = std::str::from_utf8(&file.bytes);
        match text {
            Ok(text) if file.path.ends_with(SUFFIX) => spoken.template(&file.path, text, known),
            Ok(text) => spoken
                .findings
                .extend(looks_templated(file, text, tag.as_ref())),
            Err(_) if fill::is_template(file) && file.path.ends_with(SUFFIX) => {
                let message = "it is rendered, and is not UTF-8";
                spoken
                    .findings
                    .push(Finding::error("not-utf-8", &file.path, message));
            }
            Err(_) => {}
        }
    }
    spoken
}

impl Spoken {
    /// One text that is rendered; of a name, `source` is a part of it.
    fn template(&mut self, path: &str, source: &str, known: &BTreeSet<String>) {
        let uses = match variables::uses(source) {
            Ok(uses) => uses,
            Err(broken) => return self.findings.push(of_broken(path, source, &broken)),
        };
        for found in &uses {
            if found.what == What::Variable {
                self.variables.insert(found.name.clone());
            }
            let github = is_github(source, found);
            if let Some(finding) = odd(path, found, known, github) {
                let place = (found.line, found.column);
                self.findings.push(finding.at(source, place));
            }
        }
    }
}

fn of_broken(path: &str, source: &str, broken: &Broken) -> Finding {
    let finding = Finding::error("syntax", path, broken.reason.replace('\n', ", "));
    match broken.place {
        Some(place) => finding.at(source, place),
        None => finding,
    }
}

fn odd(path: &str, found: &Use, known: &BTreeSet<String>, github: bool) -> Option<Finding> {
    const ESCAPE: &str = r"for GitHub's own, write `$\{{ … }}`";
    let name = &found.name;
    let shown = name.escape_debug();
    let finding = match found.what {
        What::Variable if known.contains(name) && !github => return None,
        What::Variable if known.contains(name) => {
            let message = format!("`${{{{` is taken for the variable `{shown}` after a `$`");
            return Some(Finding::warning("github", path, message).help(ESCAPE));
        }
        What::Variable if github => {
            let message = format!("`${{{{` is taken for the variable `{shown}`, which is unknown");
            return Some(Finding::error("github", path, message).help(ESCAPE));
        }
        What::Variable => {
            let message = format!("unknown variable `{shown}`");
            Finding::error("unknown-variable", path, message)
        }
        What::Helper if HELPERS.contains(&name.as_str()) => return None,
        What::Helper if github => {
            let message = format!("`${{{{` is taken for the helper `{shown}`, which is unknown");
            return Some(Finding::error("github", path, message).help(ESCAPE));
        }
        What::Helper => {
            let message = format!("unknown helper `{shown}`");
            Finding::error("unknown-helper", path, message)
        }
        What::Partial => {
            let message = format!("there is no other template, such as `{shown}`, to render here");
            return Some(Finding::error("unknown-partial", path, message));
        }
    };
    let near = match found.what {
        What::Variable => nearest(name, known.iter().map(String::as_str)),
        _ => nearest(name, HELPERS.into_iter()),
    };
    Some(match near {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding,
    })
}

/// Whether the tag of `found` stands behind a `$`, and is none of `${` and a tag.
fn is_github(source: &str, found: &Use) -> bool {
    let line = source.lines().nth(found.line.saturating_sub(1));
    let Some(line) = line else {
        return false;
    };
    let before = line.chars().take(found.column.saturating_sub(1));
    let mut after = line.chars().skip(found.column.saturating_sub(1) + 2);
    before.last() == Some('$') && after.next() != Some('{')
}

/// A tag that speaks of something known.
fn tag(known: &BTreeSet<String>) -> Option<Regex> {
    let names = known.iter().map(|name| regex::escape(name));
    let names = names.collect::<Vec<_>>().join("|");
    let tag = format!(r"\{{\{{[{{~]?\s*(?:#(?:if|unless|each|with)\s+)?(?:{names})\s*[}}~]?\}}\}}");
    Regex::new(&tag).ok()
}

/// Handlebars in a file that is not rendered. Rust's own `{{` stands in texts, and may be meant.
fn looks_templated(file: &File, text: &str, tag: Option<&Regex>) -> Option<Finding> {
    let found = tag?.find(text)?;
    let message = format!(
        "`{}` stays as it is: only `*{SUFFIX}` is rendered",
        found.as_str()
    );
    let finding = Finding::warning("not-rendered", &file.path, message);
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    let finding = finding.at_byte(text, found.start());
    Some(finding.help(format!("name it `{name}{SUFFIX}`, if it is meant for us")))
}
