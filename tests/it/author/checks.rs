//! `template check`: each mistake is found, named and placed; what is none is left alone.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{run, says, template};
use crate::sandbox::Sandbox;

/// Fails unless this is all that is said of the template, and it is a mistake.
#[track_caller]
fn mistakes(manifest: &str, files: &[(&str, &str)], stderr: &str) {
    let sandbox = Sandbox::new();
    template(&sandbox, manifest, files);
    run(&sandbox, &["check", "small"]).fails(6, stderr);
}

/// Fails unless this is all that is said of the template, and it is no mistake.
#[track_caller]
fn warnings(manifest: &str, files: &[(&str, &str)], stderr: &str) {
    let sandbox = Sandbox::new();
    template(&sandbox, manifest, files);
    let run = run(&sandbox, &["check", "small"]);
    says(run, "no mistakes found\n", stderr);
}

const STORE: &str = "[[questions]]\nname = \"store\"\ntype = \"one-of\"\nchoices = [\"none\", \"postgres\"]\ndefault = \"none\"\n";

#[test]
fn a_good_template_has_no_mistakes() {
    warnings("", &[], "");
    let readme = "{{name}} {{store}} $\\{{ github.sha }} ${{{env_prefix}}}\n{{#if (eq store \"none\")}}no{{/if}}\n";
    warnings(STORE, &[("README.md.hbs", readme)], "");
}

#[test]
fn unknown_variables_have_their_place() {
    let readme = "# {{name}}\n\n  by {{nmae}} \"and\" {{store}}\n";
    mistakes(
        "",
        &[("docs/README.md.hbs", readme)],
        "error: docs/README.md.hbs, line 3, column 6: unknown variable `nmae`, in `by {{nmae}} \"and\" {{store}}`\n\
         help: did you mean `name`?\n\
         error: docs/README.md.hbs, line 3, column 21: unknown variable `store`, in `by {{nmae}} \"and\" {{store}}`\n",
    );
    mistakes(
        "",
        &[("docs/{{crat}}/a.md", "text\n")],
        "error: docs/{{crat}}/a.md, line 1, column 1: unknown variable `crat`, in `{{crat}}`\n\
         help: did you mean `crate_name`?\n",
    );
}

#[test]
fn unknown_helpers_and_other_templates_are_named() {
    mistakes(
        "",
        &[
            ("a.hbs", "{{snakecase name}}\n"),
            ("b.hbs", "{{> header}}\n"),
        ],
        "error: a.hbs, line 1, column 1: unknown helper `snakecase`, in `{{snakecase name}}`\n\
         help: did you mean `snakeCase`?\n\
         error: b.hbs, line 1, column 1: there is no other template, such as `header`, to render here, in `{{> header}}`\n",
    );
}

#[test]
fn what_is_no_template_is_said() {
    let sandbox = Sandbox::new();
    template(&sandbox, "", &[("a.hbs", "one\n{{#if name}}\n")]);
    let run = run(&sandbox, &["check", "small"]);
    assert!(
        run.stderr.starts_with("error: a.hbs, line "),
        "{}",
        run.stderr
    );
    assert_eq!((run.code, run.stdout.as_str()), (6, ""));
}

#[test]
fn a_broken_manifest_is_told_at_once() {
    mistakes(
        "[[questions]]\nname = \"a\"\nregex = \"[a-\"\n[[questions]]\nname = \"port\"\n",
        &[],
        "error: template.toml, line 6, column 9: `[a-` is no regular expression: unclosed character class\n\
         error: template.toml, line 8, column 8: `port` is there without being asked for\n",
    );
}

#[test]
fn questions_nobody_uses_are_named() {
    warnings(
        STORE,
        &[],
        "warning: template.toml, line 5, column 9: nothing uses the answer to `store`, in `name = \"store\"`\n",
    );
    let used = "[[files]]\npath = \"a\"\nwhen = \"(eq store 'postgres')\"\n";
    warnings(&format!("{STORE}{used}"), &[("a", "")], "");
    let used = "[[questions]]\nname = \"url\"\ndefault = \"{{store}}:\"\n";
    warnings(&format!("{STORE}{used}"), &[("a.hbs", "{{url}}\n")], "");
}

#[test]
fn conditions_that_never_hold_are_mistakes() {
    let question = "[[questions]]\nname = \"url\"\ndefault = \"\"\nwhen = \"(eq store 'mysql')\"\n";
    mistakes(
        &format!("{STORE}{question}"),
        &[("a.hbs", "{{url}}{{store}}\n")],
        "error: template.toml, line 12, column 9: question `url`: `(eq store 'mysql')` can never hold, in `when = \"(eq store 'mysql')\"`\n",
    );
    let rule =
        "[[files]]\npath = \"a\"\nwhen = \"(and (eq store 'none') (eq store 'postgres'))\"\n";
    mistakes(
        &format!("{STORE}{rule}"),
        &[("a", "")],
        "error: template.toml, line 11, column 9: file `a`: `(and (eq store 'none') (eq store 'postgres'))` can never hold, in `when = \"(and (eq store 'none') (eq store 'postgres'))\"`\n",
    );
}

/// `deep` is only asked with a database, and then `store` cannot be `none`.
#[test]
fn conditions_are_tried_with_what_can_be_answered_together() {
    let nested = "[[questions]]\nname = \"deep\"\ntype = \"bool\"\ndefault = false\nwhen = \"(eq store 'postgres')\"\n";
    let rule = |when: &str| format!("{STORE}{nested}[[files]]\npath = \"a\"\nwhen = \"{when}\"\n");
    warnings(&rule("deep"), &[("a", "")], "");
    let never = "(and deep (eq store 'none'))";
    mistakes(
        &rule(never),
        &[("a", "")],
        &format!(
            "error: template.toml, line 16, column 9: file `a`: `{never}` can never hold, in `when = \"{never}\"`\n"
        ),
    );
}

/// A text can be anything, and so can a name.
#[test]
fn conditions_on_texts_are_left_alone() {
    let manifest = "[[questions]]\nname = \"region\"\ndefault = \"eu\"\n\
         [[files]]\npath = \"a\"\nwhen = \"(eq region 'us')\"\n\
         [[files]]\npath = \"a\"\nwhen = \"(eq name 'orders')\"\n";
    warnings(manifest, &[("a", "")], "");
}

#[test]
fn more_combinations_than_are_tried_are_said() {
    let mut manifest = String::new();
    let mut all = String::new();
    for number in 0..13 {
        manifest.push_str(&format!(
            "[[questions]]\nname = \"q{number}\"\ntype = \"bool\"\ndefault = true\n"
        ));
        all.push_str(&format!(" (eq q{number} 7)"));
    }
    manifest.push_str(&format!(
        "[[files]]\npath = \"a\"\nwhen = \"(and (and{all}) false)\"\n"
    ));
    let sandbox = Sandbox::new();
    template(&sandbox, &manifest, &[("a", "")]);
    let run = run(&sandbox, &["check", "small"]);
    let wanted = "does not hold in any of 4096 combinations that were tried, of more";
    assert!(run.stderr.contains(wanted), "{}", run.stderr);
}

#[test]
fn questions_depend_on_what_is_known_before_them() {
    mistakes(
        "[[questions]]\nname = \"a\"\ndefault = \"{{b}}\"\n\
         [[questions]]\nname = \"b\"\ndefault = \"{{port}}\"\n\
         [[questions]]\nname = \"c\"\ntype = \"integer\"\ndefault = \"{{name}}\"\n",
        &[("a.hbs", "{{a}}{{b}}{{c}}\n")],
        "error: template.toml, line 6, column 12: `b` is asked for later, in `default = \"{{b}}\"`\n\
         error: template.toml, line 9, column 12: unknown variable `port`, in `default = \"{{port}}\"`\n\
         error: template.toml, line 13, column 12: the default of `c` does not fit: expected a whole number, in `default = \"{{name}}\"`\n",
    );
}

/// An answer that may be missing, since nobody is asked for it.
#[test]
fn answers_that_may_be_missing_are_found_by_rendering() {
    let question = "[[questions]]\nname = \"url\"\nwhen = \"(eq store 'postgres')\"\n";
    mistakes(
        &format!("{STORE}{question}"),
        &[("a.hbs", "{{url}}\n")],
        "error: a.hbs, line 1, column 1: unknown variable `url`, in `{{url}}`, with store=none\n",
    );
    let guarded = "{{#if (eq store \"postgres\")}}{{url}}{{/if}}\n";
    warnings(&format!("{STORE}{question}"), &[("a.hbs", guarded)], "");
}

#[test]
fn globs_that_match_nothing_are_mistakes() {
    let parts = "[extra]\ndescription = \"\"\nfiles = [\"extra/**\"]\n";
    mistakes(
        "[[files]]\npath = \"migrations/**\"\nwhen = \"extra\"\n",
        &[("parts.toml", parts)],
        "error: parts.toml, line 3, column 11: `extra/**` of `extra` matches no file, in `files = [\"extra/**\"]`\n\
         error: template.toml, line 5, column 9: `migrations/**` matches no file of the template, in `path = \"migrations/**\"`\n",
    );
}

#[test]
fn files_that_become_one_are_mistakes() {
    mistakes(
        "",
        &[("a.md", "a\n"), ("a.md.hbs", "b\n")],
        "error: a.md.hbs: it becomes `a.md`, as `a.md` does\n",
    );
    mistakes(
        "",
        &[("README.md", "a\n"), ("Readme.md", "b\n")],
        "error: the template's `Readme.md` differs from `README.md` by case or composition alone\n",
    );
    mistakes(
        STORE,
        &[("a/{{store}}.md", "a\n"), ("a/none.md", "b\n")],
        "error: a/{{store}}.md: it becomes `a/none.md`, as `a/none.md` does, with store=none\n",
    );
}

/// Whichever is there, the other is not.
#[test]
fn files_that_never_meet_are_left_alone() {
    let rules = "[[files]]\npath = \"a.md\"\nwhen = \"(eq store 'none')\"\n\
         [[files]]\npath = \"a.md.hbs\"\nwhen = \"(ne store 'none')\"\n";
    let files = [("a.md", "a\n"), ("a.md.hbs", "b\n")];
    warnings(&format!("{STORE}{rules}"), &files, "");
}

#[test]
fn what_looks_templated_is_pointed_at() {
    warnings(
        "",
        &[
            ("ci.yml", "a\n  name: {{ name }}\n"),
            ("b.txt", "{{other}} {{#if name}}\n"),
        ],
        "warning: b.txt, line 1, column 11: `{{#if name}}` stays as it is: only `*.hbs` is rendered, in `{{other}} {{#if name}}`\n\
         help: name it `b.txt.hbs`, if it is meant for us\n\
         warning: ci.yml, line 2, column 9: `{{ name }}` stays as it is: only `*.hbs` is rendered, in `name: {{ name }}`\n\
         help: name it `ci.yml.hbs`, if it is meant for us\n",
    );
}

#[test]
fn what_is_githubs_is_pointed_at() {
    mistakes(
        "",
        &[("ci.yml.hbs", "a: ${{ github.sha }}\nb: ${{ name }}\n")],
        "warning: ci.yml.hbs, line 2, column 5: `${{` is taken for the variable `name` after a `$`, in `b: ${{ name }}`\n\
         help: for GitHub's own, write `$\\{{ … }}`\n\
         error: ci.yml.hbs, line 1, column 5: `${{` is taken for the variable `github`, which is unknown, in `a: ${{ github.sha }}`\n\
         help: for GitHub's own, write `$\\{{ … }}`\n",
    );
}

#[test]
fn names_that_mean_two_things_are_mistakes() {
    mistakes(
        "[[questions]]\nname = \"extra\"\ndefault = \"\"\n[[questions]]\nname = \"len\"\ndefault = \"\"\n",
        &[
            ("parts.toml", "[extra]\ndescription = \"\"\n"),
            ("a.hbs", "{{extra}}{{#if (eq len 1)}}{{/if}}\n"),
        ],
        "error: template.toml, line 5, column 9: question `extra` has the name of a part, in `name = \"extra\"`\n\
         error: template.toml, line 8, column 9: question `len` has the name of a helper, in `name = \"len\"`\n",
    );
}

#[test]
fn samples_are_of_known_parts() {
    mistakes(
        "[[samples]]\nname = \"a\"\nwith = [\"extar\"]\n[[samples]]\nname = \"a\"\n",
        &[
            ("parts.toml", "[extra]\ndescription = \"\"\n"),
            (".template/golden/b/README.md", "old\n"),
        ],
        "warning: .template/golden/b: there is no sample of this name\n\
         error: template.toml, line 5, column 9: sample `a`: there is no part `extar`, in `name = \"a\"`\n\
         error: template.toml, line 5, column 9: there are two samples `a`, in `name = \"a\"`\n",
    );
}

#[test]
fn hooks_name_programs_that_are_there() {
    let manifest = "[[hooks]]\nrun = [\"./setup.sh\", \"-x\"]\n[[hooks]]\nrun = [\"./gone.sh\"]\n\
         [[hooks]]\nrun = [\"no-such-program\"]\n[[hooks]]\nrun = [\"sh\", \"-c\", \":\"]\n";
    mistakes(
        manifest,
        &[("setup.sh", "#!/bin/sh\n")],
        "warning: template.toml, line 9, column 9: hook `no-such-program`: there is no program `no-such-program` here, in `run = [\"no-such-program\"]`\n\
         error: template.toml, line 5, column 9: hook `./setup.sh -x`: `setup.sh` cannot be run, in `run = [\"./setup.sh\", \"-x\"]`\n\
         help: chmod +x setup.sh\n\
         error: template.toml, line 7, column 9: hook `./gone.sh` names no file of the template, in `run = [\"./gone.sh\"]`\n",
    );
    let sandbox = Sandbox::new();
    let manifest = "[[hooks]]\nrun = [\"./setup.sh\"]\n";
    let dir = template(&sandbox, manifest, &[("setup.sh", "#!/bin/sh\n")]);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(dir.join("setup.sh"), mode).expect("a mode");
    says(
        run(&sandbox, &["check", "small"]),
        "no mistakes found\n",
        "",
    );
}

#[test]
fn nothing_of_a_template_reaches_the_terminal_as_it_is() {
    let path = "[[files]]\npath = \"\\u001B2J\\u202E\"\nwhen = \"true\"\n";
    mistakes(
        path,
        &[("a.hbs", "{{nobody}} \x1b[31m\n")],
        "error: a.hbs, line 1, column 1: unknown variable `nobody`, in `{{nobody}} \\u{1b}[31m`\n\
         error: template.toml, line 1, column 1: `\\u{1b}2J\\u{202e}` matches no file of the template, in `[template]`\n",
    );
}

#[test]
fn findings_are_there_for_programs() {
    let sandbox = Sandbox::new();
    template(&sandbox, "", &[("a.hbs", "{{nmae}}\n")]);
    let run = run(&sandbox, &["check", "small", "--format", "json"]);
    let lines = run.stdout.lines().map(|line| {
        let mut line = serde_json::from_str::<serde_json::Value>(line).expect("JSON");
        line.as_object_mut().expect("an object").remove("ms");
        line
    });
    let finding = serde_json::json!({
        "event": "finding", "file": "a.hbs", "line": 1, "column": 1, "level": "error",
        "rule": "unknown-variable", "message": "unknown variable `nmae`", "text": "{{nmae}}",
        "help": "did you mean `name`?"
    });
    let message = "a.hbs, line 1, column 1: unknown variable `nmae`, in `{{nmae}}`";
    let error = serde_json::json!({
        "kind": "template", "message": message, "help": "did you mean `name`?"
    });
    let result = serde_json::json!({
        "event": "result", "status": "failed", "exit_code": 6, "errors": [error]
    });
    assert_eq!(lines.collect::<Vec<_>>(), [finding, result]);
    assert_eq!(run.code, 6);
}

#[test]
fn what_is_no_directory_is_refused() {
    let sandbox = Sandbox::new();
    run(&sandbox, &["check", "gone"]).fails(
        2,
        "error: `[ROOT]/work/gone` is no directory\nhelp: generate-service template new '[ROOT]/work/gone'\n",
    );
    sandbox.write("work/empty/README.md", "");
    assert_eq!(run(&sandbox, &["check", "empty"]).code, 6);
    assert!(Path::new(&sandbox.work()).join("empty").is_dir());
}

/// Their mistakes are those that `cargo generate` makes in silence.
#[test]
fn templates_of_cargo_generate_are_looked_at_as_they_are_rendered() {
    let sandbox = Sandbox::new();
    let file = |path: &str, text: &[u8]| {
        let path = sandbox.write(format!("work/cg/{path}"), "");
        std::fs::write(path, text).expect("a file");
    };
    file(
        "cargo-generate.toml",
        b"[template]\nexclude = [\"*.ico\"]\n[placeholders]\nused = { prompt = \"U\", type = \"string\", default = \"x\" }\nidle = { prompt = \"I\", type = \"string\" }\n",
    );
    file("Cargo.toml", b"[package]\nname = \"{{project-name}}\"\n");
    file("a.md", b"{{used}}\n  {{nobody}}\n");
    file("ci.yml", b"${{ secrets.X }}\n");
    file("good.ico", b"\xff\xfe");
    file("bad.png", b"one\n\xff\xfe");
    file("raw.yml", b"{% raw %}${{ matrix }}{% endraw %}\n");
    let run = run(&sandbox, &["check", "cg"]);
    assert_eq!(
        run.stderr,
        "warning: cargo-generate.toml, line 5, column 1: the placeholder `idle` has no default, so everybody has to answer, in `idle = { prompt = \"I\", type = \"string\" }`\n\
         warning: cargo-generate.toml, line 5, column 1: nothing uses the placeholder `idle`, in `idle = { prompt = \"I\", type = \"string\" }`\n\
         error: a.md, line 2, column 3: unknown variable `nobody`, which cargo-generate renders as nothing, in `{{nobody}}`\n\
         error: bad.png: line 2, column 1: the byte 0xff is not UTF-8, so this is no text to render\n\
         help: in `[template]` of cargo-generate.toml: exclude = [\"bad.png\"]\n\
         error: ci.yml, line 1, column 1: `${{` is taken for a placeholder of liquid, in `${{ secrets.X }}`\n\
         help: put it between `{% raw %}` and `{% endraw %}`\n"
    );
    assert_eq!(run.code, 6);
}
