//! The rules of the map in `src/lib.rs`, each of them mechanical.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A source file: its module, `repo` for `repo.rs` as for all below `repo/`, and its code.
struct Source {
    path: PathBuf,
    module: String,
    code: String,
}

/// The sources of the program, without their comments.
fn sources() -> Vec<Source> {
    let src = root().join("src");
    let entries = walkdir::WalkDir::new(&src).sort_by_file_name();
    let paths = entries
        .into_iter()
        .map(|entry| entry.expect("a file").into_path());
    let rust = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|path| {
        let text = fs::read_to_string(&path).expect("a text");
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let code = lines.collect::<Vec<_>>().join("\n");
        let below = path.strip_prefix(&src).expect("below it");
        let module = below.iter().next().and_then(|part| part.to_str());
        let module = module.expect("a name").trim_end_matches(".rs").to_owned();
        Source { path, module, code }
    })
    .collect()
}

/// The modules whose code has one of `words` in it, as a word.
fn modules_that_say(words: &[&str]) -> BTreeSet<String> {
    let say = |code: &str, word: &str| {
        code.match_indices(word).any(|(at, _)| {
            let part = |c: char| c.is_alphanumeric() || c == '_';
            !code[..at].ends_with(part)
                && (word.ends_with([')', ':']) || !code[at + word.len()..].starts_with(part))
        })
    };
    let sources = sources().into_iter();
    let sources = sources.filter(|source| words.iter().any(|word| say(&source.code, word)));
    sources.map(|source| source.module).collect()
}

#[track_caller]
fn only(module: &str, words: &[&str]) {
    let modules = modules_that_say(words);
    assert_eq!(modules, BTreeSet::from([module.to_owned()]), "{words:?}");
}

#[test]
fn each_crate_of_the_map_is_named_by_one_module() {
    only("args", &["clap", "clap_complete", "clap_mangen"]);
    only("ask", &["dialoguer"]);
    only("fill", &["handlebars"]);
    only("interrupt", &["signal_hook"]);
    only("ports", &["atlas::"]);
    only("repo", &["git2"]);
    only("report", &["indicatif"]);
    only("client", &["ureq"]);
    only("source", &["tar::", "zip::"]);
    only("cache", &["xxhash_rust"]);
    only("child", &["landlock"]);
    only(
        "foreign",
        &["cargo_generate", "rhai::", "liquid::", "heck", "ignore::"],
    );
    only("parts", &["syn::", "proc_macro2"]);
    only("author", &["similar"]);
}

#[test]
fn only_the_report_prints() {
    only("report", &["stdout()", "stderr()"]);
    let macros = ["println!", "print!", "eprintln!", "eprint!", "dbg!"];
    assert_eq!(modules_that_say(&macros), BTreeSet::new());
}

#[test]
fn only_the_questions_read_standard_input() {
    only("ask", &["stdin()"]);
}

/// `wrap` becomes a program, which is not to start one.
#[test]
fn only_one_module_starts_programs() {
    let starting = |source: &Source| {
        let calls = [".spawn()", ".output()", ".status()"];
        let starts = calls.iter().any(|call| source.code.contains(call));
        starts && source.code.contains("Command")
    };
    let sources = sources().into_iter().filter(starting);
    let modules = sources.map(|source| source.module).collect::<Vec<_>>();
    assert_eq!(modules, ["process"]);
}

/// They are told everything they need.
#[test]
fn the_pure_modules_do_no_io() {
    let words = ["fs::", "env::", "net::", "File::", "Command", "OpenOptions"];
    let busy = modules_that_say(&words);
    for pure in ["name", "plan", "fill", "stamp"] {
        assert!(!busy.contains(pure), "{pure}");
    }
}

#[test]
fn every_module_is_on_the_map() {
    let text = fs::read_to_string(root().join("src/lib.rs")).expect("the map");
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! | `"));
    let rows = rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned()));
    let files = sources().into_iter().map(|source| source.module);
    let files = files.filter(|module| module != "lib" && module != "main");
    assert_eq!(
        rows.collect::<BTreeSet<_>>(),
        files.collect::<BTreeSet<_>>()
    );
}

/// A file that nobody names is a file that nobody compiles.
#[test]
fn no_file_is_forgotten() {
    for (dir, main) in [
        ("src", "lib.rs"),
        ("tests/it", "main.rs"),
        ("atlas/tests/it", "main.rs"),
        ("sidecar/tests/it", "main.rs"),
    ] {
        let dir = root().join(dir);
        let text = fs::read_to_string(dir.join(main)).expect("a text");
        // One that is shared with another crate says where it is.
        let before = std::iter::once("").chain(text.lines());
        let lines = text.lines().zip(before);
        let here = lines.filter(|(_, before)| !before.starts_with("#[path"));
        let named = here
            .filter_map(|(line, _)| line.trim_start_matches("pub ").strip_prefix("mod "))
            .map(|line| line.trim_end_matches(';').to_owned());
        let entries = fs::read_dir(&dir).expect("a directory");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let rust = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
        let stems = rust.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
        let there = stems.filter(|stem| stem != "lib" && stem != "main");
        assert_eq!(
            there.collect::<BTreeSet<_>>(),
            named.collect::<BTreeSet<_>>()
        );
    }
}

/// The longest file is one that can still be read in a sitting.
#[test]
fn no_source_grows_out_of_hand() {
    for source in sources() {
        let lines = source.code.lines().count();
        assert!(lines <= 400, "{}: {lines} lines", source.path.display());
    }
}
