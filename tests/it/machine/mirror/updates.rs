//! The events of updates.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UpdateEvent {
    pub service: String,
    pub path: String,
    pub from: String,
    pub to: String,
    pub status: Readiness,
    pub files: Vec<ChangeEvent>,
    pub conflicts: Vec<ConflictEvent>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deprecated: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub changelog: String,
    pub message: String,
    pub branch: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Readiness {
    UpToDate,
    Merges,
    Conflicts,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeEvent {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    pub what: What,
    pub added: usize,
    pub removed: usize,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    Added,
    Deleted,
    Modified,
    Renamed,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConflictEvent {
    pub path: String,
    pub how: How,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    BothChanged,
    BothAdded,
    DeletedHere,
    DeletedThere,
    Names,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckEvent {
    pub service: String,
    pub path: String,
    pub template: String,
    pub current: String,
    pub newest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_commit: Option<String>,
    pub commits_behind: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub releases_behind: Option<usize>,
    pub outdated: bool,
    pub conflicts: usize,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiffEvent {
    pub service: String,
    pub path: String,
    pub template: String,
    pub untouched: usize,
    pub files: Vec<ChangeEvent>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceEvent {
    pub path: String,
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Updated,
    UpToDate,
    Outdated,
    Conflicts,
    Failed,
}
