//! Learns what a template's code made of the answers: a last hook writes down what it finds.
//!
//! cargo-generate hands nothing back, and hooks and scripts may set any variable. The hook and
//! what it writes stay out of the result. Code that looks around in its directory would see it;
//! such templates go without.

use std::borrow::Cow;

use regex::Regex;
use toml_edit::{Array, DocumentMut, Item, Table, value};

use super::tree::join;
use super::{BUILTINS, Foreign, tree::CONFIG};
use crate::questions::{Answer, Answers};
use crate::template::File;

/// The hook and its findings, by names that no template has.
const HOOK: &str = ".generate-service-hook";
const FINDINGS: &str = ".generate-service-findings";

/// A hook that writes variables down.
pub struct Capture {
    dir: String,
    names: Vec<String>,
}

impl Capture {
    /// One for `foreign`, if its code can change what was answered and would not notice.
    pub fn of(foreign: &Foreign, given: &Answers) -> Option<Self> {
        let code = foreign.hooks.iter().map(|hook| hook.text.as_str());
        let code = code.collect::<Vec<_>>().join("\n");
        if foreign.hooks.is_empty() || code.contains("listdir") {
            return None;
        }
        let mentioned = Regex::new(r#"variable\s*::\s*\w+\s*\(\s*"([^"]+)""#).ok()?;
        let mentioned = mentioned
            .captures_iter(&code)
            .map(|found| found[1].to_owned());
        let asked = foreign
            .questions
            .iter()
            .map(|question| question.name.clone());
        let mut names = BUILTINS.map(str::to_owned).to_vec();
        names.extend(asked.chain(mentioned).chain(given.keys().cloned()));
        names.sort();
        names.dedup();
        Some(Self {
            dir: foreign.dir.clone(),
            names,
        })
    }

    /// Adds the hook to `configs`, the configuration of a template under each of its names.
    pub fn add_to(&self, configs: &mut Vec<File>) {
        let file = |path: String, text: String| File {
            path,
            executable: false,
            bytes: Cow::Owned(text.into_bytes()),
        };
        let path = |name: &str| join(&self.dir, name);
        for config in configs.iter_mut() {
            let text = String::from_utf8_lossy(&config.bytes).into_owned();
            config.bytes = Cow::Owned(with_hook(&text).into_bytes());
        }
        if configs.is_empty() {
            configs.push(file(path(CONFIG), with_hook("")));
        }
        configs.push(file(path(HOOK), self.script()));
    }

    /// Whether `text` is a failure of the hook itself.
    pub fn failed(text: &str) -> bool {
        text.contains(HOOK)
    }

    /// Takes the findings out of the result.
    pub fn take_from(files: &mut Vec<File>) -> Option<Answers> {
        let at = files.iter().position(|file| file.path == FINDINGS)?;
        let file = files.remove(at);
        Findings(&file.bytes).all()
    }

    /// For each variable: its name, its type, and each value with its length in bytes before it.
    fn script(&self) -> String {
        let names = serde_json::to_string(&self.names).unwrap_or_default();
        format!(
            r#"let found = "";
for name in {names} {{
    if variable::is_set(name) {{
        let value = variable::get(name);
        let kind = type_of(value);
        let values = if kind == "array" {{ value }} else {{ [value] }};
        found += name + "\n" + kind + "\n" + values.len() + "\n";
        for each in values {{
            let text = "" + each;
            found += text.bytes + "\n" + text + "\n";
        }}
    }}
}}
file::write("{FINDINGS}", found);
"#
        )
    }
}

fn with_hook(text: &str) -> String {
    let Ok(mut document) = text.parse::<DocumentMut>() else {
        return text.to_owned();
    };
    let hooks = document.entry("hooks").or_insert(Item::Table(Table::new()));
    if let Some(hooks) = hooks.as_table_like_mut() {
        let post = hooks.entry("post").or_insert(value(Array::new()));
        if let Some(post) = post.as_array_mut() {
            post.push(HOOK);
        }
    }
    document.to_string()
}

/// What the hook wrote.
struct Findings<'a>(&'a [u8]);

impl Findings<'_> {
    fn all(mut self) -> Option<Answers> {
        let mut answers = Answers::new();
        while !self.0.is_empty() {
            let name = self.line()?;
            let kind = self.line()?;
            let count: usize = self.line()?.parse().ok()?;
            let values = (0..count).map(|_| self.value());
            let mut values = values.collect::<Option<Vec<_>>>()?;
            let answer = match kind.as_str() {
                "array" => Answer::Many(values),
                "bool" => Answer::Bool(values.pop()? == "true"),
                _ => Answer::Text(values.pop()?),
            };
            answers.insert(name, answer);
        }
        Some(answers)
    }

    fn line(&mut self) -> Option<String> {
        let end = self.0.iter().position(|&byte| byte == b'\n')?;
        let line = String::from_utf8(self.0[..end].to_vec()).ok();
        self.0 = &self.0[end + 1..];
        line
    }

    fn value(&mut self) -> Option<String> {
        let size: usize = self.line()?.parse().ok()?;
        let (value, rest) = self.0.split_at_checked(size)?;
        self.0 = rest.strip_prefix(b"\n")?;
        String::from_utf8(value.to_vec()).ok()
    }
}
