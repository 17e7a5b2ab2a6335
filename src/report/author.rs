//! Words for those who write templates.

use super::trust::safe;
use super::{Event, GREEN, RED, Report, YELLOW, eprint, print};
use crate::author::{Description, Finding, Level, Tested};
use crate::dirs::{in_shell, tilde};
use crate::settings::Format;
use std::path::Path;

impl Report {
    /// Something odd in a template. Mistakes are said at the end, as what made the run fail.
    pub fn finding(&self, finding: &Finding) {
        self.event(|| Event::Finding(finding.clone()));
        if finding.level == Level::Warning {
            let mut text = format!("{}: {finding}\n", self.paint(YELLOW, "warning"));
            if let Some(help) = &finding.help {
                text.push_str(&format!("help: {help}\n"));
            }
            self.say(&text);
        }
    }

    /// All that was looked at is good.
    pub fn no_mistakes(&self) {
        self.end(|| "no mistakes found\n".to_owned());
    }

    /// How a sample did.
    pub fn sample(&self, sample: &Tested) {
        self.event(|| Event::Sample(sample.clone()));
        if self.format == Format::Human {
            let Tested {
                name,
                files,
                outcome,
                done,
            } = sample;
            let outcome = outcome.replace('-', " ");
            let files = if *files == 1 {
                "1 file".to_owned()
            } else {
                format!("{files} files")
            };
            let done = done.iter().map(|word| format!(", {word}"));
            let done = done.collect::<String>();
            print(&format!("sample {name}: {files} {outcome}{done}\n"));
        }
    }

    /// All samples did well.
    pub fn tested(&self) {
        self.end(String::new);
    }

    /// How a sample differs from what was expected.
    pub fn differences(&self, sample: &str, differences: &[String]) {
        let mut text = format!("\nSample {sample}, as it was and as it is now:\n\n");
        for difference in differences {
            for line in difference.lines() {
                let safe = safe(line);
                text.push_str(&match line.chars().next() {
                    Some('+') => self.paint(GREEN, &safe),
                    Some('-') => self.paint(RED, &safe),
                    _ => safe,
                });
                text.push('\n');
            }
            text.push('\n');
        }
        eprint(&text);
    }

    /// What a template says of itself.
    pub fn described(&self, template: &Description) {
        self.event(|| Event::Template(Box::new(template.clone())));
        self.end(|| description(template));
    }

    /// A template to start from is there.
    pub fn started(&self, dir: &Path) {
        let place = tilde(dir);
        let shell = in_shell(&place);
        self.say(&format!(
            "{} A template to start from is in {place}\n  \
             generate-service template check {shell}\n  \
             generate-service template test {shell} --trust\n  \
             generate-service my-service --template {shell}\n",
            self.paint(GREEN, "All done!")
        ));
    }

    /// The end of a small job: words for humans, the result for programs.
    fn end(&self, words: impl FnOnce() -> String) {
        match self.format {
            Format::Human => print(&words()),
            Format::Json => self.event(|| Event::Result(self.result(0))),
        }
    }
}

/// A description in words. A template may be anybody's, so nothing of it reaches the terminal as
/// it is.
fn description(template: &Description) -> String {
    let mut text = format!("{} {}", safe(&template.name), safe(&template.version));
    text = text.trim_end().to_owned() + "\n";
    if !template.description.is_empty() {
        text.push_str(&format!("  {}\n", safe(&template.description)));
    }
    let facts = [
        ("Format", Some(template.format.to_owned())),
        ("Source", template.source.clone()),
        ("Subfolder", template.subfolder.clone()),
        ("Commit", template.commit.clone()),
        ("Tree", template.tree.clone()),
        ("Samples", Some(template.samples.join(", "))),
    ];
    text.push('\n');
    for (name, fact) in facts {
        if let Some(fact) = fact.filter(|fact| !fact.is_empty()) {
            text.push_str(&format!("  {:<11}{}\n", format!("{name}:"), safe(&fact)));
        }
    }
    text.push_str(&questions(template));
    text.push_str(&parts(template));
    text.push_str(&runs(template));
    text.push_str(&files(template));
    for warning in &template.warnings {
        text.push_str(&format!("\nwarning: {}\n", safe(warning)));
    }
    text
}

fn questions(template: &Description) -> String {
    if template.questions.is_empty() {
        return "\nIt asks nothing.\n".to_owned();
    }
    let mut text = "\nIt asks:\n".to_owned();
    for question in &template.questions {
        text.push_str(&format!(
            "  {}: {}",
            safe(&question.name),
            safe(&question.expected)
        ));
        if let Some(default) = &question.default {
            text.push_str(&format!(" [default: {}]", safe(&default.to_string())));
        }
        if let Some(default) = &question.default_from {
            text.push_str(&format!(" [default: {}]", safe(default)));
        }
        if question.secret {
            text.push_str(", secret");
        }
        if let Some(when) = &question.when {
            text.push_str(&format!(", when {}", safe(when)));
        }
        text.push('\n');
        if question.ask != question.name {
            text.push_str(&format!("    {}\n", safe(&question.ask)));
        }
    }
    text
}

fn parts(template: &Description) -> String {
    let mut text = String::new();
    if !template.parts.is_empty() {
        text.push_str("\nIts parts:\n");
    }
    for part in &template.parts {
        let usual = if part.default { " (usual)" } else { "" };
        let (name, about) = (safe(&part.name), safe(&part.description));
        text.push_str(&format!("  {name}{usual}: {about}\n"));
    }
    text
}

fn runs(template: &Description) -> String {
    if template.runs.is_empty() {
        return "\nIt runs nothing that has to be agreed to.\n".to_owned();
    }
    let mut text = "\nIt runs, if somebody agrees:\n".to_owned();
    for item in &template.runs {
        let (path, script) = (item.path.as_deref(), item.text.as_deref());
        let (path, script) = (path.unwrap_or_default(), script.unwrap_or_default());
        match item.what {
            "script" => {
                text.push_str(&format!("  script {}\n", safe(path)));
                for line in script.lines() {
                    text.push_str(&format!("    | {}\n", safe(line)));
                }
            }
            "command" => {
                text.push_str(&format!("  command {}", safe(script)));
                if let Some(when) = &item.when {
                    text.push_str(&format!(", when {}", safe(when)));
                }
                text.push('\n');
            }
            _ => text.push_str("  its build: build scripts, procedural macros, tests\n"),
        }
    }
    text
}

fn files(template: &Description) -> String {
    let mut text = String::new();
    if !template.conditions.is_empty() {
        text.push_str("\nFiles that are there only when:\n");
    }
    for rule in &template.conditions {
        text.push_str(&format!("  {}: {}\n", safe(&rule.path), safe(&rule.when)));
    }
    text.push_str("\nFiles:\n");
    for file in &template.files {
        let mark = if file.executable { " (executable)" } else { "" };
        text.push_str(&format!("{:>9}  {}{mark}\n", file.bytes, safe(&file.path)));
    }
    text
}
