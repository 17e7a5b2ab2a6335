//! `docs/rolling-restart.sh` and the units for systemd, as they are shipped.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use atlas::Store;
use rustix::process::{Pid, Signal, kill_process};

use crate::load::Load;
use crate::world::{World, tell};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

#[test]
fn the_script_restarts_two_instances_and_loses_nothing() {
    let Some(world) = World::running() else {
        return;
    };
    let atlas = program();
    let old = [(); 2].map(|()| run(&world, &atlas));
    let ended = Ended(&world, old.into());
    world.until("two are ready", || world.status().contains("\"ready\":2"));
    let before = ended.instances();
    let load = Load::start(world.address(), "identity", "GET");
    let script = format!("{ROOT}/docs/rolling-restart.sh");
    let mut script = with_atlas(&world, Command::new(script), &atlas);
    script.env("DRAIN", "0.2").env("LOG", world.file("log"));
    let output = script.args(["--run", "identity"]).args(plain()).output();
    let output = output.expect("a process");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    for word in ["up    identity@", "gone  identity@"] {
        assert_eq!(said.matches(word).count(), 2, "{said}");
    }
    let after = ended.instances();
    assert_eq!(after.len(), 2, "{after:?}");
    assert!(before.is_disjoint(&after), "{before:?} {after:?}");
    world.until("two are ready", || world.status().contains("\"ready\":2"));
    let count = load.count();
    tell(&format!("rolling restart by script: GET {}", count.good));
    assert_eq!(count.failed, Vec::<String>::new(), "{}", world.log());
    let disabled = world.store().read().expect("the registry").disabled;
    assert!(disabled.is_empty(), "{disabled:?}");
}

#[test]
fn a_new_instance_that_does_not_come_leaves_the_old_one() {
    let Some(world) = World::running() else {
        return;
    };
    let atlas = program();
    let ended = Ended(&world, vec![run(&world, &atlas)]);
    world.until_answer("identity", "200 OK");
    let before = ended.instances();
    let script = format!("{ROOT}/docs/rolling-restart.sh");
    let mut script = with_atlas(&world, Command::new(script), &atlas);
    script.env("LOG", world.file("log"));
    let output = script.args(["--run", "identity", "false"]).output();
    let output = output.expect("a process");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("error: the new instance has ended\nhelp: "),
        "{said}"
    );
    assert_eq!(ended.instances(), before);
    assert!(world.get("identity").contains("200 OK"));
}

/// With programs that are there in place of those that will be; systemd wants absolute paths.
#[test]
fn systemd_takes_the_units() {
    let units = [
        "sidecar/deploy/sidecar.service",
        "tests/it/golden/all-parts-deploy-service.service",
    ];
    let folder = tempfile::tempdir().expect("a temporary directory");
    for (number, unit) in units.iter().enumerate() {
        let text = fs::read_to_string(format!("{ROOT}/{unit}")).expect("a unit");
        let line = text.lines().find(|line| line.starts_with("ExecStart="));
        let text = text.replace(line.expect("a program"), "ExecStart=/bin/true");
        let path = folder.path().join(format!("unit{number}.service"));
        fs::write(&path, text).expect("a unit");
        let mut verify = Command::new("systemd-analyze");
        let Ok(verified) = verify.arg("verify").arg(&path).output() else {
            return tell("SKIPPED systemd_takes_the_units: there is no systemd-analyze");
        };
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        assert!(verified.status.success(), "{unit}: {said}");
        assert_eq!(said, "", "{unit}");
    }
}

/// The program `atlas`, which is another package's.
fn program() -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_sidecar"));
    let target = target.parent().expect("a directory");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "build",
        "--quiet",
        "--locked",
        "-p",
        "generate-service-atlas",
    ]);
    if target.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(ROOT).status().expect("cargo");
    assert!(built.success());
    target.join("atlas")
}

/// This very test binary, as a program that knows nothing of Atlas.
fn plain() -> Vec<String> {
    let this = env::current_exe()
        .expect("this binary")
        .display()
        .to_string();
    [&this, "--exact", "instance::plain", "--nocapture"]
        .map(str::to_owned)
        .into()
}

fn with_atlas(world: &World, mut command: Command, atlas: &Path) -> Command {
    let folder = atlas.parent().expect("a directory").display();
    let path = env::var("PATH").expect("a path");
    for (name, value) in world.command(&[]).get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
        .env("PATH", format!("{folder}:{path}"))
        .env("SIDECAR_PLAIN", "1")
        .stdin(Stdio::null());
    command
}

/// An instance under `atlas run`, as it ran before the restart.
fn run(world: &World, atlas: &Path) -> Child {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener
        .local_addr()
        .expect("an address")
        .port()
        .to_string();
    drop(listener);
    let mut command = with_atlas(world, Command::new(atlas), atlas);
    command
        .args(["run", "--service", "identity", "--port", &port, "--"])
        .args(plain())
        .env("PORT", &port)
        .stdout(Stdio::null())
        .spawn()
        .expect("a process")
}

/// Ends every program that is registered, also on panic; `atlas run` ends with its program.
struct Ended<'a>(&'a World, Vec<Child>);

impl Ended<'_> {
    fn instances(&self) -> BTreeSet<(String, u32)> {
        let snapshot = self.0.store().read().expect("the registry");
        let instances = snapshot.instances.into_values();
        let pid = |pid: Option<std::num::NonZeroU32>| pid.map_or(0, Into::into);
        instances
            .map(|one| (one.id.to_string(), pid(one.pid)))
            .collect()
    }
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        for (_, pid) in self.instances() {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
        }
        for child in &mut self.1 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
