//! The events as their reader would declare them.

mod updates;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use updates::{CheckEvent, DiffEvent, ServiceEvent, UpdateEvent};

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    Plan(Box<PlanEvent>),
    Warning {
        message: String,
    },
    Cache {
        #[serde(skip_serializing_if = "Option::is_none")]
        crates: Option<usize>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ms: Option<u64>,
        message: String,
    },
    Step {
        step: Step,
        ms: u64,
    },
    Finding(Finding),
    Sample(Tested),
    Template(Box<Description>),
    Update(Box<UpdateEvent>),
    Check(Box<CheckEvent>),
    Diff(Box<DiffEvent>),
    Service(Box<ServiceEvent>),
    Result(ResultEvent),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    Generate,
    Hooks,
    Git,
    Fetch,
    Build,
    Test,
    Warm,
    Merge,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanEvent {
    pub name: String,
    pub crate_name: String,
    pub env_prefix: String,
    pub description: String,
    pub destination: String,
    pub port: u16,
    pub template: String,
    pub template_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceEvent>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, Answer>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
    /// The parts it has.
    pub parts: Vec<String>,
    pub tree: String,
    pub git: String,
    pub workspace: Option<String>,
    pub edits: Vec<String>,
    pub steps: Vec<Step>,
    pub files: Vec<FileEvent>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FileEvent {
    pub path: String,
    pub bytes: usize,
    pub executable: bool,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResultEvent {
    pub status: String,
    pub exit_code: u8,
    pub ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorEvent>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorEvent {
    pub kind: Kind,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Io,
    Usage,
    Name,
    Destination,
    Port,
    Template,
    Git,
    Workspace,
    Tool,
    Fetch,
    Build,
    Atlas,
    Settings,
    Source,
    Cache,
    Trust,
    Conflict,
    Outdated,
    Record,
    Interrupted,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Answer {
    Bool(bool),
    Integer(i64),
    Text(String),
    Many(Vec<String>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceEvent {
    pub id: String,
    pub subfolder: Option<String>,
    pub commit: Option<String>,
    pub tree: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    Error,
    Warning,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    pub file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    pub level: Level,
    pub rule: String,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tested {
    pub name: String,
    pub files: usize,
    pub outcome: String,
    pub done: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[allow(clippy::struct_field_names, reason = "as it is written")]
pub struct Description {
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    pub format: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subfolder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree: Option<String>,
    pub questions: Vec<Asked>,
    pub parts: Vec<PartOf>,
    pub runs: Vec<Runs>,
    pub conditions: Vec<FileCondition>,
    pub samples: Vec<String>,
    pub files: Vec<FileOf>,
    pub warnings: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Asked {
    pub name: String,
    pub ask: String,
    #[serde(rename = "type")]
    pub form: String,
    pub expected: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<ChoiceOf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Answer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    pub secret: bool,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChoiceOf {
    pub value: String,
    pub label: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PartOf {
    pub name: String,
    pub description: String,
    pub default: bool,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Runs {
    pub what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    pub hash: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FileCondition {
    pub path: String,
    pub when: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FileOf {
    pub path: String,
    pub bytes: usize,
    pub executable: bool,
}
