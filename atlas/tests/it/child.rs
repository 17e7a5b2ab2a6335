//! Another generator: this very test binary, started again as a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use atlas::{Atlas, Error, Owner, Ports, Wish};

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
