//! The conversation, on a real terminal: util-linux's `script` lends the program one.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::sandbox::{Run, Sandbox, until};

/// The program in a terminal.
pub struct Terminal {
    child: Child,
    keyboard: Option<ChildStdin>,
    screen: Arc<Mutex<String>>,
    /// How much of the screen was read already.
    read: usize,
}

/// A shell line in a terminal of the sandbox's, `$generator` being the program.
pub fn shell(sandbox: &Sandbox, line: &str) -> Command {
    let mut script = sandbox.command("script");
    script.args(["-q", "-e", "-c", line, "/dev/null"]);
    script.env("generator", env!("CARGO_BIN_EXE_generate-service"));
    script.env("SHELL", "/bin/sh").current_dir(sandbox.work());
    script.env("GENERATE_SERVICE_BUILD", "none");
    script
}

impl Terminal {
    pub fn open(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("script runs");
        let mut output = child.stdout.take().expect("piped");
        let screen = Arc::new(Mutex::new(String::new()));
        let copy = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(len @ 1..) = output.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..len]);
                copy.lock().expect("a screen").push_str(&text);
            }
        });
        Self {
            keyboard: child.stdin.take(),
            child,
            screen,
            read: 0,
        }
    }

    /// The program with these words, in a terminal.
    fn run(sandbox: &Sandbox, words: &str) -> Self {
        Self::open(shell(sandbox, &format!("\"$generator\" {words}")))
    }

    fn screen(&self) -> String {
        self.screen.lock().expect("a screen").clone()
    }

    /// Waits until this is said, after all that was waited for before.
    #[track_caller]
    pub fn says(&mut self, text: &str) -> &mut Self {
        until(&format!("{text:?} on {:?}", self.screen()), || {
            let screen = self.screen();
            let at = screen[self.read..].find(text);
            self.read += at.map_or(0, |at| at + text.len());
            at.is_some()
        });
        self
    }

    /// Types an answer and Enter.
    pub fn answer(&mut self, text: &str) -> &mut Self {
        let keyboard = self.keyboard.as_mut().expect("open");
        keyboard
            .write_all(format!("{text}\r").as_bytes())
            .expect("a terminal that listens");
        self
    }

    /// The exit code and the whole screen, without the escapes that move the cursor.
    #[track_caller]
    pub fn ends(mut self) -> (i32, String) {
        let mut code = None;
        until("the end of the program", || {
            code = self.child.try_wait().expect("a child");
            code.is_some()
        });
        let code = code.and_then(|status| status.code());
        // The rest of the screen is in the pipe until it is closed.
        until("the end of the screen", || {
            Arc::strong_count(&self.screen) == 1
        });
        (code.unwrap_or(-1), self.screen())
    }
}

impl Drop for Terminal {
    /// A program that was expected to go on is ended, when its terminal is.
    fn drop(&mut self) {
        drop(self.keyboard.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Without colours: the escapes of `anstyle` and the cursor's of `console`.
pub fn plain(screen: &str) -> String {
    let mut text = String::new();
    let mut rest = screen;
    while let Some((before, escape)) = rest.split_once("\x1b[") {
        text.push_str(before);
        let end = escape.find(|c: char| c.is_ascii_alphabetic());
        rest = &escape[end.map_or(escape.len(), |end| end + 1)..];
    }
    (text + rest).replace('\r', "")
}

fn coloured(screen: &str) -> bool {
    let bold_or_colour = |part: &str| {
        let numbers = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        numbers.starts_with('m')
    };
    screen.split("\x1b[").skip(1).any(bold_or_colour)
}

#[test]
fn all_questions_are_asked_and_the_plan_confirmed() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.home().join("services")).expect("a directory");
    let mut terminal = Terminal::run(&sandbox, "");
    terminal.says("Service name: ").answer("orders");
    terminal.says("HTTP port [").answer("1207");
    terminal.says("Description [The orders service]: ");
    terminal.answer("Takes orders");
    terminal
        .says("Parts (space marks, Enter goes on)")
        .answer("");
    terminal
        .says("Create its directory in [")
        .answer("~/services");
    terminal.says("Creating a service skeleton with this configuration:");
    terminal.says("orders\r\n").says("~/services/orders\r\n");
    terminal.says("HTTP port:              1207\r\n");
    assert_eq!(sandbox.listing(), [""; 0]);
    assert_eq!(sandbox.promises(), [""; 0]);
    terminal.says("Generate it? (y/n) [y]: ").answer("");
    let (code, screen) = terminal.ends();
    assert_eq!(code, 0, "{screen}");
    let said = plain(&screen);
    assert!(said.contains("\nAll done! orders source code can be found in ~/services/orders\n"));
    // The plan was shown once, and the path is not repeated to somebody who has just read it.
    assert_eq!(said.matches("Creating a service skeleton").count(), 1);
    assert!(
        !said.contains(&format!("\n{}/", sandbox.root().display())),
        "{said}"
    );
    let record = sandbox.home().join("services/orders/service.toml");
    let record = std::fs::read_to_string(record).expect("a record");
    assert!(
        record.contains("port = 1207\ndescription = \"Takes orders\"\n"),
        "{record}"
    );
    assert_eq!(sandbox.promises(), ["ports/1207"]);
}

#[test]
fn enter_takes_what_would_be_taken_anyway() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::run(&sandbox, "--no-git");
    terminal.says("Service name: ").answer("  orders ");
    terminal.says("HTTP port [").answer("");
    terminal
        .says("Description [The orders service]: ")
        .answer("");
    terminal
        .says("Parts (space marks, Enter goes on)")
        .answer("");
    terminal.says("Create its directory in [").answer("");
    terminal.says("Generate it? (y/n) [y]: ").answer("");
    let (code, screen) = terminal.ends();
    assert_eq!(code, 0, "{screen}");
    assert!(sandbox.work().join("orders/Cargo.toml").is_file());
    assert_eq!(sandbox.promises().len(), 1);
}

#[test]
fn a_no_generates_nothing() {
    let sandbox = Sandbox::new();
    let words = "--port 1208 --description x --into .";
    let mut terminal = Terminal::run(&sandbox, words);
    terminal.says("Service name: ").answer("orders");
    terminal
        .says("Parts (space marks, Enter goes on)")
        .answer("");
    terminal.says("Generate it? (y/n) [y]: ").answer("perhaps");
    terminal.says("answer y or n");
    terminal.says("Generate it? (y/n) [y]: ").answer("n");
    let (code, screen) = terminal.ends();
    assert_eq!(code, 130);
    let said = plain(&screen);
    assert!(
        said.ends_with("error: not confirmed; nothing was generated\n"),
        "{said}"
    );
    assert!(!said.contains("HTTP port ["), "a flag is an answer");
    assert_eq!(sandbox.listing(), [""; 0]);
    assert!(!sandbox.atlas().exists());
}

#[test]
fn a_bad_answer_is_refused_and_asked_for_again() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::run(&sandbox, "--description x --into . --dry-run");
    terminal.says("Service name: ").answer("My Service");
    terminal
        .says("`M` is none of")
        .says("did you mean `my-service`?\r\n");
    terminal
        .says("Service name [my-service]: ")
        .answer("サービス");
    // There is nothing to offer for this one.
    terminal
        .says("`サ` is none of")
        .says("Service name: ")
        .answer("gen");
    terminal
        .says("a keyword of Rust")
        .says("Service name [gen-service]: ")
        .answer("");
    terminal.says("HTTP port [").answer("0");
    terminal
        .says("a port is a number from 1 to 65535")
        .says("HTTP port [")
        .answer("70000");
    terminal.says("HTTP port [").answer("1209");
    terminal
        .says("Parts (space marks, Enter goes on)")
        .answer("");
    let (code, screen) = terminal.ends();
    assert_eq!(code, 0, "{screen}");
    let said = plain(&screen);
    assert!(
        said.contains("Service name:           gen-service\n"),
        "{said}"
    );
    assert!(said.contains("HTTP port:              1209\n"), "{said}");
}

#[test]
fn a_bad_name_on_the_command_line_is_offered_a_better_one() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::run(&sandbox, "My_Service --no-git");
    terminal.says("did you mean `my-service`?\r\n");
    terminal.says("Service name [my-service]: ").answer("");
    let (code, screen) = terminal.ends();
    assert_eq!(code, 0, "{screen}");
    // Nothing else was open, so nothing else is asked.
    assert!(!screen.contains("Generate it?"));
    assert_eq!(sandbox.listing()[0], "my-service");
}

#[test]
fn spaces_around_an_argument_are_not_dropped_in_silence() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::run(&sandbox, "' orders' --no-git");
    terminal
        .says("a space is none of")
        .says("Service name [orders]: ")
        .answer("");
    assert_eq!(terminal.ends().0, 0);
}

#[test]
fn wrong_settings_end_the_conversation_before_it_starts() {
    let sandbox = Sandbox::new();
    let (code, screen) = Terminal::run(&sandbox, "--port 0 --color red").ends();
    assert_eq!(code, 2);
    assert_eq!(
        plain(&screen),
        "error: invalid port `0` (`--port`): a port is a number from 1 to 65535\n\
         help: --port 5004\n\
         error: invalid color `red` (`--color`): expected auto, always or never\n\
         help: --color auto\n"
    );
}

#[test]
fn ctrl_c_ends_the_conversation_and_leaves_the_terminal_usable() {
    let sandbox = Sandbox::new();
    for (question, answers) in [
        ("Service name: ", &[][..]),
        ("HTTP port [", &["orders"]),
        ("Description [", &["orders", ""]),
        ("Parts (", &["orders", "", ""]),
    ] {
        let mut terminal = Terminal::run(&sandbox, "");
        for answer in answers {
            terminal.says(": ").answer(answer);
        }
        terminal.says(question);
        let keyboard = terminal.keyboard.as_mut().expect("open");
        keyboard.write_all(b"\x03").expect("a key");
        let (code, screen) = terminal.ends();
        assert_eq!(code, 130, "{question}: {screen}");
        let hidden = screen.matches("\x1b[?25l").count();
        assert_eq!(screen.matches("\x1b[?25h").count(), hidden, "{screen:?}");
    }
    assert_eq!(sandbox.listing(), [""; 0]);
}

/// With a good name there is nothing to ask; without one, and with nobody to ask, that is said.
#[test]
fn nothing_is_ever_asked_of_nobody() {
    let sandbox = Sandbox::new();
    let program = "\"$generator\"";
    for line in [
        format!("CI=1 {program}"),
        format!("CI=true {program} --color never"),
        format!("{program} --yes"),
        format!("GENERATE_SERVICE_YES=1 {program}"),
        format!("{program} </dev/null"),
        format!("true | {program}"),
    ] {
        let (code, screen) = Terminal::open(shell(&sandbox, &line)).ends();
        assert_eq!(code, 2, "{line}: {screen}");
        let words = "error: the service's name is missing\nhelp: generate-service my-service\n";
        assert_eq!(plain(&screen), words, "{line}");
    }
    for line in [
        format!("CI=1 {program} My_Service"),
        format!("{program} -y My_Service"),
        format!("{program} My_Service </dev/null"),
        format!("{program} My_Service 2>/dev/null"),
    ] {
        let (code, screen) = Terminal::open(shell(&sandbox, &line)).ends();
        assert_eq!(code, 3, "{line}: {screen}");
    }
    assert_eq!(sandbox.listing(), [""; 0]);
}

#[test]
fn json_asks_nothing_either() {
    let sandbox = Sandbox::new();
    let (code, screen) = Terminal::run(&sandbox, "--format json").ends();
    assert_eq!(code, 2);
    assert!(screen.contains("\"status\":\"failed\""), "{screen}");
}

#[test]
fn with_ci_set_a_whole_run_needs_nobody() {
    let sandbox = Sandbox::new();
    let line = "CI=1 \"$generator\" orders";
    let (code, screen) = Terminal::open(shell(&sandbox, line)).ends();
    assert_eq!(code, 0, "{screen}");
    assert!(sandbox.work().join("orders/.git").is_dir());
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let sandbox = Sandbox::new();
    for (line, expected) in [
        ("\"$generator\" a", true),
        ("NO_COLOR=1 \"$generator\" b", false),
        ("NO_COLOR= \"$generator\" c", true),
        ("TERM=dumb \"$generator\" d", false),
        ("\"$generator\" e --color never", false),
        ("NO_COLOR=1 \"$generator\" f --color always", true),
        ("GENERATE_SERVICE_COLOR=never \"$generator\" g", false),
        ("\"$generator\" 2>&1 h | cat", false),
        ("\"$generator\" --color always 2>&1 i | cat", true),
        ("\"$generator\" Bad --yes", true),
        ("NO_COLOR=1 \"$generator\" Bad --yes", false),
    ] {
        let (_, screen) = Terminal::open(shell(&sandbox, line)).ends();
        assert!(
            screen.contains("services") || screen.contains("service"),
            "{screen}"
        );
        assert_eq!(coloured(&screen), expected, "{line}: {screen:?}");
    }
}

#[test]
fn colours_stay_out_of_pipes_unless_forced() {
    let sandbox = Sandbox::new();
    for (words, expected) in [
        (["a", "--color", "auto"], false),
        (["b", "--color", "never"], false),
        (["c", "--color", "always"], true),
    ] {
        let mut generator = sandbox.generator();
        let run = Run::of(generator.args(words).args(["--build", "none"])).ok();
        assert_eq!(coloured(&run.stderr), expected, "{words:?}");
        // The path is for programs: no colours there, ever.
        assert!(!run.stdout.contains('\x1b'));
    }
}

/// The path goes to a reader, not to a person who sees it in the narrative.
#[test]
fn the_path_is_not_printed_to_a_terminal() {
    let sandbox = Sandbox::new();
    let (code, screen) = Terminal::run(&sandbox, "orders --quiet").ends();
    assert_eq!((code, screen.as_str()), (0, ""));
}

const ASKING: &str = r#"[template]
name = "worker"
version = "1.0.0"

[[questions]]
name = "queue"
ask = "Which queue?"
default = "{{name}}-jobs"
regex = "[a-z-]+"

[[questions]]
name = "store"
ask = "A store?"
type = "bool"
default = false

[[questions]]
name = "table"
ask = "Which table?"
when = "store"

[[questions]]
name = "token"
ask = "The token"
secret = true

[[questions]]
name = "size"
ask = "Which size?"
type = "one-of"
choices = [{ value = "s", label = "Small" }, { value = "l", label = "Large" }]
default = "l"

[[questions]]
name = "extras"
ask = "Which extras?"
type = "many-of"
choices = ["mail", "push"]
default = ["push"]
"#;

fn asking(sandbox: &Sandbox) {
    let says = "{{queue}} {{store}} {{token}} {{size}} {{extras}}\n";
    crate::native::template(
        sandbox,
        "worker",
        &[("template.toml", ASKING), ("says.txt.hbs", says)],
    );
}

/// A name on the command line leaves the template's questions to be asked.
#[test]
fn what_the_template_asks_is_asked_and_a_condition_leaves_questions_out() {
    let sandbox = Sandbox::new();
    asking(&sandbox);
    let mut terminal = Terminal::run(&sandbox, "jobs --template worker --define size=s");
    terminal
        .says("Which queue? [jobs-jobs]")
        .answer("Bad Queue");
    terminal
        .says("expected what `[a-z-]+` matches")
        .answer("\u{15}late");
    terminal.says("A store? (y/n) [n]").answer("n");
    terminal.says("The token").answer("sesame");
    terminal.says("Which extras?").answer("");
    let (code, screen) = terminal.ends();
    assert_eq!(code, 0, "{screen}");
    assert!(
        !screen.contains("Which table?") && !screen.contains("sesame"),
        "{screen}"
    );
    let says = std::fs::read_to_string(sandbox.work().join("jobs/says.txt")).expect("a file");
    assert_eq!(says, "late false sesame s [push]\n");
}

#[test]
fn consent_is_asked_for_once_and_no_is_the_usual_answer() {
    let sandbox = Sandbox::new();
    crate::native::template(
        &sandbox,
        "worker",
        &[("template.toml", crate::native::HEAD)],
    );
    let line = "\"$generator\" jobs --template worker --build check";
    let mut terminal = Terminal::open(shell(&sandbox, line));
    terminal
        .says("would run:")
        .says("its build (build scripts, procedural macros)");
    terminal
        .says("Let it run this, now and later? (y/n) [n]")
        .answer("");
    let (code, screen) = terminal.ends();
    assert_eq!(code, 16, "{screen}");
    assert!(!sandbox.work().join("jobs").exists());
    let mut terminal = Terminal::open(shell(&sandbox, line));
    terminal.says("now and later? (y/n) [n]").answer("y");
    let (code, screen) = terminal.ends();
    assert_eq!(code, 0, "{screen}");
    let again = line.replace("jobs", "jobs2");
    let (code, screen) = Terminal::open(shell(&sandbox, &again)).ends();
    assert_eq!(code, 0, "{screen}");
    assert!(!screen.contains("(y/n)"), "{screen}");
}

/// What a template wrote is shown and moves no cursor.
#[test]
fn scripts_are_shown_in_full_without_their_escapes() {
    let sandbox = Sandbox::new();
    let file = |path: &str, text: &str| sandbox.write(format!("work/cg/{path}"), text);
    file("cargo-generate.toml", "[hooks]\npre = [\"pre.rhai\"]\n");
    file("pre.rhai", "print(\"one\");\n// \x1b[2J\u{202e} two\n");
    file(
        "Cargo.toml",
        "[package]\nname = \"{{project-name}}\"\nversion = \"0.1.0\"\n",
    );
    let mut terminal = Terminal::run(&sandbox, "jobs --template cg");
    terminal.says("script `pre.rhai`").says("| print(\"one\");");
    terminal
        .says("| // \\u{1b}[2J\\u{202e} two")
        .says("(y/n) [n]")
        .answer("n");
    let (code, screen) = terminal.ends();
    assert_eq!(code, 16, "{screen}");
}

/// A script may ask on its own; it is answered where it would be with `cargo generate`.
#[test]
fn a_script_asks_whoever_sits_there() {
    let sandbox = Sandbox::new();
    let file = |path: &str, text: &str| sandbox.write(format!("work/cg/{path}"), text);
    file("cargo-generate.toml", "[hooks]\npre = [\"pre.rhai\"]\n");
    let ask = "variable::set(\"colour\", variable::prompt(\"Which colour?\", \"red\"));\n";
    file("pre.rhai", ask);
    file(
        "Cargo.toml",
        "[package]\nname = \"{{project-name}}\"\nversion = \"0.1.0\"\n",
    );
    file("v.txt", "{{colour}}\n");
    let mut terminal = Terminal::run(&sandbox, "jobs --template cg --trust");
    terminal.says("Which colour?").answer("blue");
    let (code, screen) = terminal.ends();
    assert_eq!(code, 0, "{screen}");
    let said = std::fs::read_to_string(sandbox.work().join("jobs/v.txt")).expect("a file");
    assert_eq!(said, "blue\n");
}

/// Whoever is asked for everything is asked by a script once, too, not once more while the free
/// port is looked for.
#[test]
fn a_script_asks_once_in_a_whole_conversation() {
    let sandbox = Sandbox::new();
    let file = |path: &str, text: &str| sandbox.write(format!("work/cg/{path}"), text);
    file("cargo-generate.toml", "[hooks]\npre = [\"pre.rhai\"]\n");
    file(
        "pre.rhai",
        "variable::prompt(\"Which colour?\", \"red\");\n",
    );
    file(
        "Cargo.toml",
        "[package]\nname = \"{{project-name}}\"\nversion = \"0.1.0\"\n",
    );
    let mut terminal = Terminal::run(&sandbox, "--template cg --trust --description x --into .");
    terminal.says("Service name: ").answer("jobs");
    terminal.says("HTTP port [").answer("");
    terminal.says("Which colour?").answer("");
    terminal.says("Generate it? (y/n) [y]: ").answer("");
    let (code, screen) = terminal.ends();
    assert_eq!(code, 0, "{screen}");
}
