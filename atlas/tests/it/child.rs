//! Another generator: this very test binary, started again as a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use atlas::{Atlas, Directory, Error, Instance, Owner, Places, Ports, Realm, Store, Wish};

/// A generator that waits for `go`, reserves, says which port, and waits to be told to keep it.
pub struct Generator {
    child: Child,
    words: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Generator {
    pub fn start(root: &Path, wish: &Wish) -> Self {
        let Ports::Range(range) = &wish.ports else {
            panic!("a child wishes for a range");
        };
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args([
                "--exact",
                "child::generator",
                "--nocapture",
                "--test-threads=1",
            ])
            .env("ATLAS_CHILD_ROOT", root)
            .env("ATLAS_CHILD_SERVICE", wish.owner.service())
            .env("ATLAS_CHILD_DIRECTORY", wish.owner.directory())
            .env("ATLAS_CHILD_FIRST", range.start().to_string())
            .env("ATLAS_CHILD_LAST", range.end().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let words = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Self {
            child,
            words,
            answers,
        }
    }

    pub fn go(&mut self) {
        self.say("go");
    }

    /// The port it has reserved.
    pub fn port(&mut self) -> u16 {
        loop {
            let mut line = String::new();
            let length = self.answers.read_line(&mut line).expect("an answer");
            assert!(length > 0, "the child ended without an answer");
            if let Some((_, port)) = line.split_once("port=") {
                return port.trim().parse().expect("a port");
            }
        }
    }

    /// Tells it to keep its port, and waits for nothing.
    pub fn begin_to_keep(&mut self) {
        self.say("keep");
    }

    /// Lets it keep its port, and end.
    pub fn keep(mut self) {
        self.begin_to_keep();
        drop(self.words.take());
        assert!(self.child.wait().expect("an end").success());
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("an end");
    }

    fn say(&mut self, word: &str) {
        let words = self.words.as_mut().expect("an open pipe");
        writeln!(words, "{word}").expect("a listener");
    }
}

/// The other side; as a test among tests, it does nothing.
#[test]
fn generator() {
    let Some(root) = std::env::var_os("ATLAS_CHILD_ROOT") else {
        return;
    };
    let wish = Wish {
        ports: Ports::Range(number("FIRST")..=number("LAST")),
        owner: Owner::new(text("SERVICE"), text("DIRECTORY")).expect("a valid owner"),
        taken: std::collections::BTreeMap::new(),
    };
    let atlas = Atlas::at(root);
    hear();
    let reservation = loop {
        let port = atlas.peek(&wish).expect("a free port");
        match atlas.reserve(port, &wish) {
            Ok(reservation) => break reservation,
            Err(Error::Lost { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    };
    writeln!(std::io::stdout(), "port={}", reservation.port()).expect("a listener");
    hear();
    reservation.keep().expect("a promise");
}

fn hear() {
    let mut word = String::new();
    std::io::stdin().read_line(&mut word).expect("a word");
}

fn text(name: &str) -> String {
    std::env::var(format!("ATLAS_CHILD_{name}")).expect("a variable")
}

fn number(name: &str) -> u16 {
    text(name).parse().expect("a number")
}

/// Another service: again this very binary, which registers an instance.
pub struct Member {
    process: Child,
    /// The process it has started, if its role is `parent`.
    pub child: u32,
    /// Open, since the harness in it has a last word to say.
    answers: BufReader<ChildStdout>,
}

impl Member {
    /// Starts it in a role and waits until it is registered: `stay` until it is killed, `parent`
    /// the same with a child of its own, `rounds` comes and goes and then ends.
    pub fn start(places: &Places, role: &str, id: &str) -> Self {
        let mut command = Self::command(id);
        command
            .env("ATLAS_CHILD_ROLE", role)
            .env("ATLAS_CHILD_RUNTIME", &places.runtime)
            .env("ATLAS_CHILD_DATA", &places.data);
        Self::spawn(&mut command)
    }

    /// The same with an etcd, where it stays until it is killed.
    pub fn in_cluster(list: &str, id: &str) -> Self {
        let mut command = Self::command(id);
        command.env("ATLAS_CHILD_ETCD", list);
        Self::spawn(&mut command)
    }

    fn command(id: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command
            .args([
                "--exact",
                "child::member",
                "--nocapture",
                "--test-threads=1",
            ])
            .env("ATLAS_CHILD_MEMBER", id);
        command
    }

    fn spawn(command: &mut Command) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut member = Self {
            process,
            child: 0,
            answers,
        };
        member.child = member.ready();
        member
    }

    fn ready(&mut self) -> u32 {
        loop {
            let mut line = String::new();
            let length = self.answers.read_line(&mut line).expect("an answer");
            assert!(length > 0, "the member ended without an answer");
            if let Some((_, child)) = line.split_once("child=") {
                return child.trim().parse().expect("a number");
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.process.kill().expect("a process to kill");
        self.process.wait().expect("an end");
    }

    pub fn ends_well(mut self) -> bool {
        self.process.wait().expect("an end").success()
    }
}

/// The other side; as a test among tests, it does nothing.
#[test]
fn member() {
    if std::env::var_os("ATLAS_CHILD_MEMBER").is_none() {
        return;
    }
    if std::env::var_os("ATLAS_CHILD_ETCD").is_some() {
        return in_cluster();
    }
    let places = Places {
        runtime: text("RUNTIME").into(),
        data: text("DATA").into(),
    };
    let store = Directory::new(&places, Realm::default());
    let instance = Instance {
        pid: std::num::NonZeroU32::new(std::process::id()),
        ..crate::home::instance(&text("MEMBER"))
    };
    let ready = |child: u32| writeln!(std::io::stdout(), "child={child}").expect("a listener");
    if text("ROLE") == "rounds" {
        ready(0);
        return rounds(&store, &instance, &text("RUNTIME"));
    }
    let guard = store.register(&instance).expect("a free name");
    let sleeper = || {
        Command::new("sleep")
            .arg("60")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
    };
    match text("ROLE").as_str() {
        "parent" => ready(sleeper().expect("a child").id()),
        _ => ready(0),
    }
    hear();
    drop(guard);
}

fn in_cluster() {
    let cluster = atlas::Cluster::new(&text("ETCD")).expect("a list");
    let store = atlas::Etcd::new(&cluster, Realm::default());
    let _guard = store
        .register(&crate::home::instance(&text("MEMBER")))
        .expect("a free name");
    writeln!(std::io::stdout(), "child=0").expect("a listener");
    hear();
}

/// Comes and goes, leaving what a dead owner leaves; while it is there it must be found.
fn rounds(store: &Directory, instance: &Instance, runtime: &str) {
    let entry = format!("{runtime}/local/hosts/{}", instance.id);
    let mut rounds = 0;
    while rounds < 100 {
        match store.register(instance) {
            Err(Error::Held { .. }) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
            Ok(_guard) => {
                for _ in 0..5 {
                    let found = store
                        .read()
                        .expect("a store")
                        .instances
                        .remove(&instance.id);
                    assert_eq!(found.as_ref(), Some(instance));
                }
                rounds += 1;
            }
        }
        let _ = std::fs::File::create_new(&entry);
    }
}
