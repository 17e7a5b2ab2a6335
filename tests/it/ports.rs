//! Ports: the first free one, each only once, and none lost.
//!
//! Ports are the whole machine's, so each test works in a block of its own, away from the range
//! that others use.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::ops::Range;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use crate::sandbox::{Run, Sandbox, listing};

/// Ports that nobody listens on.
#[derive(Clone, Copy)]
struct Block {
    first: u16,
    len: u16,
}

impl Block {
    /// `len` ports that no other test of this process has, and hardly one of another process.
    fn of(len: u16) -> Self {
        static USED: AtomicU16 = AtomicU16::new(0);
        loop {
            let used = USED.fetch_add(len, Ordering::SeqCst);
            let own = u16::try_from(std::process::id() % 90).expect("small") * 200;
            let first = 11_000 + (own + used) % 18_000;
            if free(first..first + len).len() == usize::from(len) {
                return Self { first, len };
            }
        }
    }

    /// The nth port, from 0.
    fn port(self, n: u16) -> u16 {
        assert!(n < self.len);
        self.first + n
    }

    /// As `--port-range` takes it.
    fn range(self) -> String {
        format!("{}-{}", self.first, self.port(self.len - 1))
    }
}

/// Of these ports, those that nobody on this machine listens on, by the kernel's own list: to try
/// them out would be to listen, and other tests might look just then.
fn free(ports: Range<u16>) -> BTreeSet<u16> {
    let lists = ["/proc/net/tcp", "/proc/net/tcp6"].map(std::fs::read_to_string);
    let lines = lists.iter().flatten().flat_map(|list| list.lines());
    let listened = lines.filter_map(listened).collect::<BTreeSet<_>>();
    ports.filter(|port| !listened.contains(port)).collect()
}

/// The port of a line of the kernel's list (number, local address, remote address, state, …), if
/// its state is "listening".
fn listened(line: &str) -> Option<u16> {
    let mut words = line.split_whitespace().skip(1);
    let (_, port) = words.next()?.rsplit_once(':')?;
    let state = words.nth(1)?;
    u16::from_str_radix(port, 16).ok().filter(|_| state == "0A")
}

/// A run for a port and nothing else.
fn run(sandbox: &Sandbox, name: &str, words: &[&str]) -> Run {
    Run::of(generator(sandbox, name).args(words))
}

fn generator(sandbox: &Sandbox, name: &str) -> Command {
    let mut generator = sandbox.generator();
    generator.args([name, "--build", "none", "--no-git", "-q"]);
    generator
}

/// The port a service of that name gets.
#[track_caller]
fn port(sandbox: &Sandbox, name: &str, words: &[&str]) -> u16 {
    run(sandbox, name, words).ok();
    recorded(sandbox, name).expect("a record")
}

/// The port in a service's own record.
fn recorded(sandbox: &Sandbox, name: &str) -> Option<u16> {
    let record = std::fs::read_to_string(sandbox.work().join(name).join("service.toml")).ok()?;
    let record = record.parse::<toml_edit::DocumentMut>().expect("a record");
    let port = record["service"]["port"].as_integer()?;
    u16::try_from(port).ok()
}

#[track_caller]
fn fails(sandbox: &Sandbox, run: Run, code: i32, stderr: &str) {
    let stderr = stderr.replace("[ROOT]", &sandbox.root().display().to_string());
    run.fails(code, &stderr);
}

#[test]
fn the_first_free_one_from_5000_up() {
    let sandbox = Sandbox::new();
    let before = free(5000..5060);
    let first = port(&sandbox, "orders", &[]);
    assert!((5000..6000).contains(&first), "{first}");
    let passed_over = free(5000..first);
    let passed_over = passed_over.intersection(&before);
    assert_eq!(passed_over.count(), 0, "before {first}");
}

#[test]
fn a_range_is_used_up_from_below_and_then_exhausted() {
    let sandbox = Sandbox::new();
    let block = Block::of(3);
    let range = ["--port-range", &block.range()];
    for (n, name) in ["orders", "payments", "stock"].iter().enumerate() {
        let n = u16::try_from(n).expect("small");
        assert_eq!(port(&sandbox, name, &range), block.port(n));
    }
    let said = format!(
        "error: no port from `{}` to `{}` is free: 3 promised to services\n\
         help: another range: --port-range 6000-6999\n",
        block.port(0),
        block.port(2)
    );
    run(&sandbox, "users", &range).fails(5, &said);
    assert!(!sandbox.work().join("users").exists());
}

#[test]
fn neighbours_that_atlas_does_not_know_count() {
    let sandbox = Sandbox::new();
    let block = Block::of(2);
    let first = block.port(0);
    sandbox.write(
        "work/legacy/service.toml",
        &format!("[service]\nport = {first}\n"),
    );
    sandbox.write("work/odd/service.toml", "port = [broken");
    sandbox.write("work/file", "not a directory");
    let next = port(&sandbox, "orders", &["--port-range", &block.range()]);
    assert_eq!(next, block.port(1));
    let said = format!(
        "error: port `{first}` is named in `[ROOT]/work/legacy/service.toml`\n\
         help: take the first free one: leave --port out\n"
    );
    let run = run(&sandbox, "users", &["--port", &first.to_string()]);
    fails(&sandbox, run, 5, &said);
}

#[test]
fn listeners_on_one_address_of_one_family_count() {
    let sandbox = Sandbox::new();
    let block = Block::of(3);
    let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, block.port(0)));
    let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, block.port(1)));
    let mut taken = vec![v4.expect("a listener")];
    // A machine without IPv6 has nobody listening there.
    taken.extend(v6);
    let next = port(&sandbox, "orders", &["--port-range", &block.range()]);
    assert_eq!(usize::from(next - block.port(0)), taken.len());
    for listener in &taken {
        let port = listener.local_addr().expect("an address").port();
        let said = format!(
            "error: port `{port}` is in use: a program on this machine is listening on it\n\
             help: ss -ltnp 'sport = :{port}'\n"
        );
        run(&sandbox, "users", &["--port", &port.to_string()]).fails(5, &said);
    }
}

#[test]
fn what_browsers_refuse_is_passed_over_unless_asked_for() {
    let sandbox = Sandbox::new();
    let range = ["--port-range", "5060-5061"];
    run(&sandbox, "orders", &range).fails(
        5,
        "error: no port from `5060` to `5061` is free: 2 blocked by browsers\n\
         help: another range: --port-range 6000-6999\n",
    );
    let before = free(5062..5100);
    let next = port(&sandbox, "orders", &["--port-range", "5060-5099"]);
    assert!(next > 5061, "{next}");
    assert_eq!(free(5062..next).intersection(&before).count(), 0);
    let asked = sandbox
        .run([
            "sip",
            "--build",
            "none",
            "--no-git",
            "--port",
            "5060",
            "--dry-run",
        ])
        .ok();
    assert!(
        asked
            .stdout
            .ends_with("\nwarning: port `5060`: browsers refuse to connect to it\n"),
        "{}",
        asked.stdout
    );
}

#[test]
fn what_the_kernel_gives_away_is_passed_over() {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let range = range.expect("the kernel's range");
    let low = range.split_whitespace().next().expect("two numbers");
    let sandbox = Sandbox::new();
    let said = format!(
        "error: no port from `{low}` to `{low}` is free: 1 used for outgoing connections\n\
         help: another range: --port-range 6000-6999\n"
    );
    run(
        &sandbox,
        "orders",
        &["--port-range", &format!("{low}-{low}")],
    )
    .fails(5, &said);
}

#[test]
fn a_promised_port_names_its_service_and_how_to_release_it() {
    let sandbox = Sandbox::new();
    let first = Block::of(1).port(0).to_string();
    run(&sandbox, "orders", &["--port", &first]).ok();
    let promised = format!("error: port `{first}` is promised to `orders` in `[ROOT]/work/orders`");
    let said = format!("{promised}\nhelp: take the first free one: leave --port out\n");
    let again = || run(&sandbox, "users", &["--port", &first]);
    fails(&sandbox, again(), 5, &said);
    std::fs::remove_dir_all(sandbox.work().join("orders")).expect("removed");
    let said = format!("{promised}\nhelp: rm [ROOT]/home/.local/share/atlas/ports/{first}\n");
    fails(&sandbox, again(), 5, &said);
    std::fs::remove_file(sandbox.atlas().join("ports").join(&first)).expect("released");
    again().ok();
}

#[test]
fn a_port_being_claimed_names_its_claimant() {
    let sandbox = Sandbox::new();
    let block = Block::of(2);
    let first = block.port(0);
    let wish = atlas::Wish {
        ports: atlas::Ports::Exact(first),
        owner: atlas::Owner::new("orders", "/srv/orders").expect("an owner"),
        taken: std::collections::BTreeMap::default(),
    };
    let reservation = atlas::Atlas::at(sandbox.atlas()).reserve(first, &wish);
    let reservation = reservation.expect("a reservation");
    let said = format!(
        "error: port `{first}` is being claimed right now for `orders` in `/srv/orders`\n\
         help: fuser -v [ROOT]/home/.local/share/atlas/claims/{first}\n"
    );
    let exactly = run(&sandbox, "users", &["--port", &first.to_string()]);
    fails(&sandbox, exactly, 5, &said);
    let range = ["--port-range", &block.range()];
    assert_eq!(port(&sandbox, "users", &range), block.port(1));
    drop(reservation);
    assert_eq!(port(&sandbox, "stock", &range), first);
}

#[test]
fn no_port_is_no_port() {
    let sandbox = Sandbox::new();
    for bad in ["0", "70000", "65536", "abc", "-1", "5004.0", "", " 5004"] {
        let said = format!(
            "error: invalid port `{bad}` (`--port`): a port is a number from 1 to 65535\n\
             help: --port 5004\n"
        );
        run(&sandbox, "orders", &["--port", bad]).fails(2, &said);
    }
    for bad in ["5004", "6000-5000", "0-10", "5000-70000", "a-b", "5000-"] {
        let said = format!(
            "error: invalid port-range `{bad}` (`--port-range`): a range is two ports from low \
             to high, such as 5000-5999\nhelp: --port-range 5000-5999\n"
        );
        run(&sandbox, "orders", &["--port-range", bad]).fails(2, &said);
    }
    assert_eq!(sandbox.listing(), [""; 0]);
}

/// Starts a generator and lets it run.
fn start(sandbox: &Sandbox, name: &str, range: &str) -> Child {
    let mut generator = generator(sandbox, name);
    generator.args(["--port-range", range]);
    generator.stdin(Stdio::null()).stdout(Stdio::null());
    generator.stderr(Stdio::piped());
    generator.spawn().expect("the program starts")
}

#[test]
fn a_hundred_at_once_get_a_hundred_ports_without_a_gap() {
    let sandbox = Sandbox::new();
    let block = Block::of(120);
    let names = (0..100).map(|n| format!("service-{n}")).collect::<Vec<_>>();
    let running = names
        .iter()
        .map(|name| start(&sandbox, name, &block.range()));
    for child in running.collect::<Vec<_>>() {
        Run::from(child.wait_with_output().expect("the program runs")).ok();
    }
    let ports = names.iter().filter_map(|name| recorded(&sandbox, name));
    let ports = ports.collect::<BTreeSet<_>>();
    assert_eq!(ports.len(), 100);
    let free = free(block.port(0)..*ports.last().expect("ports"));
    let gaps = free.difference(&ports).collect::<Vec<_>>();
    assert_eq!(gaps, [&0; 0]);
    let promised = ports.iter().map(|port| format!("ports/{port}"));
    assert_eq!(sandbox.promises(), promised.collect::<Vec<_>>());
}

/// Numbers without order, the same for the same seed.
fn shuffled(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[test]
fn killed_runs_leave_nothing_that_blocks() {
    let sandbox = Sandbox::new();
    let block = Block::of(80);
    let began = Instant::now();
    let first = port(&sandbox, "alive", &["--port-range", &block.range()]);
    let lifetime = u64::try_from(began.elapsed().as_micros()).expect("short");
    let mut seed = u64::from(std::process::id()) | 1;
    let drawn = seed;
    for n in 0..60 {
        let mut child = start(&sandbox, &format!("killed-{n}"), &block.range());
        // The moment of death is what is drawn by lot, so this waits for nothing.
        std::thread::sleep(Duration::from_micros(shuffled(&mut seed) % (lifetime * 3)));
        child.kill().expect("killed or gone");
        child.wait().expect("its end");
    }
    let survivors = (0..60).filter_map(|n| recorded(&sandbox, &format!("killed-{n}")));
    let survivors = survivors.chain([first]).collect::<Vec<_>>();
    let mut ports = survivors.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(ports.len(), survivors.len(), "seed {drawn}");
    for n in 0..15 {
        let free = free(block.first..block.first + block.len);
        let lowest = free.difference(&ports).next().copied();
        let range = ["--port-range", &block.range()];
        let next = port(&sandbox, &format!("next-{n}"), &range);
        assert_eq!(Some(next), lowest, "seed {drawn}");
        ports.insert(next);
    }
    let hidden = std::fs::read_dir(sandbox.work()).expect("the directory");
    let hidden = hidden.flatten().map(|entry| entry.file_name());
    let hidden = hidden.filter(|name| name.to_string_lossy().starts_with('.'));
    assert_eq!(hidden.count(), 0, "stages of the dead are swept");
}

#[test]
fn a_run_that_fails_gives_its_port_back() {
    let sandbox = Sandbox::new();
    let block = Block::of(2);
    let mut without_dependencies = sandbox.generator();
    without_dependencies
        .args(["orders", "--no-git", "-q", "--port-range", &block.range()])
        .env("CARGO_HOME", sandbox.root().join("empty"))
        .env("CARGO_NET_OFFLINE", "true");
    assert_eq!(Run::of(&mut without_dependencies).code, 10);
    assert_eq!(sandbox.promises(), [""; 0]);
    let mut without_date = sandbox.generator();
    without_date
        .args(["orders", "--build", "none", "--port-range", &block.range()])
        .env("GIT_AUTHOR_DATE", "the day before yesterday");
    assert_eq!(Run::of(&mut without_date).code, 7);
    assert_eq!(sandbox.promises(), [""; 0]);
    assert_eq!(sandbox.listing(), [""; 0]);
    let next = port(&sandbox, "users", &["--port-range", &block.range()]);
    assert_eq!(next, block.port(0));
}

#[test]
fn generated_anew_a_service_gets_its_port_again() {
    let sandbox = Sandbox::new();
    let block = Block::of(4);
    let range = ["--port-range", &block.range()];
    for name in ["orders", "users"] {
        run(&sandbox, name, &range).ok();
    }
    std::fs::remove_dir_all(sandbox.work().join("orders")).expect("removed");
    // Its port stays promised meanwhile.
    assert_eq!(port(&sandbox, "stock", &range), block.port(2));
    assert_eq!(port(&sandbox, "orders", &range), block.port(0));
    // The same name elsewhere is another service.
    std::fs::create_dir(sandbox.work().join("elsewhere")).expect("a directory");
    run(
        &sandbox,
        "orders",
        &[range[0], range[1], "--into", "elsewhere"],
    )
    .ok();
    assert_eq!(recorded(&sandbox, "elsewhere/orders"), Some(block.port(3)));
}

#[test]
fn atlas_is_where_the_flag_the_variable_or_the_file_says() {
    let sandbox = Sandbox::new();
    let first = Block::of(1).port(0);
    let port = first.to_string();
    sandbox.write("work/generate-service.toml", "atlas = \"../by-file\"\n");
    run(&sandbox, "a", &["--port", &port]).ok();
    let variable = |name: &str, words: &[&str]| {
        let mut generator = generator(&sandbox, name);
        Run::of(generator.args(words).env("ATLAS", "../by-variable")).ok();
    };
    // Atlases do not know each other, neighbours do: so each is alone in its directory.
    for dir in ["b", "c"] {
        std::fs::create_dir(sandbox.root().join(dir)).expect("a directory");
    }
    variable("b", &["--port", &port, "--into", "../b"]);
    variable(
        "c",
        &["--port", &port, "--into", "../c", "--atlas", "../by-flag"],
    );
    for dir in ["by-file", "by-variable", "by-flag"] {
        let ports = listing(&sandbox.root().join(dir).join("ports"));
        assert_eq!(ports, [port.as_str()], "{dir}");
    }
    assert!(!sandbox.atlas().exists());
}

#[test]
fn a_record_that_cannot_be_read_still_holds_its_port() {
    let sandbox = Sandbox::new();
    let block = Block::of(2);
    let first = block.port(0);
    let record = format!("home/.local/share/atlas/ports/{first}");
    sandbox.write(&record, "garbage\n");
    let said = format!(
        "error: port `{first}` is held by `[ROOT]/{record}`, a record that cannot be read\n\
         help: rm [ROOT]/{record}\n"
    );
    let exactly = run(&sandbox, "users", &["--port", &first.to_string()]);
    fails(&sandbox, exactly, 5, &said);
    let next = port(&sandbox, "users", &["--port-range", &block.range()]);
    assert_eq!(next, block.port(1));
}

#[test]
fn odd_files_in_atlas_are_warned_of() {
    let sandbox = Sandbox::new();
    let block = Block::of(1);
    for name in ["ports/05004", "ports/notes.txt", "claims/+1"] {
        sandbox.write(format!("home/.local/share/atlas/{name}"), "");
    }
    let range = block.range();
    let words = ["orders", "--build", "none", "--no-git", "--port-range"];
    let run = Run::of(sandbox.generator().args(words).arg(range)).ok();
    let warnings = run
        .stderr
        .lines()
        .filter(|line| line.starts_with("warning"));
    let warnings = warnings.map(|line| sandbox.anonymous(line) + "\n");
    let atlas = "[ROOT]/home/.local/share/atlas";
    assert_eq!(
        warnings.collect::<String>(),
        format!(
            "warning: `{atlas}/claims/+1` is no record of a port\n\
             warning: `{atlas}/ports/05004` is no record of a port\n\
             warning: `{atlas}/ports/notes.txt` is no record of a port\n"
        )
    );
}

#[test]
fn an_atlas_that_is_no_directory_is_named() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("home/atlas", "");
    for place in [file.clone(), file.join("below")] {
        let run = Run::of(generator(&sandbox, "orders").env("ATLAS", place));
        fails(
            &sandbox,
            run,
            12,
            "error: cannot lock `[ROOT]/home/atlas`: not a directory\n\
             help: ls -ld [ROOT]/home/atlas\n",
        );
    }
    assert_eq!(sandbox.listing(), [""; 0]);
}

#[test]
fn without_home_atlas_has_to_be_named() {
    let sandbox = Sandbox::new();
    let block = Block::of(1);
    let homeless = || {
        let mut generator = generator(&sandbox, "orders");
        generator.env_remove("HOME");
        generator.args(["--port-range", &block.range()]);
        generator
    };
    Run::of(&mut homeless()).fails(
        12,
        "error: without HOME it is unknown where Atlas keeps its ports\n\
         help: ATLAS=/var/lib/atlas generate-service …\n",
    );
    Run::of(homeless().env("HOME", "relative")).fails(
        12,
        "error: without HOME it is unknown where Atlas keeps its ports\n\
         help: ATLAS=/var/lib/atlas generate-service …\n",
    );
    Run::of(homeless().env("ATLAS", sandbox.root().join("atlas"))).ok();
}
