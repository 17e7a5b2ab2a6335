//! A registry in an empty directory, services beside it, ports of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use atlas::{Atlas, Error, Owner, Ports, Reservation, Wish};
use tempfile::TempDir;

use crate::ground::Ground;

pub struct World {
    home: TempDir,
    ground: Ground,
}

impl World {
    pub fn new() -> Self {
        Self {
            home: TempDir::new().expect("a temporary directory"),
            ground: Ground::find(),
        }
    }

    pub fn root(&self) -> PathBuf {
        self.home.path().join("atlas")
    }

    pub fn atlas(&self) -> Atlas {
        Atlas::at(self.root())
    }

    /// The port at a distance from the test's first one.
    pub fn port(&self, distance: u16) -> u16 {
        self.ground.first + distance
    }

    pub fn directory(&self, service: &str) -> PathBuf {
        self.home.path().join("services").join(service)
    }

    pub fn owner(&self, service: &str) -> Owner {
        Owner::new(service, self.directory(service)).expect("a valid owner")
    }

    /// A wish for any of the test's first ports.
    pub fn wish(&self, service: &str, length: u16) -> Wish {
        self.wish_for(service, Ports::Range(self.port(0)..=self.port(length - 1)))
    }

    pub fn wish_for(&self, service: &str, ports: Ports) -> Wish {
        Wish {
            ports,
            owner: self.owner(service),
            taken: BTreeMap::new(),
        }
    }

    pub fn reserve(&self, wish: &Wish) -> Reservation {
        let port = self.atlas().peek(wish).expect("a free port");
        self.atlas()
            .reserve(port, wish)
            .expect("nobody else is here")
    }

    pub fn keep(&self, wish: &Wish) -> u16 {
        let reservation = self.reserve(wish);
        let port = reservation.port();
        reservation.keep().expect("a promise");
        port
    }

    /// What the generator does between `reserve` and `keep`.
    pub fn publish(&self, service: &str, port: u16) {
        let text = format!("[service]\nname = \"{service}\"\nport = {port}\n");
        write(&self.directory(service).join("service.toml"), &text);
    }

    pub fn write(&self, key: &str, text: &str) -> PathBuf {
        let path = self.root().join(key);
        write(&path, text);
        path
    }

    /// Every file of the registry with its content, the times replaced.
    pub fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        collect(&self.root(), &self.root(), &mut files);
        files
    }

    pub fn promise(&self, service: &str) -> String {
        let directory = self.directory(service);
        let directory = directory.display();
        format!(
            "{{\"v\":1,\"service\":\"{service}\",\"directory\":\"{directory}\",\"since\":\"…\"}}\n"
        )
    }

    pub fn hint(&self, service: &str, port: u16) -> String {
        let directory = self.directory(service);
        let directory = directory.display();
        format!("{{\"v\":1,\"port\":{port},\"directory\":\"{directory}\"}}\n")
    }

    /// What the registry holds when these promises, and nothing else, are in it.
    pub fn promised(&self, promises: &[(&str, u16)]) -> BTreeMap<String, String> {
        let lock = (".lock".to_owned(), String::new());
        let both = promises.iter().flat_map(|&(service, port)| {
            [
                (format!("ports/{port}"), self.promise(service)),
                (format!("services/{service}"), self.hint(service, port)),
            ]
        });
        both.chain([lock]).collect()
    }
}

/// The whole of what the caller would print.
pub fn told(error: &Error) -> (String, Option<String>) {
    (error.to_string(), error.help())
}

pub fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, text).expect("a file");
}

fn collect(root: &Path, at: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(at).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let key = path.strip_prefix(root).expect("below the root");
            let text = fs::read_to_string(&path).expect("a text");
            files.insert(key.display().to_string(), timeless(&text));
        }
    }
}

/// `2026-11-25T10:00:00Z` becomes `…`; anything else in its place stays and is seen.
fn timeless(text: &str) -> String {
    let Some((before, rest)) = text.split_once("\"since\":\"") else {
        return text.to_owned();
    };
    let (since, after) = rest.split_once('"').expect("a closing quote");
    let shape: String = since
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let since = if shape == "0000-00-00T00:00:00Z" {
        "…"
    } else {
        since
    };
    format!("{before}\"since\":\"{since}\"{after}")
}
