//! What `cargo install` gets from a registry is the same program. Slow: it is built once more.

use std::fs;
use std::path::{Path, PathBuf};

use crate::git::{planned_tree, quiet_port};
use crate::sandbox::{Run, Sandbox};

/// A target directory of its own: in the suite's, cargo would put the packaged program in the
/// place of the one that is tested. Kept, and given the dependencies that the suite was compiled
/// with: cargo looks whether they are the same.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("package")
}

fn lend_dependencies(sandbox: &Sandbox) {
    let ours = target().join("debug");
    let theirs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../debug");
    if ours.exists() {
        return;
    }
    fs::create_dir_all(ours.join("deps")).expect("a directory");
    for (words, from) in [
        ("-a", ".fingerprint"),
        ("-a", "build"),
        ("-al", "deps/lib*"),
    ] {
        let to = if from.starts_with("deps") {
            ours.join("deps")
        } else {
            ours.clone()
        };
        let line = format!(
            "cp {words} '{}'/{from} '{}'",
            theirs.display(),
            to.display()
        );
        Run::of(sandbox.command("sh").args(["-c", &line])).ok();
    }
}

/// Packages the workspace and unpacks both crates below the sandbox.
fn unpacked(sandbox: &Sandbox) -> [PathBuf; 2] {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = sandbox.root().join("out");
    let mut cargo = sandbox.command("cargo");
    cargo
        .args(["package", "--workspace", "--allow-dirty", "--no-verify"])
        .args(["--locked", "--offline"])
        .current_dir(root)
        .env("CARGO_TARGET_DIR", &out);
    Run::of(&mut cargo).ok();
    let version = env!("CARGO_PKG_VERSION");
    ["generate-service", "generate-service-atlas"].map(|name| {
        let name = format!("{name}-{version}");
        let archive = out.join("package").join(format!("{name}.crate"));
        let mut tar = sandbox.command("tar");
        tar.arg("xzf").arg(archive).current_dir(sandbox.root());
        Run::of(&mut tar).ok();
        sandbox.root().join(name)
    })
}

#[test]
fn the_packaged_crate_is_the_same_program() {
    let sandbox = Sandbox::new();
    let [program, atlas] = unpacked(&sandbox);
    lend_dependencies(&sandbox);
    for path in [
        "Cargo.lock",
        "README.md",
        "build/main.rs",
        "src/embedded/src/main.rs",
        "src/embedded/.template/CHANGELOG.md",
        "src/history/0.1.0.txt",
    ] {
        assert!(program.join(path).is_file(), "{path} is not packaged");
    }
    assert!(!program.join("tests").exists());
    let patch = format!(
        "patch.crates-io.generate-service-atlas.path=\"{}\"",
        atlas.display()
    );
    let mut cargo = sandbox.command("cargo");
    cargo
        .args(["build", "--offline", "--config", &patch])
        .current_dir(&program)
        .env("CARGO_TARGET_DIR", target());
    Run::of(&mut cargo).ok();
    let mut packaged = sandbox.command(target().join("debug/generate-service"));
    let port = quiet_port(&sandbox);
    let words = ["orders", "--build", "none", "--quiet", "--port", &port];
    let run = Run::of(packaged.args(words).current_dir(sandbox.work())).ok();
    assert_eq!(sandbox.anonymous(&run.stdout), "[ROOT]/work/orders\n");
    let service = sandbox.work().join("orders");
    crate::git::is_whole(&sandbox, &service);
    let tree = crate::git::git(&sandbox, &service, &["rev-parse", "HEAD^{tree}"]);
    fs::remove_dir_all(&service).expect("the service");
    assert_eq!(tree, planned_tree(&Sandbox::new(), &words));
}
