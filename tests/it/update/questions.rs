//! What a newer template asks, what was answered, and the parts a service has.

use super::world::World;
use crate::sandbox::Run;

const QUEUE: &str = "[[questions]]\nname = \"queue\"\ndefault = \"mail\"\n";
const STORE: &str = "[[questions]]\nname = \"store\"\nask = \"Which store?\"\n";
const SAYS: [(&str, &str); 1] = [("says.txt.hbs", "queue {{queue}}\n\nend\n")];
const SAYS_BOTH: [(&str, &str); 1] = [("says.txt.hbs", "queue {{queue}}\nstore {{store}}\n")];

/// A template that asks for a queue.
fn world() -> World {
    let world = World::with(&SAYS);
    world.release_with("1.0.0", QUEUE, &[]);
    world
}

#[test]
fn what_was_answered_counts_and_not_what_is_usual_now() {
    let world = world();
    let given = world.service_of(&["--template", "worker", "-d", "queue=push"]);
    assert_eq!(given.read("says.txt"), "queue push\n\nend\n");
    let more = QUEUE.replace("mail", "letters");
    world.release_with("1.1.0", &more, &[("says.txt.hbs", "the queue {{queue}}\n")]);
    given.updated(&[]);
    assert_eq!(given.read("says.txt"), "the queue push\n");
    assert!(
        given
            .read("service.toml")
            .ends_with("[answers]\nqueue = \"push\"\n")
    );
}

#[test]
fn an_answer_can_be_changed() {
    let world = world();
    let service = world.service_of(&["--template", "worker", "-d", "queue=push"]);
    service.commit(&[("says.txt", "queue push\n\nend\nmine\n")]);
    let run = service.updated(&["--define", "queue=pull"]);
    let head = "Updating jobs from worker 1.0.0 to worker 1.0.0:";
    assert_eq!(run.stderr.lines().next(), Some(head));
    assert_eq!(service.read("says.txt"), "queue pull\n\nend\nmine\n");
    assert!(service.read("service.toml").contains("queue = \"pull\"\n"));
    let same = service.update(&["--define", "queue=pull"]).ok();
    assert_eq!(same.stderr, "jobs is up to date with worker 1.0.0.\n");
    let wrong = service.update(&["--define", "queu=x"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("queue"), "{}", wrong.stderr);
}

#[test]
fn a_new_question_without_a_usual_answer_has_to_be_answered() {
    let world = world();
    let service = world.service();
    world.release_with("1.1.0", &format!("{QUEUE}{STORE}"), &SAYS_BOTH);
    let before = service.state();
    let run = service.update(&[]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("--define store="), "{}", run.stderr);
    service.state().is(&before);
    service.updated(&["--define", "store=disk"]);
    assert_eq!(service.read("says.txt"), "queue mail\nstore disk\n");
    let record = service.read("service.toml");
    assert!(
        record.ends_with("queue = \"mail\"\nstore = \"disk\"\n"),
        "{record}"
    );
}

#[test]
fn only_the_new_question_is_asked() {
    let world = world();
    let service = world.service_of(&["--template", "worker", "-d", "queue=push"]);
    world.release_with("1.1.0", &format!("{QUEUE}{STORE}"), &SAYS_BOTH);
    let mut terminal = service.at_terminal("");
    terminal.says("Which store?").answer("disk");
    terminal.says("All done!");
    let (code, screen) = terminal.ends();
    assert_eq!(code, 0, "{screen}");
    assert!(!screen.contains("queue:"), "{screen}");
    assert!(!screen.contains("HTTP port"), "{screen}");
    assert_eq!(service.read("says.txt"), "queue push\nstore disk\n");
}

#[test]
fn an_answer_meets_the_owners_line() {
    let world = world();
    let service = world.service();
    service.commit(&[("says.txt", "queue of mine\n\nend\n")]);
    service.conflicts(&["-d", "queue=push"], &["says.txt"]);
    assert_eq!(
        service.read("says.txt"),
        "<<<<<<< service\nqueue of mine\n=======\nqueue push\n>>>>>>> template 1.0.0\n\nend\n"
    );
    assert!(service.read("service.toml").contains("queue = \"push\""));
}

#[test]
fn an_answer_decides_which_files_there_are() {
    let world = World::new();
    let ask = "[[questions]]\nname = \"extra\"\ntype = \"bool\"\ndefault = true\n\
        [[files]]\npath = \"extra/**\"\nwhen = \"extra\"\n";
    crate::native::template(&world.sandbox, "worker", &[("extra/a.txt", "a\n")]);
    world.release_with("1.0.0", ask, &[]);
    let service = world.service();
    assert!(service.path("extra/a.txt").exists());
    service.updated(&["-d", "extra=false"]);
    assert!(!service.path("extra").exists());
    service.updated(&["-d", "extra=true"]);
    assert_eq!(service.read("extra/a.txt"), "a\n");
}

/// A question may be asked again, and then its owner need not look for the answer.
#[test]
fn an_answer_is_kept_while_its_question_is_not_asked() {
    let world = World::new();
    let ask = "[[questions]]\nname = \"store\"\ntype = \"bool\"\ndefault = true\n\
        [[questions]]\nname = \"table\"\ndefault = \"rows\"\nwhen = \"store\"\n";
    let says = (
        "says.txt.hbs",
        "store:{{#if store}} table {{table}}{{/if}}\n",
    );
    crate::native::template(&world.sandbox, "worker", &[says]);
    world.release_with("1.0.0", ask, &[]);
    let service = world.service_of(&["--template", "worker", "-d", "table=lines"]);
    let answers = || {
        let record = service.read("service.toml");
        record
            .split_once("[answers]\n")
            .expect("answers")
            .1
            .to_owned()
    };
    assert_eq!(answers(), "store = true\ntable = \"lines\"\n");
    service.updated(&["-d", "store=false"]);
    assert_eq!(answers(), "store = false\ntable = \"lines\"\n");
    assert_eq!(service.read("says.txt"), "store:\n");
    service.updated(&["-d", "store=true"]);
    assert_eq!(answers(), "store = true\ntable = \"lines\"\n");
    assert_eq!(service.read("says.txt"), "store: table lines\n");
}

#[test]
fn answers_of_every_type_and_letter_come_through() {
    let world = World::new();
    let ask = "[[questions]]\nname = \"many\"\ntype = \"many-of\"\nchoices = [\"a\", \"b\", \"c\"]\n\
        default = []\n[[questions]]\nname = \"number\"\ntype = \"integer\"\ndefault = 1\n\
        [[questions]]\nname = \"text\"\ndefault = \"x\"\n";
    let says = ("says.txt.hbs", "{{many}} {{number}} {{text}}\n");
    crate::native::template(&world.sandbox, "worker", &[says]);
    world.release_with("1.0.0", ask, &[]);
    let words = [
        "-d",
        "many=a,c",
        "-d",
        "number=7",
        "-d",
        "text=Grüße \"ごあ\"",
    ];
    let service = world.service_of(&[&["--template", "worker"], &words[..]].concat());
    let said = service.read("says.txt");
    world.release_with("1.1.0", ask, &[("b.txt", "b\n")]);
    service.updated(&[]);
    assert_eq!(service.read("says.txt"), said);
    assert!(
        service
            .read("service.toml")
            .contains("many = [\"a\", \"c\"]\nnumber = 7\n")
    );
}

const SECRET: &str = "[[questions]]\nname = \"token\"\nsecret = true\n";

#[test]
fn a_secret_is_given_anew_and_never_recorded() {
    let world = World::new();
    let says = ("says.txt.hbs", "one\ntoken {{token}}\n");
    crate::native::template(&world.sandbox, "worker", &[says]);
    world.release_with("1.0.0", SECRET, &[]);
    let service = world.service_of(&["--template", "worker", "-d", "token=hush"]);
    world.release_with(
        "1.1.0",
        SECRET,
        &[("says.txt.hbs", "two\ntoken {{token}}\n")],
    );
    let before = service.state();
    let run = service.update(&[]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    let text = "error: no answer to `token`\nhelp: export GENERATE_SERVICE_ANSWER_TOKEN=…\n";
    assert_eq!(run.stderr, text);
    service.state().is(&before);
    let mut command = service.updating(&["--no-verify"]);
    Run::of(command.env("GENERATE_SERVICE_ANSWER_TOKEN", "hush")).ok();
    service.is_clean();
    assert_eq!(service.read("says.txt"), "two\ntoken hush\n");
    assert!(!service.read("service.toml").contains("hush"));
    let cache = world.sandbox.root().join("cache");
    for entry in walkdir::WalkDir::new(cache).into_iter().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("hush"), "{}", entry.path().display());
    }
}

/// Parts of a template, by files.
fn with_parts() -> World {
    let world = World::new();
    let parts = "[mail]\ndescription = \"Mail\"\ndefault = true\nfiles = [\"src/mail.rs\"]\n\
        [push]\ndescription = \"Push\"\nfiles = [\"src/push.rs\"]\n";
    let files = [
        ("parts.toml", parts),
        ("src/mail.rs", "//! Mail.\n"),
        ("src/push.rs", "//! Push.\n"),
    ];
    crate::native::template(&world.sandbox, "worker", &files);
    world.release("1.0.0", &[]);
    world
}

#[test]
fn parts_come_and_go() {
    let world = with_parts();
    let service = world.service();
    let has = |name: &str| service.path(&format!("src/{name}.rs")).exists();
    assert!(has("mail") && !has("push"));
    service.updated(&["--with", "push"]);
    assert!(has("mail") && has("push"));
    assert!(
        service
            .read("service.toml")
            .contains("parts = [\"mail\", \"push\"]\n")
    );
    service.updated(&["--without", "mail"]);
    assert!(!has("mail") && has("push"));
    assert!(
        service
            .read("service.toml")
            .contains("parts = [\"push\"]\n")
    );
    // They stay so.
    world.release("1.1.0", &[("b.txt", "b\n")]);
    service.updated(&[]);
    assert!(!has("mail") && has("push"));
}

#[test]
fn a_part_that_goes_takes_no_work_of_the_owner_along() {
    let world = with_parts();
    let service = world.service();
    service.commit(&[("src/mail.rs", "//! Mail of mine.\n")]);
    service.conflicts(&["--without", "mail"], &["src/mail.rs"]);
    assert_eq!(service.read("src/mail.rs"), "//! Mail of mine.\n");
}

#[test]
fn answers_come_from_a_file_too() {
    let world = world();
    let service = world.service();
    world.release_with("1.1.0", &format!("{QUEUE}{STORE}"), &SAYS_BOTH);
    let file = world
        .sandbox
        .write("work/answers.toml", "store = \"disk\"\nqueue = \"push\"\n");
    service.updated(&["--answers", &file.display().to_string()]);
    assert_eq!(service.read("says.txt"), "queue push\nstore disk\n");
}
