//! The events of a run as JSON: one object a line, documented by the schema that is derived from
//! these very types.

use schemars::JsonSchema;
use serde::Serialize;

use crate::author::{Description, Finding, Tested};
use crate::error::{Error, Kind};
use crate::plan::{Git, Plan};
use crate::questions::Answers;
use crate::template::Origin;

/// One step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The files are written.
    Generate,
    /// Commands of the template run.
    Hooks,
    /// A repository is initialised and the tree committed.
    Git,
    /// Dependencies are downloaded.
    Fetch,
    /// The service is compiled.
    Build,
    /// Its tests are run.
    Test,
    /// What services are made of is compiled ahead.
    Warm,
    /// The template is merged into a service.
    Merge,
}

impl Step {
    /// Whether nobody has to be told that it is over.
    #[must_use]
    pub const fn is_quick(self) -> bool {
        matches!(self, Self::Generate | Self::Git | Self::Merge)
    }
}

/// One line of `--format json`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Everything that was decided; nothing has been written yet.
    Plan(Box<PlanEvent>),
    /// Something that stops nothing.
    Warning {
        /// What is odd.
        message: String,
    },
    /// What a build borrows from the cache of compiled crates, or why it does not.
    Cache {
        /// How many compiled crates it was given.
        #[serde(skip_serializing_if = "Option::is_none")]
        crates: Option<usize>,
        /// How long that took, in milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        ms: Option<u64>,
        /// The same in words.
        message: String,
    },
    /// A step is done.
    Step {
        /// Which.
        step: Step,
        /// How long it took, in milliseconds.
        ms: u64,
    },
    /// Something odd in a template: `template check`.
    Finding(Finding),
    /// How a sample of a template did: `template test`.
    Sample(Tested),
    /// What a template says of itself: `template describe`.
    Template(Box<Description>),
    /// What an update would do or does: `update`.
    Update(Box<super::update::UpdateEvent>),
    /// Whether a newer version is there: `update --check`.
    Check(Box<super::update::CheckEvent>),
    /// How far a service has drifted: `diff`.
    Diff(Box<super::update::DiffEvent>),
    /// How one of many services did: `update --all`.
    Service(Box<super::update::ServiceEvent>),
    /// The last line, on success as on failure.
    Result(ResultEvent),
}

/// Everything that was decided.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanEvent {
    /// Service, package, binary and directory.
    pub name: String,
    /// The Rust crate.
    pub crate_name: String,
    /// What the service's environment variables begin with.
    pub env_prefix: String,
    /// One line that says what the service is for.
    pub description: String,
    /// The service's directory, absolute.
    pub destination: String,
    /// The HTTP port.
    pub port: u16,
    /// The template's name.
    pub template: String,
    /// The template's version.
    pub template_version: String,
    /// Where the template comes from, unless it is the embedded one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceEvent>,
    /// What was answered to its questions, secrets aside.
    #[serde(skip_serializing_if = "Answers::is_empty")]
    pub answers: Answers,
    /// Commands of the template that run in the new service.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Vec<String>>,
    /// What scripts of the template said while it was rendered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
    /// The parts it has.
    pub parts: Vec<String>,
    /// The id git gives to the rendered tree.
    pub tree: String,
    /// `none`, `own`, `inside` or `commit-inside`.
    pub git: &'static str,
    /// The workspace the service joins.
    pub workspace: Option<String>,
    /// Files outside the destination that change.
    pub edits: Vec<String>,
    /// What will be done, in order.
    pub steps: Vec<Step>,
    /// The rendered tree.
    pub files: Vec<FileEvent>,
}

/// Where a template comes from.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SourceEvent {
    /// Its URL, without a password, or its absolute path.
    pub id: String,
    /// The directory of it that the template stands in.
    pub subfolder: Option<String>,
    /// The commit it was read from.
    pub commit: Option<String>,
    /// The id git gives to its whole tree.
    pub tree: String,
}

/// One file of the rendered tree.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FileEvent {
    /// Relative to the destination.
    pub path: String,
    /// Its size.
    pub bytes: usize,
    /// Whether it can be run.
    pub executable: bool,
}

/// How the run ended.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ResultEvent {
    /// `done`, `planned` (a dry run), `up-to-date`, `outdated` (`update --check`), `conflicts`
    /// (`update`) or `failed`.
    pub status: &'static str,
    /// What the process exits with.
    pub exit_code: u8,
    /// From start to end, in milliseconds.
    pub ms: u64,
    /// The service's directory; the file of a client; the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The HTTP port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The commit that holds the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The branch an update was committed on, if it is not the one that is checked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Everything that was wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorEvent>,
}

/// One thing that was wrong.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorEvent {
    /// Its kind: a script can rely on it.
    pub kind: Kind,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl PlanEvent {
    /// The plan as others can read it.
    pub fn of(plan: &Plan) -> Self {
        let (template, template_version) = plan.template.clone();
        let files = plan.files.iter().map(|file| FileEvent {
            path: file.path.clone(),
            bytes: file.bytes.len(),
            executable: file.executable,
        });
        Self {
            name: plan.name.to_string(),
            crate_name: plan.name.crate_name(),
            env_prefix: plan.name.env_prefix(),
            description: plan.description.clone(),
            destination: plan.destination.display().to_string(),
            port: plan.port,
            template,
            template_version,
            source: plan.origin.as_ref().map(SourceEvent::of),
            answers: plan.answers.clone(),
            hooks: plan.hooks.clone(),
            said: plan.said.clone(),
            parts: plan.parts.clone(),
            tree: plan.tree.clone(),
            git: match plan.git {
                Git::Without => "none",
                Git::Own { .. } => "own",
                Git::Inside(_) => "inside",
                Git::CommitInside(_) => "commit-inside",
            },
            workspace: plan
                .workspace
                .as_ref()
                .map(|ours| ours.root.display().to_string()),
            edits: plan
                .edits()
                .into_iter()
                .map(|(path, _)| path.display().to_string())
                .collect(),
            steps: plan.steps(),
            files: files.collect(),
        }
    }
}

impl SourceEvent {
    fn of(origin: &Origin) -> Self {
        Self {
            id: origin.id.clone(),
            subfolder: origin.subfolder.clone(),
            commit: origin.commit.clone(),
            tree: origin.tree.clone(),
        }
    }
}

impl ErrorEvent {
    /// One error, without those found beside it.
    pub fn of(error: &Error) -> Self {
        Self {
            kind: error.kind,
            message: error.message.clone(),
            help: error.help.clone(),
        }
    }
}

/// The JSON schema of `--format json`: one line is one `Event`.
#[must_use]
pub fn schema() -> String {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    // What is written, not what could be read: a list that is left out when empty is optional.
    let schema = settings
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Event>();
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}
