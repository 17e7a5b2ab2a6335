//! What can be said of a cargo-generate template by looking at its files.

use std::collections::BTreeSet;

use regex::Regex;

use super::finding::Finding;
use crate::foreign::Foreign;
use crate::template::{File, Template};

/// The file that says what such a template asks.
const CONFIGURATION: &str = "cargo-generate.toml";

/// What is there without being asked for.
const GIVEN: [&str; 8] = [
    "project-name",
    "crate_name",
    "crate_type",
    "authors",
    "username",
    "os-arch",
    "within_cargo_project",
    "is_init",
];

/// What is odd about it.
pub fn check(template: &Template, foreign: &Foreign) -> Vec<Finding> {
    let dir = template
        .origin
        .as_ref()
        .and_then(|origin| origin.subfolder.as_deref());
    let prefix = dir.map_or_else(String::new, |dir| format!("{dir}/"));
    let scripts = foreign.hooks.iter().map(|hook| hook.path.as_str());
    let scripts = scripts.collect::<BTreeSet<_>>();
    let is_rendered = |file: &&File| {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let own = [CONFIGURATION, ".genignore"].contains(&name);
        file.path.starts_with(&prefix) && !own && !scripts.contains(file.path.as_str())
    };
    let files = template
        .files
        .iter()
        .filter(is_rendered)
        .collect::<Vec<_>>();
    let mut findings = texts(&files);
    findings.extend(questions(template, foreign, &prefix));
    findings
}

fn texts(files: &[&File]) -> Vec<Finding> {
    let (Ok(raw), Ok(github)) = (
        Regex::new(r"(?s)\{%-?\s*raw\s*-?%\}.*?\{%-?\s*endraw\s*-?%\}"),
        Regex::new(r"\$\{\{[^}]*\}\}"),
    ) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for file in files {
        let Ok(text) = std::str::from_utf8(&file.bytes) else {
            let message = "it is not UTF-8, so cargo-generate copies it as it is, and warns";
            let finding = Finding::warning("not-utf-8", &file.path, message);
            findings.push(finding.help(format!("in {CONFIGURATION}: exclude = [{:?}]", file.path)));
            continue;
        };
        let quiet = raw.replace_all(text, |found: &regex::Captures| " ".repeat(found[0].len()));
        if let Some(found) = github.find(&quiet) {
            let message = "`${{` is taken for a placeholder of liquid, and rendered as nothing";
            let finding = Finding::error("github", &file.path, message);
            let finding = finding.at_byte(text, found.start());
            findings.push(finding.help("put it between `{% raw %}` and `{% endraw %}`"));
        }
    }
    findings
}

fn questions(template: &Template, foreign: &Foreign, prefix: &str) -> Vec<Finding> {
    let here = template
        .files
        .iter()
        .filter(|file| file.path.starts_with(prefix));
    let here = here.collect::<Vec<_>>();
    let configuration = here.iter().find(|file| file.path.ends_with(CONFIGURATION));
    let (path, text) = configuration.map_or((CONFIGURATION, ""), |file| {
        let text = std::str::from_utf8(&file.bytes).unwrap_or_default();
        (file.path.as_str(), text)
    });
    let mut findings = Vec::new();
    for question in &foreign.questions {
        let name = question.name.as_str();
        if GIVEN.contains(&name) {
            continue;
        }
        let at = text.find(name).unwrap_or_default();
        if !here.iter().any(|file| speaks_of(file, name)) {
            let message = format!("nothing uses the placeholder `{name}`");
            let finding = Finding::warning("unused-question", path, message);
            findings.push(finding.at_byte(text, at));
        }
        if question.default.is_none() {
            let message =
                format!("the placeholder `{name}` has no default, so everybody has to answer");
            let finding = Finding::warning("no-default", path, message);
            findings.push(finding.at_byte(text, at));
        }
    }
    findings
}

/// Whether `name` is a word of the file or of its name; of the configuration, of a condition.
fn speaks_of(file: &File, name: &str) -> bool {
    let text = String::from_utf8_lossy(&file.bytes);
    let is_word = |text: &str| {
        text.match_indices(name).any(|(at, _)| {
            let part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            !text[..at].ends_with(part) && !text[at + name.len()..].starts_with(part)
        })
    };
    if file.path.ends_with(CONFIGURATION) {
        let conditions = text
            .lines()
            .filter(|line| line.starts_with("[conditional."));
        return conditions.into_iter().any(is_word);
    }
    is_word(&text) || is_word(&file.path)
}
