//! Runs a program for us: in its own process group, without standard input, its output read line
//! by line, ended with us however we end.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::{Error, Kind, Result};
use crate::interrupt::{self, Whom};

/// What became of a program.
#[derive(Debug)]
pub struct Outcome {
    /// Whether it exited with 0.
    pub success: bool,
    /// What it wrote to standard output.
    pub stdout: String,
    /// Whether it was ended because its time was up.
    pub late: bool,
}

/// How much a program may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From its start to its end.
    pub time: Duration,
    /// Of standard output; one byte more is read, so that its reader sees that it was too much.
    pub bytes: u64,
}

/// Where a program stands with regard to the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a process group of its own: one that reads the terminal is stopped.
    Group,
    /// In a session of its own: one that looks for a terminal finds none, and fails at once.
    Session,
    /// In our group: it may talk to whoever sits at the terminal.
    Ours,
}

const ANYTHING: Limits = Limits {
    time: Duration::MAX,
    bytes: u64::MAX,
};

/// Where `program` is on PATH.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|dir| !dir.as_os_str().is_empty())
        .map(|dir| dir.join(program))
        .find(|candidate| is_executable(candidate))
}

/// Runs `command` to its end. `line` is handed each piece of standard error that ends in a new
/// line or a carriage return, without it.
pub fn run(command: &mut Command, line: impl FnMut(&str)) -> Result<Outcome> {
    run_within(ANYTHING, command, line)
}

/// As `run`, within `limits`.
pub fn run_within(
    limits: Limits,
    command: &mut Command,
    line: impl FnMut(&str),
) -> Result<Outcome> {
    run_at(Place::Group, limits, command, line)
}

/// As `run_within`, at `place`.
pub fn run_at(
    place: Place,
    limits: Limits,
    command: &mut Command,
    mut line: impl FnMut(&str),
) -> Result<Outcome> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let (mut child, whom) = start(place, command)?;
    let watch = Watch::over(whom, limits.time);
    let stdout = child
        .stdout
        .take()
        .map(|out| std::thread::spawn(move || read(out, limits.bytes)));
    if let Some(stderr) = child.stderr.take() {
        each_line(stderr, &mut line);
    }
    let status = child.wait();
    let status = status.map_err(|error| cannot_run(command.get_program(), &error));
    interrupt::release_child();
    let late = watch.end();
    interrupt::check()?;
    let stdout = stdout
        .and_then(|reader| reader.join().ok())
        .unwrap_or_default();
    Ok(Outcome {
        success: status?.success(),
        stdout,
        late,
    })
}

impl Place {
    /// Who ends with the child `id`.
    const fn whom(self, id: u32) -> Whom {
        match self {
            Self::Ours => Whom::Process(id),
            Self::Group | Self::Session => Whom::Group(id),
        }
    }
}

/// Starts `command` at `place`; signals that come from now on end it.
fn start(place: Place, command: &mut Command) -> Result<(Child, Whom)> {
    stand(command, place);
    die_with_us(command);
    interrupt::check()?;
    let child = command
        .spawn()
        .map_err(|error| cannot_run(command.get_program(), &error))?;
    let whom = place.whom(child.id());
    interrupt::guard_child(whom);
    Ok((child, whom))
}

/// A program that comes to its end even if we come to ours.
#[derive(Debug)]
pub struct Outliving(Child);

/// Starts `command` in a session of its own, where nothing that is meant for us reaches it. Its
/// standard input ends when we wait for it, or are gone.
pub fn outliving(command: &mut Command) -> Result<Outliving> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::inherit());
    stand(command, Place::Session);
    let child = command.spawn();
    let child = child.map_err(|error| cannot_run(command.get_program(), &error))?;
    Ok(Outliving(child))
}

impl Outliving {
    /// Its exit code, if it came to one, and what it wrote to standard output.
    #[must_use]
    pub fn end(self) -> (Option<i32>, String) {
        let Ok(output) = self.0.wait_with_output() else {
            return (None, String::new());
        };
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), stdout)
    }
}

/// Runs `command` beside others: a signal from the terminal reaches it as it reaches us, and so
/// does our death. Says its exit code and what it wrote to standard output and error.
pub fn beside_others(command: &mut Command) -> Result<(Option<i32>, String, String)> {
    command.stdin(Stdio::null());
    die_with_us(command);
    let output = command.output();
    let output = output.map_err(|error| cannot_run(command.get_program(), &error))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    ))
}

/// How a contained program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code, if it came to one.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
    /// Whether we ended it, and why.
    pub stopped: Option<Stop>,
}

/// Why a contained program was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Its time was up.
    Late,
    /// The watcher was not pleased.
    Watcher,
}

/// How often the watcher of a contained program looks.
const ROUND: Duration = Duration::from_millis(250);
/// How long output is waited for once everything of a contained program is killed.
const REST: Duration = Duration::from_secs(1);

/// Runs `command` to its end within `limits`, and whatever it started ends with it, unless it
/// stands at our own place, where it talks with whoever sits at the terminal. `pleased` is asked
/// now and then whether it may go on.
pub fn contained(
    place: Place,
    limits: Limits,
    command: &mut Command,
    pleased: impl FnMut() -> bool,
) -> Result<Ended> {
    if place == Place::Ours {
        command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
    } else {
        command.stdin(Stdio::null()).stderr(Stdio::piped());
    }
    command.stdout(Stdio::piped());
    let (mut child, whom) = start(place, command)?;
    let stdout = child.stdout.take().map(|out| drain(out, limits.bytes));
    let stderr = child.stderr.take().map(|out| drain(out, limits.bytes));
    let stopped = watch(whom, limits.time, pleased);
    // It has ended and is not yet reaped, so its number still names this group and no other.
    interrupt::kill(whom);
    let status = child.wait();
    let status = status.map_err(|error| cannot_run(command.get_program(), &error));
    interrupt::release_child();
    interrupt::check()?;
    let status = status?;
    let rest = |drain: Option<Receiver<String>>| {
        drain
            .and_then(|drain| drain.recv_timeout(REST).ok())
            .unwrap_or_default()
    };
    Ok(Ended {
        code: status.code(),
        signal: status.signal(),
        stdout: rest(stdout),
        stderr: rest(stderr),
        stopped,
    })
}

/// Waits for `whom`, and kills all of it when its time is up or the watcher says.
fn watch(whom: Whom, time: Duration, mut pleased: impl FnMut() -> bool) -> Option<Stop> {
    let (ended, end) = channel();
    let (Whom::Group(leader) | Whom::Process(leader)) = whom;
    std::thread::spawn(move || {
        wait_without_reaping(leader);
        let _ = ended.send(());
    });
    let start = Instant::now();
    loop {
        let left = time.saturating_sub(start.elapsed());
        if end.recv_timeout(left.min(ROUND)) != Err(RecvTimeoutError::Timeout) {
            return None;
        }
        let stop = if start.elapsed() >= time {
            Some(Stop::Late)
        } else {
            (!pleased()).then_some(Stop::Watcher)
        };
        if stop.is_some() {
            interrupt::kill(whom);
            let _ = end.recv();
            return stop;
        }
    }
}

fn wait_without_reaping(pid: u32) {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    if let Some(pid) = pid {
        while matches!(
            waitid(WaitId::Pid(pid), options),
            Err(rustix::io::Errno::INTR)
        ) {}
    }
}

fn drain(out: impl Read + Send + 'static, limit: u64) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || drop(sender.send(read(out, limit))));
    receiver
}

/// Ends a process group when its time is up.
struct Watch {
    ended: Sender<()>,
    thread: JoinHandle<bool>,
}

impl Watch {
    fn over(whom: Whom, time: Duration) -> Self {
        let (ended, end) = channel();
        let thread = std::thread::spawn(move || {
            let late = end.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
            if late {
                interrupt::kill(whom);
            }
            late
        });
        Self { ended, thread }
    }

    /// The group has ended: was it late?
    fn end(self) -> bool {
        drop(self.ended);
        self.thread.join().unwrap_or(false)
    }
}

fn read(out: impl Read, limit: u64) -> String {
    let mut bytes = Vec::new();
    // A pipe that breaks ends the output: whether the program failed is for its status to say.
    let _ = out.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Progress bars end their lines in a carriage return, and want to be seen at once.
fn each_line(stderr: impl Read, line: &mut impl FnMut(&str)) {
    let mut stderr = BufReader::new(stderr);
    let mut bytes = Vec::new();
    while let Ok(chunk) = stderr.fill_buf()
        && !chunk.is_empty()
    {
        for &byte in chunk {
            match byte {
                b'\r' | b'\n' => {
                    line(&String::from_utf8_lossy(&bytes));
                    bytes.clear();
                }
                _ => bytes.push(byte),
            }
        }
        let read = chunk.len();
        stderr.consume(read);
    }
    if !bytes.is_empty() {
        line(&String::from_utf8_lossy(&bytes));
    }
}

fn stand(command: &mut Command, place: Place) {
    match place {
        Place::Group => {
            command.process_group(0);
        }
        Place::Session => before_exec(command, || {
            rustix::process::setsid()?;
            Ok(())
        }),
        Place::Ours => {}
    }
}

/// No file that `command` writes becomes larger than `bytes`: the system ends whoever tries.
pub fn limit_files(command: &mut Command, bytes: u64) {
    before_exec(command, move || {
        let limit = rustix::process::Rlimit {
            current: Some(bytes),
            maximum: Some(bytes),
        };
        rustix::process::setrlimit(rustix::process::Resource::Fsize, limit)?;
        Ok(())
    });
}

/// Has the new process do `what`, which must be a bare system call, before it becomes `command`.
#[allow(unsafe_code, reason = "std has no way to do this in the new process")]
fn before_exec(
    command: &mut Command,
    what: impl FnMut() -> std::io::Result<()> + Send + Sync + 'static,
) {
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; all that comes here
    // are bare system calls.
    unsafe {
        command.pre_exec(what);
    }
}

fn cannot_run(program: &OsStr, error: &std::io::Error) -> Error {
    let io = Error::io("run", Path::new(program), error);
    Error::new(Kind::Tool, io.message)
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// A generator that is killed must not leave a cargo behind that goes on writing into a staging
/// directory the next run sweeps away.
#[cfg(target_os = "linux")]
fn die_with_us(command: &mut Command) {
    before_exec(command, || {
        let signal = Some(rustix::process::Signal::TERM);
        Ok(rustix::process::set_parent_process_death_signal(signal)?)
    });
}

/// From now on, and in the program this process becomes, the death of its parent is its own.
#[cfg(target_os = "linux")]
pub fn die_with_parent() {
    // Where the kernel refuses, an orphan ends when its work is done.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM));
}

#[cfg(not(target_os = "linux"))]
fn die_with_us(_: &mut Command) {}

#[cfg(not(target_os = "linux"))]
pub fn die_with_parent() {}
