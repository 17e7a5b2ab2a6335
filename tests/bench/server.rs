//! A service that runs, until it is dropped.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::lab::{Built, Lab};

/// How long a start or an end may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Server {
    child: Child,
    address: SocketAddr,
    logs: TempDir,
    access: String,
}

impl Server {
    /// Starts it, on the processor `core` or on any, with its log in files, and waits until it
    /// answers.
    pub fn start(lab: &Lab, built: &Built, core: Option<usize>, settings: &[(&str, &str)]) -> Self {
        let logs = TempDir::new_in(lab.dir()).expect("a temporary directory");
        let port = free_port();
        let mut command = on(core, &built.executable);
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("PORT", port.to_string());
        command.env("ATLAS_DIR", logs.path().join("atlas"));
        command.env("ATLAS", logs.path().join("atlas"));
        command.env(built.variable("LOG__DIRECTORY"), logs.path());
        command.envs(
            settings
                .iter()
                .map(|&(key, value)| (built.variable(key), value)),
        );
        command
            .current_dir(logs.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let server = Self {
            child: command.spawn().expect("the service starts"),
            address: (Ipv4Addr::LOCALHOST, port).into(),
            logs,
            access: format!("{}.access.log", built.name),
        };
        server.wait_until_live();
        server
    }

    fn wait_until_live(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !matches!(self.status("GET", "/health/live", ""), Ok(200)) {
            assert!(Instant::now() < deadline, "it does not answer");
            sleep(Duration::from_micros(100));
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The status of its answer to `PUT path`.
    pub fn put(&self, path: &str, json: &str) -> io::Result<u16> {
        self.status("PUT", path, json)
    }

    fn status(&self, method: &str, path: &str, json: &str) -> io::Result<u16> {
        let mut stream = TcpStream::connect(self.address)?;
        let length = json.len();
        let head = "HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json";
        write!(
            stream,
            "{method} {path} {head}\r\ncontent-length: {length}\r\n\r\n{json}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        status.ok_or_else(|| io::Error::other("no status"))
    }

    /// The processor time that it has used; Linux tells it to the nanosecond.
    pub fn processor_time(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let threads = threads.expect("its threads").flatten();
        // A thread may end while it is looked at.
        let texts =
            threads.filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok());
        let nanoseconds = texts.filter_map(|text| text.split(' ').next()?.parse::<u64>().ok());
        Duration::from_nanos(nanoseconds.sum())
    }

    /// Lets it end as it wants to, and says how many requests stand in its log.
    pub fn end(mut self) -> u32 {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).expect("it runs");
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().expect("it is our child").is_none() {
            assert!(Instant::now() < deadline, "it does not end");
            sleep(Duration::from_millis(5));
        }
        let files = fs::read_dir(self.logs.path()).expect("its logs").flatten();
        let files =
            files.filter(|file| file.file_name().to_string_lossy().starts_with(&self.access));
        let requests = |file: fs::DirEntry| {
            let lines = BufReader::new(fs::File::open(file.path()).expect("a log")).lines();
            let requests = lines.map_while(Result::ok);
            u32::try_from(
                requests
                    .filter(|line| line.contains(r#""message":"request""#))
                    .count(),
            )
        };
        files
            .map(requests)
            .map(|number| number.expect("a number of lines"))
            .sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail if it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// It becomes the program, so what runs is a child of ours.
fn on(core: Option<usize>, program: &Path) -> Command {
    let Some(core) = core else {
        return Command::new(program);
    };
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

/// One that nobody listens on at the moment.
fn free_port() -> u16 {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    socket.local_addr().expect("an address").port()
}
