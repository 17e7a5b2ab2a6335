//! Every word, colour and bar: the one mouth of the program.
//!
//! The stories hand over typed events; the narrative on standard error and the JSON lines on
//! standard output are two readings of the same events, so no word is said twice.

mod author;
mod bar;
pub mod cache;
mod client;
mod events;
pub mod trust;
pub mod update;

use std::cell::Cell;
use std::io::{IsTerminal as _, Write as _, stderr, stdout};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};

use crate::dirs::{in_shell, tilde};
use crate::error::{Error, Kind, Result};
use crate::plan::{Git, Plan};
use crate::publish::Published;
use crate::questions::Answer;
use crate::settings::{Color, Format, Settings};
use crate::template::Origin;
use crate::trust::Item;
use bar::Bar;
pub use cache::Borrowed;
use events::{ErrorEvent, PlanEvent, ResultEvent};
pub use events::{Event, Step, schema};

const BOLD: Style = Style::new().bold();
const CYAN: Style = AnsiColor::Cyan.on_default();
const GREEN: Style = AnsiColor::Green.on_default().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// How a run is told.
#[derive(Debug)]
pub struct Report {
    started: Instant,
    format: Format,
    quiet: bool,
    /// Whether what is said has colours.
    pub coloured: bool,
    /// Whether somebody watches standard error.
    pub watched: bool,
    steps: Cell<u32>,
    bar: Bar,
}

impl Report {
    /// The manner of telling before any setting could be read.
    #[must_use]
    pub fn new(format: Format, color: Color, quiet: bool) -> Self {
        let watched = stderr().is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let coloured = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => watched && !no_color && !dumb,
        };
        Self {
            started: Instant::now(),
            format,
            quiet,
            coloured,
            watched,
            steps: Cell::new(0),
            bar: Bar::new(watched && !quiet),
        }
    }

    /// The manner the settings ask for.
    #[must_use]
    pub fn with(self, settings: &Settings) -> Self {
        let quiet = settings.flags.quiet;
        Self {
            started: self.started,
            ..Self::new(settings.format, settings.color, quiet)
        }
    }

    /// What was decided, just before it is done.
    pub fn plan(&self, plan: &Plan) {
        self.event(|| Event::Plan(Box::new(PlanEvent::of(plan))));
        self.say(&self.configuration(plan));
        for line in &plan.said {
            self.say(&format!("The template says: {}\n", trust::safe(line)));
        }
        for warning in &plan.warnings {
            self.warn(warning);
        }
    }

    /// Something that stops nothing.
    pub fn warn(&self, warning: &str) {
        self.event(|| Event::Warning {
            message: warning.to_owned(),
        });
        self.say(&format!("{}: {warning}\n", self.paint(YELLOW, "warning")));
    }

    /// What a template would run, in full, before anybody agrees to it.
    pub fn would_run(&self, origin: &Origin, items: &[Item]) {
        eprint(&trust::shown(origin, items));
    }

    /// What takes its time, before it does.
    pub fn waiting(&self, what: &str) {
        self.say(&format!("{what}\n"));
    }

    /// Does a step, said while it happens.
    pub fn step<T>(&self, step: Step, plan: &Plan, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.begin(step, plan);
        let began = Instant::now();
        let done = work();
        self.bar.clear();
        if done.is_ok() {
            self.event(|| Event::Step {
                step,
                ms: millis(began.elapsed()),
            });
            if !step.is_quick() && !self.watched {
                self.say(&format!("   {}\n", self.summary(step, began.elapsed())));
            }
        }
        done
    }

    fn begin(&self, step: Step, plan: &Plan) {
        let number = self.steps.get() + 1;
        self.steps.set(number);
        let place = tilde(&plan.destination);
        let what = match step {
            Step::Generate => format!("Generating files in {place}"),
            Step::Hooks => "Running the template's commands".to_owned(),
            Step::Git => format!("Initializing Git repository in {place}"),
            Step::Fetch => "Fetching dependencies (Cargo.lock)".to_owned(),
            Step::Build => format!("Building {}", plan.name),
            Step::Test => format!("Testing {}", plan.name),
            Step::Warm => "Compiling what services are built, tested and linted with".to_owned(),
            Step::Merge => format!("Merging it into {place}"),
        };
        self.say(&format!(
            "{} {what}\n",
            self.paint(CYAN, &format!("{number}."))
        ));
    }

    /// Takes a line of cargo's for what it tells of progress; false if it tells something else.
    pub fn cargo_progress(&self, line: &str) -> bool {
        self.bar.take(line)
    }

    /// Cargo's own words on a failure.
    pub fn cargo_words(&self, said: &[String], stdout: &str) {
        self.bar.clear();
        let mut text = stdout.trim_end().to_owned();
        for line in said {
            text.push('\n');
            text.push_str(line);
        }
        eprint(&format!("\n{}\n\n", text.trim()));
    }

    /// A refusal in the middle of a conversation.
    pub fn refused(&self, refusal: &Error) {
        self.error(refusal);
    }

    /// The plan as the answer to `--dry-run`.
    pub fn planned(&self, plan: &Plan) {
        match self.format {
            Format::Json => {
                self.event(|| Event::Plan(Box::new(PlanEvent::of(plan))));
                let result = ResultEvent {
                    status: "planned",
                    ..self.result(0)
                };
                self.event(|| Event::Result(result));
            }
            Format::Human => print(&self.dry_run(plan)),
        }
    }

    /// The happy end.
    pub fn done(&self, plan: &Plan, published: &Published) {
        let path = published.path.display().to_string();
        let result = ResultEvent {
            path: Some(path.clone()),
            port: Some(published.port),
            commit: published.commit.clone(),
            ..self.result(0)
        };
        self.event(|| Event::Result(result));
        self.say(&self.farewell(plan, published));
        if self.format == Format::Human && !stdout().is_terminal() {
            print(&format!("{path}\n"));
        }
    }

    /// Any other end.
    pub fn failed(&self, error: &Error) {
        self.bar.clear();
        let result = ResultEvent {
            status: match error.kind {
                Kind::Conflict => "conflicts",
                Kind::Outdated => "outdated",
                _ => "failed",
            },
            errors: error.each().map(ErrorEvent::of).collect(),
            ..self.result(error.kind.code())
        };
        self.event(|| Event::Result(result));
        for error in error.each() {
            self.error(error);
        }
    }

    fn error(&self, error: &Error) {
        // What others wrote may be repeated in it.
        let safe = |text: &str| {
            let lines = text.split('\n').map(trust::harmless);
            lines.collect::<Vec<_>>().join("\n")
        };
        let message = safe(&error.message);
        let mut text = format!("{}: {message}\n", self.paint(RED, "error"));
        if let Some(help) = &error.help {
            let help = safe(help);
            text.push_str(&format!("{}: {help}\n", self.paint(CYAN, "help")));
        }
        eprint(&text);
    }

    fn result(&self, exit_code: u8) -> ResultEvent {
        ResultEvent {
            status: "done",
            exit_code,
            ms: millis(self.started.elapsed()),
            path: None,
            port: None,
            commit: None,
            branch: None,
            errors: Vec::new(),
        }
    }

    fn event(&self, event: impl FnOnce() -> Event) {
        if self.format == Format::Json {
            let line = serde_json::to_string(&event()).unwrap_or_default();
            print(&format!("{line}\n"));
        }
    }

    fn say(&self, text: &str) {
        if !self.quiet {
            eprint(text);
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.coloured {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    fn configuration(&self, plan: &Plan) -> String {
        let mut text =
            self.paint(BOLD, "Creating a service skeleton with this configuration:") + "\n\n";
        text.push_str(&table(plan));
        text.push('\n');
        text
    }

    fn dry_run(&self, plan: &Plan) -> String {
        let mut text = format!("This would be generated:\n\n{}", table(plan));
        text.push_str("\nFiles:\n");
        for file in PlanEvent::of(plan).files {
            let mark = if file.executable { " (executable)" } else { "" };
            text.push_str(&format!("{:>9}  {}{mark}\n", file.bytes, file.path));
        }
        for (edit, diff) in plan.edits() {
            text.push_str(&format!("\nChanges in {}:\n{diff}", tilde(&edit)));
        }
        for warning in &plan.warnings {
            text.push_str(&format!("\n{}: {warning}\n", self.paint(YELLOW, "warning")));
        }
        text
    }

    fn farewell(&self, plan: &Plan, published: &Published) -> String {
        let place = tilde(&published.path);
        let mut text = format!(
            "\n{} {} source code can be found in {place}\n",
            self.paint(GREEN, "All done!"),
            plan.name,
        );
        let port = published.port;
        // What others' services answer, and whether they listen at all, is theirs to say.
        let url = match &plan.origin {
            None => format!("http://127.0.0.1:{port}/health/live"),
            Some(_) => format!("HTTP port {port}"),
        };
        text.push_str(&format!(
            "  cd {} && cargo run     # {url}\n",
            in_shell(&place)
        ));
        if let Git::Inside(around) = &plan.git {
            let root = tilde(&around.root);
            text.push_str(&format!(
                "It stands in the Git repository {root}, where nothing was committed (--commit does).\n"
            ));
        }
        text
    }

    fn summary(&self, step: Step, took: Duration) -> String {
        let seconds = took.as_secs_f64();
        match (step, self.bar.crates()) {
            (Step::Build | Step::Warm, crates) if crates > 0 => {
                format!("{crates} crates in {seconds:.1} s")
            }
            _ => format!("done in {seconds:.1} s"),
        }
    }
}

/// Standard output for a small job: completions, the manual, the schema.
pub fn print(text: &str) {
    // A reader that has had enough (`| head`) is no failure of ours.
    let _ = stdout()
        .write_all(text.as_bytes())
        .and_then(|()| stdout().flush());
}

/// A question that was broken off has hidden it.
pub fn show_cursor() {
    eprint("\x1b[?25h");
}

fn eprint(text: &str) {
    let _ = stderr().write_all(text.as_bytes());
}

fn table(plan: &Plan) -> String {
    let mut text = format!(
        "  Service name:           {}\n  \
           Destination directory:  {}\n  \
           Rust crate name:        {}\n  \
           HTTP port:              {}\n",
        plan.name,
        tilde(&plan.destination),
        plan.name.crate_name(),
        plan.port,
    );
    if let Some(origin) = &plan.origin {
        text.push_str(&format!(
            "  Template:               {}\n",
            of_template(origin)
        ));
    }
    for (name, answer) in &plan.answers {
        text.push_str(&format!("  {:<24}{}\n", format!("{name}:"), shown(answer)));
    }
    for hook in &plan.hooks {
        let line = crate::trust::line(hook);
        text.push_str(&format!("  Runs:                   {line}\n"));
    }
    if !plan.usual_parts {
        text.push_str(&format!(
            "  Parts:                  {}\n",
            plan.parts.join(", ")
        ));
    }
    if let Some(workspace) = &plan.workspace {
        text.push_str(&format!(
            "  Member of workspace:    {}\n",
            tilde(&workspace.root)
        ));
    }
    text
}

/// Where a template comes from, and which version of it.
#[must_use]
pub fn of_template(origin: &Origin) -> String {
    let mut text = tilde(std::path::Path::new(&origin.id));
    if let Some(dir) = &origin.subfolder {
        text.push_str(&format!(", {dir}"));
    }
    if let Some((_, name)) = &origin.wanted {
        text.push_str(&format!(", {name}"));
    }
    if let Some(commit) = &origin.commit {
        let short = commit.get(..12).unwrap_or(commit);
        text.push_str(&format!(" (commit {short})"));
    }
    text
}

/// An answer on one line, whatever it says.
fn shown(answer: &Answer) -> String {
    answer.to_string().escape_debug().to_string()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
