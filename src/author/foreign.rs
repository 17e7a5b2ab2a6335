//! What can be said of a cargo-generate template by looking at its files.

use std::path::Path;

use regex::Regex;

use super::finding::Finding;
use crate::error::Result;
use crate::foreign::{self, Foreign, Trouble};
use crate::questions::{Answer, Answers};
use crate::repo;
use crate::template::{File, Template};

/// The file that says what such a template asks.
const CONFIGURATION: &str = "cargo-generate.toml";

/// What is odd about it.
pub fn check(template: &Template, foreign: &Foreign) -> Result<Vec<Finding>> {
    let dir = template
        .origin
        .as_ref()
        .and_then(|origin| origin.subfolder.as_deref());
    let prefix = dir.map_or_else(String::new, |dir| format!("{dir}/"));
    let mut findings = Vec::from_iter(package(template, foreign, &prefix));
    findings.extend(texts(template, foreign, &prefix)?);
    findings.extend(questions(template, foreign, &prefix));
    Ok(findings)
}

/// Code may make the manifest; nobody else does.
fn package(template: &Template, foreign: &Foreign, prefix: &str) -> Option<Finding> {
    let is_manifest = |file: &File| {
        let path = file.path.strip_prefix(prefix).unwrap_or_default();
        path.trim_end_matches(".liquid") == "Cargo.toml"
    };
    let made = !foreign.hooks.is_empty() || !foreign.sub_templates.is_empty();
    let missing = !made && !template.files.iter().any(is_manifest);
    let message = "there is no such file, so the template makes no package";
    missing.then(|| Finding::error("no-package", "Cargo.toml", message))
}

/// What is wrong with the files that are rendered when everybody takes the defaults.
fn texts(template: &Template, foreign: &Foreign, prefix: &str) -> Result<Vec<Finding>> {
    let author = repo::author(Path::new("."))?;
    let builtins = foreign::builtins("sample-service", &author, false, foreign.is_init());
    let mut given = Answers::new();
    for question in foreign.settle(&given, &builtins).missing() {
        let example = Answer::Text(question.form.example());
        given.insert(question.name.clone(), example);
    }
    let checker = foreign.settle(&given, &builtins).checker();
    let mut findings = Vec::new();
    for file in template
        .files
        .iter()
        .filter(|file| file.path.starts_with(prefix))
    {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let is_code = foreign.hooks.iter().any(|hook| hook.path == file.path);
        if is_code || [CONFIGURATION, ".genignore"].contains(&name) {
            continue;
        }
        let below = file.path.strip_prefix(prefix).unwrap_or(&file.path);
        if !checker.renders(below) {
            continue;
        }
        // What follows from it needs no telling.
        let github = github(file);
        let mut troubles = checker.troubles(below, &file.bytes);
        troubles.retain(|trouble| github.is_none() || matches!(trouble, Trouble::Unreadable(_)));
        let told = troubles
            .into_iter()
            .filter_map(|trouble| told(trouble, file, foreign));
        findings.extend(told.chain(github));
    }
    Ok(findings)
}

fn told(trouble: Trouble, file: &File, foreign: &Foreign) -> Option<Finding> {
    let text = String::from_utf8_lossy(&file.bytes);
    Some(match trouble {
        Trouble::Unreadable(error) => {
            let start = format!("template file {}, ", file.path);
            let message = error.message.trim_start_matches(&start).to_owned();
            let finding = Finding::error("unrenderable", &file.path, message);
            match error.help {
                Some(help) => finding.help(help),
                None => finding,
            }
        }
        // Code may well set it.
        Trouble::Unknown(name, _) if foreign.hooks.iter().any(|hook| hook.text.contains(&name)) => {
            return None;
        }
        Trouble::Unknown(name, at) => {
            let message =
                format!("unknown variable `{name}`, which cargo-generate renders as nothing");
            Finding::error("unknown-variable", &file.path, message).at_byte(&text, at)
        }
        Trouble::Copied(reason) => {
            let message = format!("cargo-generate copies it as it is, in silence: {reason}");
            Finding::error("unrenderable", &file.path, message)
        }
    })
}

/// A `${{` of GitHub's outside of `{% raw %}`: liquid takes it for a placeholder.
fn github(file: &File) -> Option<Finding> {
    let raw = Regex::new(r"(?s)\{%-?\s*raw\s*-?%\}.*?\{%-?\s*endraw\s*-?%\}").ok()?;
    let text = std::str::from_utf8(&file.bytes).ok()?;
    let quiet = raw.replace_all(text, |found: &regex::Captures| " ".repeat(found[0].len()));
    let at = quiet.find("${{")?;
    let message = "`${{` is taken for a placeholder of liquid";
    let finding = Finding::error("github", &file.path, message).at_byte(text, at);
    Some(finding.help("put it between `{% raw %}` and `{% endraw %}`"))
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
        if foreign::BUILTINS.contains(&name) {
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
