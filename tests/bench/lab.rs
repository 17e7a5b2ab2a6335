//! Where services are generated and built: by the real program, and by cargo from their lock files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use generate_service::parts::{self, Chosen};
use generate_service::template::Template;
use tempfile::TempDir;

/// What the bare service answers is what the generated one answers, byte for byte.
const BARE: &str = r#"//! A bare axum.

use axum::routing::get;
use axum::serve::{Listener, ListenerExt};
use axum::{Json, Router};
use serde::Serialize;

#[derive(Serialize)]
struct Hello {
    name: &'static str,
    version: &'static str,
    realm: String,
}

async fn hello() -> Json<Hello> {
    let version = env!("CARGO_PKG_VERSION");
    Json(Hello { name: "NAME", version, realm: "local".to_owned() })
}

fn main() {
    let port = std::env::var("PORT").expect("a port").parse::<u16>().expect("a number");
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("a socket");
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        assert!(listener.local_addr().is_ok());
        let live = get(|| async { "live" });
        let router = Router::new().route("/", get(hello)).route("/health/live", live);
        axum::serve(listener, router).await.expect("for ever");
    });
}
"#;

/// A home, Atlas's directory and the services in it.
pub struct Lab {
    dir: TempDir,
    target: PathBuf,
    template: Template,
}

/// A service that can be started.
pub struct Built {
    pub name: String,
    pub executable: PathBuf,
    directory: PathBuf,
}

impl Lab {
    /// What cargo builds stays from run to run, so dependencies are compiled once.
    pub fn new() -> Self {
        Self {
            dir: TempDir::with_prefix("generate-service-bench-").expect("a temporary directory"),
            target: Path::new(env!("CARGO_TARGET_TMPDIR")).join("services"),
            template: Template::embedded(),
        }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The parts with these names.
    pub fn parts(names: &[&str]) -> Chosen {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// Those that a service has if nobody chooses.
    pub fn usual(&self) -> Chosen {
        parts::usual(&self.template.parts)
    }

    /// Every combination there is, the one with all parts last.
    pub fn combinations(&self) -> Vec<Chosen> {
        parts::combinations(&self.template.parts)
    }

    /// Generates and builds a service with these parts.
    pub fn service(&self, chosen: &Chosen) -> Built {
        let number = parts::combination(&self.template.parts, chosen);
        let name = format!("bench-{number}");
        let directory = self.dir().join(&name);
        if !directory.exists() {
            self.generate(&name, chosen);
        }
        self.build(name, directory)
    }

    fn generate(&self, name: &str, chosen: &Chosen) {
        let (with, without): (Vec<_>, Vec<_>) = self
            .template
            .parts
            .iter()
            .map(|part| part.name.as_str())
            .partition(|name| chosen.contains(*name));
        let mut program = Command::new(env!("CARGO_BIN_EXE_generate-service"));
        program.args([name, "--yes", "--quiet", "--build", "none", "--no-git"]);
        program.arg("--atlas").arg(self.dir().join("atlas"));
        for (flag, names) in [("--with", with), ("--without", without)] {
            if !names.is_empty() {
                program.args([flag, &names.join(",")]);
            }
        }
        let program = program.current_dir(self.dir()).stdout(Stdio::null());
        let status = program.status().expect("the program runs");
        assert!(status.success(), "{name}: {status}");
    }

    /// A bare axum with the manifest and the lock file of `like`: the same dependencies with the
    /// same features, built in the same way.
    pub fn bare(&self, like: &Built) -> Built {
        let name = "bench-bare";
        let directory = self.dir().join(name);
        fs::create_dir_all(directory.join("src")).expect("a directory");
        for file in ["Cargo.toml", "Cargo.lock"] {
            let text = fs::read_to_string(like.directory.join(file)).expect("a service's file");
            let text = text.replace(
                &format!("name = \"{}\"", like.name),
                "name = \"bench-bare\"",
            );
            fs::write(directory.join(file), text).expect("a file");
        }
        let source = BARE.replace("NAME", &like.name);
        fs::write(directory.join("src/main.rs"), source).expect("a file");
        self.build(name.to_owned(), directory)
    }

    /// From the registry's copies on this machine, else from the registry.
    fn build(&self, name: String, directory: PathBuf) -> Built {
        let cargo = |more: &[&str]| {
            let mut cargo = Command::new("cargo");
            cargo.args(["build", "--release", "--locked", "--quiet"]);
            cargo.args(more).current_dir(&directory);
            cargo.env("CARGO_TARGET_DIR", &self.target);
            let output = cargo.output().expect("cargo runs");
            output.status.success().then_some(()).ok_or(output.stderr)
        };
        if cargo(&["--offline"]).is_err()
            && let Err(stderr) = cargo(&[])
        {
            panic!("{name}: {}", String::from_utf8_lossy(&stderr));
        }
        Built {
            executable: self.target.join("release").join(&name),
            name,
            directory,
        }
    }
}

impl Built {
    /// The full name of the variable for a setting.
    pub fn variable(&self, key: &str) -> String {
        format!("{}_{key}", self.name.to_uppercase().replace('-', "_"))
    }

    /// How many crates its lock file names, itself not counted.
    pub fn crates(&self) -> usize {
        let lock = fs::read_to_string(self.directory.join("Cargo.lock")).expect("a lock file");
        lock.matches("[[package]]").count() - 1
    }

    pub fn bytes(&self) -> u64 {
        fs::metadata(&self.executable).expect("an executable").len()
    }
}
