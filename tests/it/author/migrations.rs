//! Migrations and deprecations: a mistake in them would be one in every service that is updated.

use super::{run, says, template};
use crate::sandbox::{Run, Sandbox};

/// What `template check` says of a template of version 1.0.0 whose manifest goes on with `text`.
fn checked(text: &str, files: &[(&str, &str)]) -> Run {
    let sandbox = Sandbox::new();
    template(&sandbox, text, files);
    run(&sandbox, &["check", "small"])
}

const MIGRATION: &str = "[[migrations]]\nversion = \"1.0.0\"\n";
const DEPRECATION: &str = "[[deprecations]]\nnote = \"x\"\n";

#[test]
fn what_can_be_said_is_no_mistake() {
    let text = "[[questions]]\nname = \"topic\"\ndefault = \"a\"\n\
        [[migrations]]\nversion = \"0.9.0\"\nnote = \"renamed\"\nanswers = { queue = \"mid\" }\n\
        parts = { amqp = \"extra\" }\nmoves = [{ from = \"src/old.rs\", to = \"src/mid.rs\" }]\n\
        [[migrations]]\nversion = \"1.0.0\"\nanswers = { mid = \"topic\" }\nrun = [[\"true\"]]\n\
        moves = [{ from = \"src/mid.rs\", to = \"src/main.rs\" }, { from = \"lib/\", to = \"src/\" }]\n\
        keys = [{ file = \"a.toml\", from = 'a.\"b c\"', to = \"a.d\" }]\n\
        [[deprecations]]\nsince = \"1.0.0\"\nanswer = \"gone\"\nnote = \"x\"\n\
        [[deprecations]]\nsince = \"0.1.0\"\nfile = \"src/old.rs\"\nnote = \"x\"\n";
    let files = [
        ("parts.toml", "[extra]\nfiles = []\n"),
        ("README.md.hbs", "{{topic}}\n"),
    ];
    says(checked(text, &files), "no mistakes found\n", "");
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn mistakes_name_their_place() {
    for (head, rest, wanted) in [
        (
            "[[migrations]]\n",
            "version = \"2\"\n",
            "line 5, column 11: a version is three numbers, such as 1.4.0",
        ),
        (
            "[[migrations]]\n",
            "version = \"1.0.1\"\n",
            "line 5, column 11: 1.0.1 is newer than the template, which is 1.0.0",
        ),
        (
            MIGRATION,
            "note = \"a\\nb\"\n",
            "line 6, column 8: a note is one line",
        ),
        (
            MIGRATION,
            "answers = { a = \"b\" }\n",
            "line 6, column 17: nothing asks for `b`",
        ),
        (
            MIGRATION,
            "answers = { a = \"a\" }\n",
            "line 6, column 17: `a` is renamed to itself",
        ),
        (
            MIGRATION,
            "answers = { name = \"a\" }\n",
            "line 6, column 20: nobody could ever choose `name`",
        ),
        (
            MIGRATION,
            "parts = { a = \"b\" }\n",
            "line 6, column 15: there is no part `b`",
        ),
        (
            MIGRATION,
            "parts = { a = \"c\", b = \"c\" }\n",
            "line 6, column 24: two are renamed to `c`",
        ),
        (
            MIGRATION,
            "moves = [{ from = \"a\", to = \"../b\" }]\n",
            "line 6, column 29: the template's `../b` has `..` in its path",
        ),
        (
            MIGRATION,
            "moves = [{ from = \"/a/\", to = \"b/\" }]\n",
            "line 6, column 19: the template's `/a` is an absolute path",
        ),
        (
            MIGRATION,
            "moves = [{ from = \"a\", to = \".git/hooks/b\" }]\n",
            "line 6, column 29: the template's `.git/hooks/b` would be part of git's own directory",
        ),
        (
            MIGRATION,
            "moves = [{ from = \"a\", to = \"a\" }]\n",
            "line 6, column 29: it is moved to where it is",
        ),
        (
            MIGRATION,
            "moves = [{ from = \"a/\", to = \"b\" }]\n",
            "line 6, column 30: a directory becomes a directory: both end in `/`, or neither",
        ),
        (
            MIGRATION,
            "keys = [{ file = \"../a\", from = \"a\", to = \"b\" }]\n",
            "line 6, column 18: the template's `../a` has `..` in its path",
        ),
        (
            MIGRATION,
            "keys = [{ file = \"a\", from = \"a.\", to = \"b\" }]\n",
            "line 6, column 30: `a.` is no key of TOML",
        ),
        (
            MIGRATION,
            "keys = [{ file = \"a\", from = \"a.b\", to = \"a . b\" }]\n",
            "line 6, column 42: the key is moved to where it is",
        ),
        (
            MIGRATION,
            "keys = [{ file = \"a\", from = \"a.b\", to = \"a\" }]\n",
            "line 6, column 42: the key is moved to where its own table is",
        ),
        (
            MIGRATION,
            "run = [[]]\n",
            "line 6, column 8: there is nothing to run",
        ),
        (
            MIGRATION,
            "colour = 1\n",
            "line 6, column 1: unknown field `colour`, expected one of `version`, `note`, `answers`, `parts`, `moves`, `keys`, `run`",
        ),
        (
            DEPRECATION,
            "since = \"1.0\"\nfile = \"a\"\n",
            "line 6, column 9: a version is three numbers, such as 1.4.0",
        ),
        (
            DEPRECATION,
            "since = \"2.0.0\"\nfile = \"a\"\n",
            "line 6, column 9: 2.0.0 is newer than the template, which is 1.0.0",
        ),
        (
            DEPRECATION,
            "since = \"1.0.0\"\n",
            "line 6, column 9: a deprecation is of one thing: `answer`, `part` or `file`",
        ),
        (
            DEPRECATION,
            "since = \"1.0.0\"\npart = \"a\"\nfile = \"a\"\n",
            "line 6, column 9: a deprecation is of one thing: `answer`, `part` or `file`",
        ),
        (
            DEPRECATION,
            "since = \"1.0.0\"\nfile = \"a/../../b\"\n",
            "line 7, column 8: the template's `a/../../b` has `..` in its path",
        ),
    ] {
        let said = checked(&format!("{head}{rest}"), &[]);
        let wanted = format!("error: template.toml, {wanted}\n");
        assert!(
            said.stderr.starts_with(&wanted),
            "{rest}\n{}\n{wanted}",
            said.stderr
        );
        assert_eq!(said.code, 6, "{rest}");
    }
}

#[test]
fn all_mistakes_are_said_at_once() {
    let text = format!(
        "{MIGRATION}answers = {{ a = \"b\" }}\nmoves = [{{ from = \"\", to = \"a\" }}]\n\
         {DEPRECATION}since = \"1\"\nfile = \"a\"\n"
    );
    checked(&text, &[]).fails(
        6,
        "error: template.toml, line 7, column 19: the template's `` has no name\n\
         error: template.toml, line 6, column 17: nothing asks for `b`\n\
         error: template.toml, line 10, column 9: a version is three numbers, such as 1.4.0\n",
    );
}

#[test]
fn what_is_moved_to_nothing_may_be_meant() {
    let text = format!("{MIGRATION}moves = [{{ from = \"a\", to = \"b\" }}]\n");
    let odd = "warning: template.toml, line 6, column 30: nothing of the template is at `b`, \
        in `moves = [{ from = \"a\", to = \"b\" }]`\n";
    says(checked(&text, &[]), "no mistakes found\n", odd);
    says(
        checked(&text, &[("b.hbs", "b\n")]),
        "no mistakes found\n",
        "",
    );
    let text = format!("{MIGRATION}run = [[\"./migrate.sh\", \"x\"]]\n");
    checked(&text, &[]).fails(
        6,
        "error: template.toml, line 6, column 10: migration `./migrate.sh x` names no file of the \
         template, in `run = [[\"./migrate.sh\", \"x\"]]`\n",
    );
}

#[test]
fn commands_of_migrations_are_described_and_agreed_to() {
    let sandbox = Sandbox::new();
    let text = format!("{MIGRATION}run = [[\"touch\", \"a b\"]]\n");
    template(&sandbox, &text, &[]);
    let described = run(&sandbox, &["describe", "small"]).ok().stdout;
    let wanted = "\n  command touch 'a b', when updating to 1.0.0 or newer\n";
    assert!(described.contains(wanted), "{described}");
    let agreed = sandbox.run(["trust", "add", "small"]).ok();
    let agreed = format!("{}{}", agreed.stdout, agreed.stderr);
    assert!(agreed.contains("command `touch 'a b'`"), "{agreed}");
}
