//! `run`: a program that knows nothing of us, registered while it listens.
//!
//! The lock is ours and never the program's, so the two must die together: the program by the
//! kernel's signal when we die, we by ourselves when it has ended.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU32;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use atlas::{Health, Host, Instance, InstanceId, Registration, Store, plain};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use super::World;
use super::args::Run;
use super::failure::{Failure, Kind};
use super::patient::Patient;
use super::report::Report;

/// How often a program that is starting is asked whether it listens.
const KNOCK: Duration = Duration::from_millis(20);
/// How often a registry that is away is asked again.
const AGAIN: Duration = Duration::from_millis(500);
/// How often to see to it that the entry is still there.
const RENEW: Duration = Duration::from_secs(2);
/// How long an answer to a health check may take.
const ANSWER: Duration = Duration::from_millis(500);

/// Runs a program, registered while it listens, and ends as it ends.
pub fn run(wish: &Run, world: &World, report: &Report) -> Result<ExitCode, Failure> {
    let place = SocketAddr::new(wish.addr, wish.port.get());
    refuse_taken(place)?;
    if world.cluster.is_some() && wish.addr.is_loopback() {
        let addr = wish.addr;
        report.warn(&format!("`{addr}` can be called on this host only"));
    }
    let signals = listen()?;
    let child = start(wish)?;
    let mut running = Running {
        instance: instance(wish, world, &child),
        place,
        drain: wish.drain,
        store: world.store(),
        is_far: world.cluster.is_some(),
        child,
        registration: None,
        told: Told::default(),
    };
    let status = running.follow(&signals, report)?;
    let Running {
        registration,
        store,
        ..
    } = running;
    drop(store);
    drop(registration);
    Ok(code(status))
}

/// A program and, while it listens, its registration.
struct Running {
    instance: Instance,
    place: SocketAddr,
    drain: Duration,
    store: Arc<dyn Store>,
    /// It may take its time to answer.
    is_far: bool,
    child: Child,
    registration: Option<Box<dyn Registration>>,
    told: Told,
}

/// What was said already, and what is owed.
#[derive(Default)]
struct Told {
    /// A signal that waits for the drain to end.
    owed: Option<(Instant, Signal)>,
    ending: bool,
    warned: bool,
}

impl Running {
    fn follow(&mut self, signals: &Receiver<i32>, report: &Report) -> Result<ExitStatus, Failure> {
        loop {
            let ended = self.child.try_wait();
            if let Some(status) = ended.map_err(|error| Failure::system("wait", &error))? {
                return Ok(status);
            }
            self.pay();
            if !self.told.ending {
                self.keep_registered(report);
            }
            match signals.recv_timeout(self.pause()) {
                Ok(SIGCHLD) | Err(RecvTimeoutError::Timeout) => {}
                Ok(signal) => self.take(signal, report),
                // The listener lives as long as we do.
                Err(RecvTimeoutError::Disconnected) => thread::sleep(KNOCK),
            }
        }
    }

    /// Until something is to be done.
    fn pause(&self) -> Duration {
        let regular = match (
            self.registration.is_some() || self.told.ending,
            self.told.warned,
        ) {
            (true, _) => RENEW,
            (false, true) => AGAIN,
            (false, false) => KNOCK,
        };
        let owed = self
            .told
            .owed
            .map(|(at, _)| at.saturating_duration_since(Instant::now()));
        owed.map_or(regular, |owed| owed.min(regular))
    }

    /// A registry that is away is no reason to stop a program that runs: said once, tried again.
    fn keep_registered(&mut self, report: &Report) {
        let outcome = match &mut self.registration {
            Some(registration) => registration.renew().map(drop),
            None if !is_ready(self.place, self.instance.health.as_ref()) => return,
            None => self.register(),
        };
        match outcome {
            Ok(()) => self.told.warned = false,
            Err(error) => self.warn(report, &error),
        }
    }

    fn register(&mut self) -> Result<(), atlas::Error> {
        self.registration = Some(if self.is_far {
            Box::new(Patient::register(Arc::clone(&self.store), &self.instance))
        } else {
            self.store.register(&self.instance)?
        });
        Ok(())
    }

    fn warn(&mut self, report: &Report, error: &atlas::Error) {
        if !self.told.warned {
            report.warn(&format!(
                "`{}` is not registered: {error}",
                self.instance.id
            ));
        }
        self.told.warned = true;
    }

    /// A signal that ends programs is passed on after the drain, or at once the second time.
    fn take(&mut self, signal: i32, report: &Report) {
        let Some(signal) = Signal::from_named_raw(signal) else {
            return;
        };
        let ends = [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT].contains(&signal);
        if !ends || self.told.ending || self.registration.is_none() {
            self.told.ending |= ends;
            self.told.owed = None;
            return self.pass(signal);
        }
        self.told.ending = true;
        let drained = self
            .registration
            .as_mut()
            .map(|registration| registration.drain());
        if let Some(Err(error)) = drained {
            self.warn(report, &error);
        }
        self.told.owed = Some((Instant::now() + self.drain, signal));
    }

    fn pay(&mut self) {
        if let Some((_, signal)) = self.told.owed.take_if(|(at, _)| *at <= Instant::now()) {
            self.pass(signal);
        }
    }

    /// To the program and whatever it has started. It is not waited for yet, so its number is
    /// nobody else's.
    fn pass(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = pid.map(|pid| kill_process_group(pid, signal));
    }
}

/// Another program on that port would be registered in the place of this one.
fn refuse_taken(place: SocketAddr) -> Result<(), Failure> {
    if TcpStream::connect_timeout(&place, ANSWER).is_err() {
        return Ok(());
    }
    let port = place.port();
    let message = format!("port `{port}` is in use: a program is listening on it");
    Err(Failure::new(Kind::Conflict, message).help(format!("ss -ltnp 'sport = :{port}'")))
}

/// Signals as messages, so that one loop waits for all that can happen.
fn listen() -> Result<Receiver<i32>, Failure> {
    let wanted = [SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
    let signals = Signals::new(wanted);
    let mut signals = signals.map_err(|error| Failure::system("listen to signals", &error))?;
    let (sender, receiver) = channel();
    thread::spawn(move || signals.forever().try_for_each(|signal| sender.send(signal)));
    Ok(receiver)
}

fn start(wish: &Run) -> Result<Child, Failure> {
    let (program, words) = wish
        .command
        .split_first()
        .expect("clap wants one word at least");
    let mut command = Command::new(program);
    // A group of its own: signals reach it once, through us, and after the drain.
    command.args(words).process_group(0);
    die_with_us(&mut command);
    command.spawn().map_err(|error| {
        let kind = match error.kind() {
            ErrorKind::NotFound => Kind::NotFound,
            _ => Kind::NotExecutable,
        };
        let program = program.display();
        let failure = Failure::new(kind, format!("cannot run `{program}`: {}", plain(&error)));
        failure.help(format!("command -v {program}"))
    })
}

/// However we die, the program goes with us: its entry is gone already, and a program that
/// nobody can find must not hold the port.
#[allow(unsafe_code, reason = "std has no parent-death signal")]
fn die_with_us(command: &mut Command) {
    let parent = rustix::process::getpid();
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; these are two bare
    // system calls, `prctl(2)` and `getppid(2)`.
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            // Dead before the kernel knew that it matters?
            if rustix::process::getppid() == Some(parent) {
                return Ok(());
            }
            Err(ErrorKind::BrokenPipe.into())
        });
    }
}

fn instance(wish: &Run, world: &World, child: &Child) -> Instance {
    let host = wish.host.clone().unwrap_or_else(Host::this);
    let id = InstanceId {
        service: wish.service.clone(),
        host,
        port: wish.port,
    };
    let now = jiff::Timestamp::now();
    Instance {
        pid: NonZeroU32::new(child.id()),
        release: wish.release.clone(),
        health: wish.health.clone(),
        weight: wish.weight,
        started: jiff::Timestamp::from_second(now.as_second()).ok(),
        ..Instance::new(id, wish.addr, world.realm.clone())
    }
}

/// Listens and, with a health path, answers 200 there.
fn is_ready(place: SocketAddr, health: Option<&Health>) -> bool {
    let asked = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&place, ANSWER)?;
        let Some(path) = health else {
            return Ok(true);
        };
        stream.set_read_timeout(Some(ANSWER))?;
        write!(stream, "GET {path} HTTP/1.0\r\nhost: {place}\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status.starts_with(b"HTTP/1.") && status.ends_with(b" 200"))
    };
    asked().unwrap_or(false)
}

/// As a shell tells it: the program's code, or 128 and the signal that killed it.
fn code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
