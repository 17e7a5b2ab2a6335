//! What a template says of itself, for whoever is about to use it. Nothing of it is run.

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::manifest;
use crate::questions::{Answer, Choice, Condition, Default, Form, Question};
use crate::report::Report;
use crate::settings::Settings;
use crate::template::{Shape, Template};
use crate::trust::{self, What};

/// A template, as others can read it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its version, if it has one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// One line that says what it makes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `generate-service` or `cargo-generate`.
    pub format: &'static str,
    /// Its URL, without a password, or its absolute path; none, if it is the embedded one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The directory of its source that it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subfolder: Option<String>,
    /// The commit it was read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The id git gives to its whole tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree: Option<String>,
    /// What it asks, in this order.
    pub questions: Vec<Asked>,
    /// What a service can have or not.
    pub parts: Vec<PartOf>,
    /// What it would run, and agreement is needed for.
    pub runs: Vec<Runs>,
    /// Which files are there only when.
    pub conditions: Vec<FileCondition>,
    /// The names of its samples.
    pub samples: Vec<String>,
    /// Its files, golden trees aside.
    pub files: Vec<FileOf>,
    /// What was left out of it.
    pub warnings: Vec<String>,
}

/// One question.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Asked {
    /// What the template calls the answer.
    pub name: String,
    /// What a human is asked.
    pub ask: String,
    /// `string`, `integer`, `bool`, `one-of` or `many-of`.
    #[serde(rename = "type")]
    pub form: &'static str,
    /// What a good answer is, in words.
    pub expected: String,
    /// What can be chosen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<ChoiceOf>,
    /// The answer of whoever gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Answer>,
    /// The same, if it is computed: an expression of handlebars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_from: Option<String>,
    /// When it is asked at all: an expression of handlebars, or of Rhai.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Whether the answer is kept out of every record and log.
    pub secret: bool,
}

/// What can be chosen.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ChoiceOf {
    /// What templates see.
    pub value: String,
    /// What a human sees.
    pub label: String,
}

/// A part.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PartOf {
    /// The word after `--with`.
    pub name: String,
    /// One line for whoever chooses.
    pub description: String,
    /// Whether it is in unless `--without` says otherwise.
    pub default: bool,
}

/// Something that would run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Runs {
    /// `script`, `command` or `build`.
    pub what: &'static str,
    /// The file of a script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The whole script, or the command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When a command runs: an expression of handlebars, or `updating to` a version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What consent is bound to, beside the source: SHA-256, in hex.
    pub hash: String,
}

/// Files that are there only when.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FileCondition {
    /// A glob on the paths in the template.
    pub path: String,
    /// An expression of handlebars.
    pub when: String,
}

/// A file of the template.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FileOf {
    /// Its path in the template.
    pub path: String,
    /// Its size.
    pub bytes: usize,
    /// Whether it can be run.
    pub executable: bool,
}

/// Says what the template says of itself.
pub fn describe(settings: &Settings, report: &Report) -> Result<()> {
    Error::all(settings.wrong.clone())?;
    let template = Template::find(settings)?;
    report.described(&Description::of(&template, settings));
    Ok(())
}

impl Description {
    /// What can be said of `template`.
    #[must_use]
    pub fn of(template: &Template, settings: &Settings) -> Self {
        let origin = template.origin.as_ref();
        let own = |path: &str| path.starts_with(manifest::HOME);
        let files = template.files.iter().filter(|file| !own(&file.path));
        let files = files.map(|file| FileOf {
            path: file.path.clone(),
            bytes: file.bytes.len(),
            executable: file.executable,
        });
        let parts = template.parts.iter().map(|part| PartOf {
            name: part.name.clone(),
            description: part.description.clone(),
            default: part.default,
        });
        let mut described = Self {
            name: template.name.clone(),
            version: template.version.clone(),
            description: String::new(),
            format: "cargo-generate",
            source: origin.map(|origin| origin.id.clone()),
            subfolder: origin.and_then(|origin| origin.subfolder.clone()),
            commit: origin.and_then(|origin| origin.commit.clone()),
            tree: origin.map(|origin| origin.tree.clone()),
            questions: template.questions().iter().map(Asked::of).collect(),
            parts: parts.collect(),
            runs: runs(template, settings),
            conditions: Vec::new(),
            samples: Vec::new(),
            files: files.collect(),
            warnings: origin.map_or_else(Vec::new, |origin| origin.warnings.clone()),
        };
        described.of_manifest(template);
        described
    }

    /// What only a native template says.
    fn of_manifest(&mut self, template: &Template) {
        let Shape::Native(manifest) = &template.shape else {
            return;
        };
        self.format = "generate-service";
        self.description.clone_from(&manifest.description);
        let conditions = manifest.files.iter().map(|rule| FileCondition {
            path: rule.path.to_string(),
            when: rule.when.clone(),
        });
        self.conditions = conditions.collect();
        let samples = manifest.samples.iter();
        self.samples = samples.map(|sample| sample.name.clone()).collect();
        // Consent is asked for in the order of the hooks.
        let commands = self.runs.iter_mut().filter(|runs| runs.what == "command");
        for (runs, hook) in commands.zip(&manifest.hooks) {
            runs.when.clone_from(&hook.when);
        }
    }
}

impl Asked {
    fn of(question: &Question) -> Self {
        let choices = match &question.form {
            Form::One(choices) | Form::Many(choices) => choices.as_slice(),
            _ => &[],
        };
        let choice = |choice: &Choice| ChoiceOf {
            value: choice.value.clone(),
            label: choice.label.clone(),
        };
        let (default, default_from) = match &question.default {
            Some(Default::Is(answer)) => (Some(answer.clone()), None),
            Some(Default::From(text)) => (None, Some(text.clone())),
            None => (None, None),
        };
        Self {
            name: question.name.clone(),
            ask: question.ask.clone(),
            form: match &question.form {
                Form::Text { .. } => "string",
                Form::Integer(..) => "integer",
                Form::Bool => "bool",
                Form::One(_) => "one-of",
                Form::Many(_) => "many-of",
            },
            expected: question.form.expected(),
            choices: choices.iter().map(choice).collect(),
            default,
            default_from,
            when: question.when.as_ref().map(|when| match when {
                Condition::Handlebars(text) | Condition::Rhai(text) => text.clone(),
            }),
            secret: question.secret,
        }
    }
}

/// All that a run with these settings would run.
fn runs(template: &Template, settings: &Settings) -> Vec<Runs> {
    let mut settings = settings.clone();
    settings.flags.dry_run = false;
    let items = trust::items(template, &settings).into_iter();
    let migrations = template.migrations().iter().flat_map(|migration| {
        let when = format!("updating to {} or newer", migration.version);
        let items = trust::migration_items(template, &[migration]).into_iter();
        items.map(move |item| (item, Some(when.clone())))
    });
    let items = items.map(|item| (item, None)).chain(migrations);
    let runs = items.map(|(item, when)| {
        let (what, path, text) = match item.what {
            What::Script(path) => ("script", Some(path), Some(item.text)),
            What::Command => ("command", None, Some(item.text)),
            What::Build => ("build", None, None),
        };
        Runs {
            what,
            path,
            text,
            when,
            hash: item.hash,
        }
    });
    runs.collect()
}
