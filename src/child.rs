//! Work on what others wrote, done by this very program in a process of its own.
//!
//! Templates can loop, swallow memory, panic, print and look around. So the program calls itself:
//! with an empty environment, an empty home, nothing to read, no more memory, time and disk than
//! `Limits` say, and (on Linux) nothing to write to but a directory of its own, which is gone
//! afterwards. Whatever becomes of it, the caller gets files or an error.
//!
//! The job and its answer are files in that directory: what a template prints meets neither.

mod frame;
mod house;
mod walls;

use std::any::Any;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::fill;
use crate::foreign::{self, Expansion};
use crate::interrupt;
use crate::process::{self, Ended, Place, Stop};
use crate::questions::Answers;
use crate::template::File;
use house::House;

/// Names the directory of the job; a process that finds no job there is no child.
const DIR: &str = "GENERATE_SERVICE_CHILD";
/// What one child may print.
const PRINTED: u64 = 1 << 20;
/// Deep recursion of a parser ends in its own error sooner than in this.
const STACK: usize = 256 << 20;

/// What is to be done.
#[derive(Debug, Serialize, Deserialize)]
pub enum Job {
    /// Fill the files of a template of ours.
    Fill {
        /// What they can say, an object.
        values: serde_json::Value,
    },
    /// Expand a template of cargo-generate.
    Expand(Expansion),
}

/// Who does it, and how much that may take.
#[derive(Clone, Debug)]
pub struct Terms {
    /// This program.
    pub program: PathBuf,
    /// What it may take.
    pub limits: Limits,
    /// Where its private directory is made, if templates can be rendered there.
    pub above: PathBuf,
    /// Whether it may ask whoever sits at the terminal.
    pub talks: bool,
}

/// How much a job may take.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// From its start to its end; a processor may be busy with it for as long.
    pub time: Duration,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Bytes of all files together.
    pub disk: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Product {
    /// The files.
    pub files: Vec<File>,
    /// The answers the template ended with.
    pub answers: Answers,
    /// What its user should know.
    pub warnings: Vec<String>,
    /// What the template printed.
    pub said: String,
}

impl Limits {
    /// Of a job that fills files: thousands of them take a second.
    pub const FILL: Self = Self {
        time: Duration::from_secs(10),
        ..Self::USUAL
    };
    /// Of a job that runs no commands.
    pub const USUAL: Self = Self {
        time: Duration::from_secs(30),
        memory: 2 << 30,
        file: 256 << 20,
        disk: 1 << 30,
    };
    /// Of a job that may run commands: they inherit these, and a compiler may be among them.
    pub const COMMANDS: Self = Self {
        time: Duration::from_mins(10),
        memory: 8 << 30,
        file: 2 << 30,
        disk: 8 << 30,
    };
}

impl Terms {
    /// This program, within `limits`.
    pub fn new(limits: Limits) -> Result<Self> {
        let program = std::env::current_exe().map_err(|error| {
            let message = format!("cannot find this program itself: {error}");
            Error::new(Kind::Tool, message)
        })?;
        let above = std::env::temp_dir();
        Ok(Self {
            program,
            limits,
            above,
            talks: false,
        })
    }
}

impl Job {
    fn commands(&self) -> bool {
        matches!(self, Self::Expand(expansion) if expansion.commands)
    }

    fn environment(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Fill { .. } => Vec::new(),
            Self::Expand(expansion) => expansion.author.environment(),
        }
    }
}

/// Has `job` done on `files`.
pub fn run(job: &Job, files: &[File], terms: &Terms) -> Result<Product> {
    interrupt::listen()?;
    let house = House::build(&terms.above)?;
    let order = (job, terms.limits);
    frame::write(&house.job(), &order, files)
        .map_err(|error| Error::io("write", &house.job(), &error))?;
    let limits = process::Limits {
        time: terms.limits.time,
        bytes: PRINTED,
    };
    let mut command = command(job, terms, &house);
    let place = if terms.talks {
        Place::Ours
    } else {
        Place::Group
    };
    let ended = process::contained(place, limits, &mut command, || {
        house.holds(terms.limits.disk)
    })?;
    product(&house, ended, terms.limits)
}

/// If this process is a child: does its job, and returns what to exit with.
#[must_use]
pub fn serve() -> Option<ExitCode> {
    let dir = PathBuf::from(std::env::var_os(DIR)?);
    let house = House::at(&dir);
    if !house.job().is_file() {
        return None;
    }
    process::die_with_parent();
    std::panic::set_hook(Box::new(|_| {}));
    let answer = match order(&house) {
        Ok((job, limits, files)) => obey(job, limits, &files, &house),
        Err(error) => Err(error),
    };
    Some(match respond(&house, answer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

fn command(job: &Job, terms: &Terms, house: &House) -> Command {
    let mut command = Command::new(&terms.program);
    command.env_clear().current_dir(house.dir());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.env(DIR, house.dir()).envs(house.environment());
    command.env("LANG", "C").env("NO_COLOR", "1");
    if let Some(term) = std::env::var_os("TERM").filter(|_| terms.talks) {
        command.env("TERM", term);
    }
    command.envs(job.environment());
    command
}

/// What the child has to do. The file goes: commands of a template may well run this program.
fn order(house: &House) -> Result<(Job, Limits, Vec<File>)> {
    let path = house.job();
    let io = |error: std::io::Error| Error::io("read", &path, &error);
    let ((job, limits), files) = frame::read(&path).map_err(io)?;
    std::fs::remove_file(&path).map_err(io)?;
    Ok((job, limits, files))
}

/// Does the job behind walls, on a stack that is deep enough for deep nesting.
fn obey(job: Job, limits: Limits, files: &[File], house: &House) -> Result<Product> {
    let walled = walls::raise(limits, house.dir(), job.commands());
    let work = || match job {
        Job::Fill { values } => filled(files, &values),
        Job::Expand(expansion) => foreign::expand(&expansion, files, house.dir(), walled),
    };
    let done = std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(STACK);
        let thread = builder.spawn_scoped(scope, work);
        thread.map(std::thread::ScopedJoinHandle::join)
    });
    match done {
        Ok(Ok(done)) => done,
        Ok(Err(panic)) => Err(panicked(&*panic)),
        Err(error) => Err(Error::new(
            Kind::Io,
            format!("cannot start a thread: {error}"),
        )),
    }
}

fn filled(files: &[File], values: &serde_json::Value) -> Result<Product> {
    Ok(Product {
        files: fill::fill(files, values)?,
        ..Product::default()
    })
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let why = text.unwrap_or("it did not say why");
    Error::new(
        Kind::Template,
        format!("the template's rendering broke down: {why}"),
    )
    .help("this is not the fault of the answers; tell the author of the template")
}

/// The head of an answer.
type Head = Result<(Answers, Vec<String>), Fault>;

/// An error on its way from one process to the other.
#[derive(Serialize, Deserialize)]
struct Fault {
    code: u8,
    message: String,
    help: Option<String>,
    also: Vec<Fault>,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self {
            code: error.kind.code(),
            message: error.message,
            help: error.help,
            also: error.also.into_iter().map(Self::from).collect(),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let kind = Kind::ALL.into_iter().find(|kind| kind.code() == fault.code);
        Self {
            kind: kind.unwrap_or(Kind::Template),
            message: fault.message,
            help: fault.help,
            also: fault.also.into_iter().map(Self::from).collect(),
        }
    }
}

fn respond(house: &House, answer: Result<Product>) -> std::io::Result<()> {
    match answer {
        Ok(product) => {
            let head: Head = Ok((product.answers, product.warnings));
            frame::write(&house.answer(), &head, &product.files)
        }
        Err(error) => frame::write(&house.answer(), &Head::Err(error.into()), &[]),
    }
}

/// What came of the child, dead or alive.
fn product(house: &House, ended: Ended, limits: Limits) -> Result<Product> {
    if let Some(error) = misdeed(&ended, limits) {
        return Err(error);
    }
    let (head, files) = read_answer(&house.answer()).ok_or_else(|| death(&ended, limits))?;
    let (answers, warnings) = head?;
    Ok(Product {
        files,
        answers,
        warnings,
        said: ended.stdout,
    })
}

fn read_answer(path: &Path) -> Option<(Head, Vec<File>)> {
    let meta = path.symlink_metadata().ok()?;
    if !meta.is_file() {
        return None;
    }
    frame::read(path).ok()
}

fn misdeed(ended: &Ended, limits: Limits) -> Option<Error> {
    let what = match ended.stopped {
        Some(Stop::Late) => format!("took longer than {}", seconds(limits.time)),
        Some(Stop::Watcher) => format!("wrote more than {} MiB", limits.disk >> 20),
        None if ended.stdout.len() as u64 > PRINTED => {
            format!("printed more than {} MiB", PRINTED >> 20)
        }
        None => return None,
    };
    Some(unfinished(&what))
}

fn death(ended: &Ended, limits: Limits) -> Error {
    use rustix::process::Signal;
    let signal = ended.signal.and_then(Signal::from_named_raw);
    let what = match signal {
        Some(Signal::XCPU) => format!("kept a processor busy for {}", seconds(limits.time)),
        Some(Signal::XFSZ) => format!("wrote a file of more than {} MiB", limits.file >> 20),
        _ if ended.stderr.contains("memory allocation of") => {
            format!("ran out of memory, {} MiB", limits.memory >> 20)
        }
        _ if ended.stderr.contains("overflowed its stack") => "nested itself too deeply".to_owned(),
        _ => match (ended.signal, ended.code) {
            (Some(signal), _) => format!("was ended by signal {signal}"),
            (None, code) => format!("ended without an answer, exit code {}", code.unwrap_or(-1)),
        },
    };
    unfinished(&what)
}

fn unfinished(what: &str) -> Error {
    Error::new(Kind::Template, format!("the template's rendering {what}"))
        .help("nothing was left behind; look for a loop or a recursion in the template")
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}
