//! kill -9, at any moment, and runs that meet each other.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::git::{git, is_whole, planned_tree, quiet_port};
use crate::live::Live;
use crate::sandbox::{Run, Sandbox, script, until};

/// The service that a killed run left is whole; or there is none.
#[track_caller]
fn absent_or_whole(sandbox: &Sandbox, service: &Path, tree: &str) -> bool {
    if !service.exists() {
        return false;
    }
    is_whole(sandbox, service);
    assert_eq!(git(sandbox, service, &["rev-parse", "HEAD^{tree}"]), tree);
    true
}

/// What stands in `dir`, hidden things included.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// The port is given, so that all trees are equal; nobody else listens on it or has it.
fn words(port: &str) -> [&str; 6] {
    ["orders", "--build", "none", "--quiet", "--port", port]
}

/// Sixty moments, spread over the time that a run takes and some more.
#[test]
fn killed_at_sixty_moments() {
    const KILLS: u32 = 60;
    let sandbox = Sandbox::new();
    let port = quiet_port(&sandbox);
    let tree = planned_tree(&sandbox, &words(&port));
    let mut whole = timed(&sandbox, &port);
    let (mut kill, mut published) = (0, 0);
    // The machine may become slower on the way: sixty, and on until one came too late.
    while kill < KILLS || published == 0 {
        let sandbox = Sandbox::new();
        let service = sandbox.work().join("orders");
        kill_after(&sandbox, &port, whole * 5 / 4 * kill / KILLS);
        if absent_or_whole(&sandbox, &service, &tree) {
            published += 1;
            fs::remove_dir_all(&service).expect("the service");
        }
        whole = whole.max(timed(&sandbox, &port));
        assert!(absent_or_whole(&sandbox, &service, &tree), "no service");
        assert_eq!(names(&sandbox.work()), ["orders"], "a stage was not swept");
        sandbox.ports_agree();
        kill += 1;
    }
    assert!(published < kill, "all kills came too late");
}

/// How long a run takes that nobody kills.
fn timed(sandbox: &Sandbox, port: &str) -> Duration {
    let started = Instant::now();
    sandbox.run(words(port)).ok();
    started.elapsed()
}

/// The moment itself is what matters here: this waits for nothing.
fn kill_after(sandbox: &Sandbox, port: &str, moment: Duration) {
    let live = Live::start(sandbox, sandbox.generator().args(words(port)));
    std::thread::sleep(moment);
    live.kill(sandbox);
}

/// Whoever was killed just after its service appeared has its port all the same.
#[test]
fn the_killed_and_the_living_never_share_a_port() {
    const KILLS: u32 = 30;
    let sandbox = Sandbox::new();
    let words = |name: String| [name, "--build=none".to_owned(), "--quiet".to_owned()];
    let started = Instant::now();
    sandbox.run(words("first".to_owned())).ok();
    let whole = started.elapsed() * 5 / 4;
    for kill in 0..KILLS {
        let mut command = sandbox.generator();
        let live = Live::start(&sandbox, command.args(words(format!("killed-{kill}"))));
        std::thread::sleep(whole * kill / KILLS);
        live.kill(&sandbox);
        sandbox.run(words(format!("living-{kill}"))).ok();
    }
    sandbox.run(words("last".to_owned())).ok();
    let hidden = names(&sandbox.work()).into_iter();
    let hidden = hidden.filter(|name| name.starts_with('.'));
    assert_eq!(hidden.collect::<Vec<_>>(), Vec::<String>::new());
    sandbox.ports_agree();
}

/// From the first crate to the rename: cargo and rustc die with it.
#[test]
fn killed_while_cargo_builds() {
    let sandbox = Sandbox::new();
    let port = quiet_port(&sandbox);
    let words = ["killed", "--quiet", "--port", &port];
    let tree = planned_tree(&sandbox, &words);
    let mut warm = sandbox.warm_generator();
    let started = Instant::now();
    Run::of(warm.args(words)).ok();
    let whole = started.elapsed() * 5 / 4;
    for kill in 0..5 {
        let sandbox = Sandbox::new();
        let service = sandbox.work().join("killed");
        let mut command = sandbox.warm_generator();
        command.args(words);
        let live = Live::start(&sandbox, &mut command);
        std::thread::sleep(whole * kill / 5);
        live.kill(&sandbox);
        if !absent_or_whole(&sandbox, &service, &tree) {
            Run::of(&mut command).ok();
        }
        assert!(absent_or_whole(&sandbox, &service, &tree), "no service");
        assert_eq!(names(&sandbox.work()), ["killed"], "a stage was not swept");
    }
}

/// Where nobody has swept yet, the next run of any name does.
#[test]
fn the_next_run_of_another_name_sweeps() {
    let sandbox = Sandbox::new();
    let Gated {
        mut command,
        reached,
        ..
    } = gated(&sandbox, "orders");
    let live = Live::start(&sandbox, &mut command);
    until("its build", || reached.exists());
    live.kill(&sandbox);
    let left = names(&sandbox.work());
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].starts_with(".orders.generate-service-"), "{left:?}");
    sandbox.run(["invoices", "--build", "none"]).ok();
    assert_eq!(names(&sandbox.work()), ["invoices"]);
    sandbox.ports_agree();
}

/// A run that stays in its build until the gate is opened.
struct Gated {
    command: Command,
    open: std::path::PathBuf,
    reached: std::path::PathBuf,
}

fn gated(sandbox: &Sandbox, name: &str) -> Gated {
    let open = sandbox.root().join(format!("{name}-open"));
    let reached = sandbox.root().join(format!("{name}-reached"));
    let wait = format!(
        "touch '{}'; while [ ! -e '{}' ]; do sleep 0.02; done",
        reached.display(),
        open.display()
    );
    let text = format!("case \"$*\" in *--crate-name\\ *) {wait};; esac\nexec \"$@\"\n");
    let wrapper = script(sandbox, &format!("{name}-wrapper"), &text);
    let mut command = sandbox.generator();
    command
        .args([name, "--build", "check"])
        .env("RUSTC_WRAPPER", wrapper);
    Gated {
        command,
        open,
        reached,
    }
}

#[test]
fn a_living_stage_is_not_swept() {
    let sandbox = Sandbox::new();
    let Gated {
        mut command,
        open,
        reached,
    } = gated(&sandbox, "slow");
    let live = Live::start(&sandbox, &mut command);
    until("the slow one's build", || reached.exists());
    for other in ["quick", "quicker"] {
        sandbox.run([other, "--build", "none"]).ok();
    }
    fs::write(open, "").expect("an open gate");
    live.end().ok();
    for name in ["slow", "quick", "quicker"] {
        is_whole(&sandbox, &sandbox.work().join(name));
    }
    sandbox.ports_agree();
}

/// Eight at once: one service, seven refusals, no port lost.
#[test]
fn of_many_runs_of_one_name_exactly_one_wins() {
    for _ in 0..6 {
        let sandbox = Sandbox::new();
        let words = ["orders", "--build", "none", "--quiet"];
        let start = || Live::start(&sandbox, sandbox.generator().args(words));
        let all = std::iter::repeat_with(start).take(8).collect::<Vec<_>>();
        let runs = all.into_iter().map(Live::end).collect::<Vec<_>>();
        let winners = runs.iter().filter(|run| run.code == 0).count();
        assert_eq!(winners, 1);
        for run in runs.iter().filter(|run| run.code != 0) {
            assert_eq!(run.code, 4, "{}", run.stderr);
            assert_eq!(run.stdout, "");
        }
        is_whole(&sandbox, &sandbox.work().join("orders"));
        assert_eq!(names(&sandbox.work()), ["orders"]);
        sandbox.ports_agree();
    }
}

#[test]
fn many_runs_of_many_names_all_win() {
    let sandbox = Sandbox::new();
    let start = |number| {
        let name = format!("service-{number}");
        let mut command = sandbox.generator();
        Live::start(
            &sandbox,
            command.args([&name, "--build", "none", "--quiet"]),
        )
    };
    let all = (0..16).map(start).collect::<Vec<_>>();
    for run in all {
        run.end().ok();
    }
    assert_eq!(names(&sandbox.work()).len(), 16);
    sandbox.ports_agree();
}
