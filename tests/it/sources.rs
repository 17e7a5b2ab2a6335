//! Where a template comes from: what is understood, what is got, and what is kept of it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::Duration;

use generate_service::error::Kind;
use generate_service::source::{Source, Want, parse};

use crate::live::Live;
use crate::origin::{Answer, Origin, Wish};
use crate::sandbox::{Run, Sandbox, script, snapshot, until};
use crate::terminal::Terminal;

/// A source, and what is understood by it.
#[test]
fn what_is_typed_is_understood() {
    let git = |url: &str| format!("Git {{ url: {url:?}, want: Default }}");
    for (typed, meant) in [
        ("./x", "Directory(\"/base/./x\")".to_owned()),
        ("x", "Directory(\"/base/x\")".to_owned()),
        ("/x/y", "Directory(\"/x/y\")".to_owned()),
        ("./a:b", "Directory(\"/base/./a:b\")".to_owned()),
        ("x.TAR.gz", "Archive(\"/base/x.TAR.gz\")".to_owned()),
        ("/x.tgz", "Archive(\"/x.tgz\")".to_owned()),
        ("x.tar", "Archive(\"/base/x.tar\")".to_owned()),
        ("x.zip", "Archive(\"/base/x.zip\")".to_owned()),
        ("https://h/o/r.git", git("https://h/o/r.git")),
        ("HTTPS://h:8443/o/r", git("https://h:8443/o/r")),
        ("http://[::1]:80/r", git("http://[::1]:80/r")),
        ("ssh://git@h/r", git("ssh://***@h/r")),
        ("git://h/r", git("git://h/r")),
        ("file:///x/y/", git("file:///x/y")),
        ("git@h:o/r.git", git("git@h:o/r.git")),
        ("host:r", git("host:r")),
        ("gh:o/r", git("https://github.com/o/r.git")),
        ("gh:o/r.git", git("https://github.com/o/r.git")),
        ("gl:o/r", git("https://gitlab.com/o/r.git")),
        ("bb:o/r", git("https://bitbucket.org/o/r.git")),
        ("sr:~o/r", git("https://git.sr.ht/~o/r")),
    ] {
        let parsed = parse(typed, Path::new("/base"), Want::Default).expect(typed);
        assert_eq!(format!("{:?}", parsed.source), meant);
        assert_eq!(parsed.subfolder, None);
    }
    let parsed = parse("gh:o/r/a/b/", Path::new("/"), Want::Default).expect("a source");
    assert_eq!(parsed.subfolder.as_deref(), Some("a/b"));
    let parsed = parse("x", Path::new("/base"), Want::Tag("v1".to_owned())).expect("a source");
    let (url, want) = ("/base/x".to_owned(), Want::Tag("v1".to_owned()));
    assert_eq!(parsed.source, Source::Git { url, want });
}

/// A source that is none, and why.
const NONE: &[(&str, &str)] = &[
    ("", "is empty"),
    (" ", "is empty"),
    ("--upload-pack=touch x", "begins with `-`"),
    ("-x", "begins with `-`"),
    ("ext::sh -c touch% x", "names a helper program"),
    ("fd::17/x", "names a helper program"),
    ("ext::https://h/r", "names a helper program"),
    ("https://h/r\0", "nobody can see"),
    ("x\n", "nobody can see"),
    ("x\u{202e}y", "nobody can see"),
    ("https://h/r\u{200b}", "nobody can see"),
    ("ftp://h/r", "scheme that is not known"),
    ("ext://h/r", "scheme that is not known"),
    ("ssh+git://h/r", "scheme that is not known"),
    ("://h/r", "scheme that is not known"),
    ("ssh://-oProxyCommand=touch/x", "begins with `-`"),
    ("ssh://-oProxyCommand=touch@h/x", "begins with `-`"),
    (
        "ssh://%2doProxyCommand=touch/x",
        "no host that could be one",
    ),
    ("-oProxyCommand=touch:x", "begins with `-`"),
    ("git@-oProxyCommand=touch:x", "begins with `-`"),
    ("git@h:-x", "names no repository"),
    ("host:", "names no repository"),
    ("https://h", "names no repository"),
    ("https://h/", "names no repository"),
    ("https:///r", "no host that could be one"),
    ("https://h:port/r", "no host that could be one"),
    ("https://h o/r", "has a space"),
    ("https://h/a b", "has a space"),
    ("git@h:a b", "has a space"),
    ("https://h/r?token=x", "has a `?` or `#`"),
    ("https://h/r#x", "has a `?` or `#`"),
    ("https://h/%0a", "is not well escaped"),
    ("https://h/%zz", "is not well escaped"),
    ("https://h/%", "is not well escaped"),
    ("https://h/%+1", "is not well escaped"),
    ("https://h/x.tar.gz", "is an archive on another machine"),
    ("file://h/x", "is not an absolute path"),
    ("file://./x", "is not an absolute path"),
    ("file://", "is not an absolute path"),
    ("file:x", "lacks the `//`"),
    ("https:h/r", "lacks the `//`"),
    ("C:\\x", "is a path on a drive"),
    ("c:/x", "is a path on a drive"),
    ("gh:o", "names no repository"),
    ("gh:", "names no repository"),
    ("gh:-o/r", "names no repository"),
    ("gh:../r", "names no repository"),
    ("gh:o/r@x", "names no repository"),
    ("gh:o/r/../x", "folder that no template can have"),
    ("gh:o/r//x", "folder that no template can have"),
    ("user:secret@h:r", "seems to hold a password"),
];

#[test]
fn what_cannot_be_a_source_is_refused() {
    for &(typed, why) in NONE {
        let error = parse(typed, Path::new("/base"), Want::Default).expect_err(typed);
        assert_eq!(error.kind, Kind::Usage, "{typed:?}");
        assert!(error.message.contains(why), "{typed:?}: {}", error.message);
        assert!(!error.message.contains(char::is_control), "{typed:?}");
    }
}

#[test]
fn what_git_does_not_allow_is_not_wanted() {
    let names = [
        "",
        "-x",
        "--upload-pack=x",
        "a..b",
        "a b",
        "a:b",
        "a\nb",
        "a\0b",
        "a~1",
        "a^",
        "a?",
        "a*",
        "[a",
        "a\\b",
        "/a",
        "a/",
        "a//b",
        "a.lock",
        "a/.b",
        "a.",
        "@{-1}",
    ];
    let both = names.map(|name| [Want::Branch(name.into()), Want::Tag(name.into())]);
    let revs = [
        "", "abc", "HEAD", "main", "abcg", "-abc", "abcd:x", "abcd..ef",
    ];
    let long = Want::Rev("a".repeat(41));
    let revs = revs.map(|rev| Want::Rev(rev.into()));
    for want in both.into_iter().flatten().chain(revs).chain([long]) {
        let error = parse("gh:o/r", Path::new("/"), want.clone()).expect_err(&want.to_string());
        assert_eq!(error.kind, Kind::Usage, "{want:?}");
        assert!(!error.message.contains(char::is_control), "{want:?}");
    }
    for want in [
        Want::Branch("feature/x".into()),
        Want::Tag("v1.0-rc.1".into()),
        Want::Rev("ABCD".into()),
    ] {
        parse("gh:o/r", Path::new("/"), want).expect("it is allowed");
    }
    let error = parse("x.zip", Path::new("/"), Want::Tag("v1".into())).expect_err("an archive");
    assert!(error.message.contains("no branches"), "{error}");
}

/// Whatever a URL holds in front of its host is seen nowhere.
#[test]
fn passwords_are_shown_nowhere() {
    for typed in [
        "https://user:s3cret@127.0.0.1:1/o/r",
        "https://s3cret@127.0.0.1:1/o/r",
        "http://:s3cret@127.0.0.1:1/o/r",
        "ssh://user:s3cret@127.0.0.1:1/o/r",
        "https://user:s3cret@h/r?x",
        "https://user:s3/cret@h/r",
        "https://user:s3cret @h/r",
        "ftp://user:s3cret@h/r",
        "user:s3cret@h:r",
        "user:s3/cret@h:r",
    ] {
        let sandbox = Sandbox::new();
        let answer = Wish::new(&sandbox, typed).get();
        assert_ne!(answer.text("error"), "", "{typed}");
        for secret in ["s3cret", "s3", "cret"] {
            let said = answer.said.to_string();
            assert!(!said.contains(secret), "{typed}: {said}");
        }
        if let Ok(parsed) = parse(typed, Path::new("/"), Want::Default) {
            assert!(!format!("{parsed:?}").contains("s3"), "{typed}");
        }
        for (path, (_, _, bytes)) in snapshot(&sandbox.root()) {
            assert!(
                !String::from_utf8_lossy(&bytes).contains("s3cret"),
                "{path:?}"
            );
        }
    }
}

/// What is in a directory is what git would commit there, but for what builds have left.
#[test]
fn a_directory_is_read_as_it_is() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    origin.commit("src/{{ name | snake_case }}.rs", "fn main() {}\n");
    origin.commit(".gitignore", "ignored\n");
    origin.commit("ignored", "for whoever is generated\n");
    let run = origin.dir.join("src/run");
    fs::write(&run, "#!/bin/sh\n").expect("a file");
    fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).expect("its mode");
    let tree = origin.commit("é", "é\n");
    let tree = origin.git(&["rev-parse", &format!("{tree}^{{tree}}")]);
    let tag = "work/template/target/CACHEDIR.TAG";
    sandbox.write(
        tag,
        "Signature: 8a477f597d28d172789f06886806bc55\n# cargo\n",
    );
    sandbox.write("work/template/target/debug/large", "x");
    fs::create_dir(origin.dir.join("empty")).expect("a directory");
    fs::hard_link(origin.dir.join("é"), sandbox.work().join("other")).expect("a link");

    let answer = Wish::new(&sandbox, "template").get().ok();
    assert_eq!(answer.text("tree"), tree);
    assert_eq!(answer.text("id"), origin.dir.display().to_string());
    assert_eq!(answer.list("executable"), ["src/run"]);
    assert!(answer.list("warnings").is_empty());
    assert_eq!(answer.said["commit"], serde_json::Value::Null);
    let files = [
        ".gitignore",
        "README.md",
        "ignored",
        "src/run",
        "src/{{ name | snake_case }}.rs",
        "é",
    ];
    assert_eq!(answer.list("files"), files);
    symlink("src/run", origin.dir.join("link")).expect("a link");
    symlink("../target", origin.dir.join("src/dir")).expect("a link");
    let answer = Wish::new(&sandbox, "template").get().ok();
    assert_eq!(answer.text("tree"), tree);
    let warnings = [
        "the symbolic link `link` is left out",
        "the symbolic link `src/dir` is left out",
    ];
    assert_eq!(answer.list("warnings"), warnings);
}

/// The same commit, however it is packed and wherever it lies.
#[test]
fn one_tree_from_every_kind_of_source() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    origin.commit("src/main.rs", "fn main() {}\n");
    let long = format!("{}{}", "deep/".repeat(30), "n".repeat(120));
    let commit = origin.commit(&long, "far away\n");
    let tree = origin.git(&["rev-parse", "HEAD^{tree}"]);
    pack(&sandbox, &origin);
    let got = |text: &str, commit: &str| {
        let answer = Wish::new(&sandbox, text).get().ok();
        assert_eq!(answer.text("tree"), tree, "{text}");
        assert_eq!(answer.text("commit"), commit, "{text}");
    };
    let bare = format!("file://{}", sandbox.work().join("bare").display());
    for text in ["bare", &origin.url(), &bare] {
        got(text, &commit);
    }
    for text in [
        "template", "a.tar.gz", "b.tgz", "c.tar", "d.zip", "e.tar.gz", "f.tar", "g.tar.gz",
    ] {
        got(text, "");
    }
}

/// The template in `origin`, in every way that people pack one.
fn pack(sandbox: &Sandbox, origin: &Origin) {
    let work = sandbox.work();
    let path = |name: &str| work.join(name).display().to_string();
    origin.git(&["clone", "--quiet", "--bare", ".", &path("bare")]);
    for (name, prefix) in [
        ("a.tar.gz", "--prefix=template-1/"),
        ("b.tgz", "--prefix="),
        ("c.tar", "--prefix=x/"),
        ("d.zip", "--prefix=template-1/"),
    ] {
        origin.git(&["archive", "-o", &path(name), prefix, "HEAD"]);
    }
    let tar = |words: &[&str]| {
        let mut tar = sandbox.command("tar");
        Run::of(tar.arg("--exclude=.git").args(words).current_dir(&work)).ok();
    };
    tar(&["-czf", "e.tar.gz", "-C", "template", "."]);
    tar(&["--format=pax", "-cf", "f.tar", "template"]);
    symlink("a.tar.gz", work.join("g.tar.gz")).expect("a link");
}

#[test]
fn a_branch_a_tag_and_a_commit() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    let first = origin.git(&["rev-parse", "HEAD"]);
    origin.git(&["tag", "--annotate", "--message", "one", "v1"]);
    origin.git(&["checkout", "--quiet", "-b", "feature/x"]);
    let second = origin.commit("second", "2\n");
    origin.git(&["tag", "light"]);
    let hidden = origin.commit("hidden", "3\n");
    origin.git(&["reset", "--quiet", "--hard", &second]);
    origin.git(&["checkout", "--quiet", "main"]);
    let third = origin.commit("third", "3\n");
    for url in [origin.url(), origin.dir.display().to_string()] {
        for (kind, name, commit) in [
            ("branch", "main", &*third),
            ("branch", "feature/x", &second),
            ("tag", "v1", &first),
            ("tag", "light", &second),
            ("rev", &second, &second),
            ("rev", &first[..7], &first),
            ("rev", &third[..4], &third),
        ] {
            let answer = Wish::new(&sandbox, &url).want(kind, name).get().ok();
            assert_eq!(answer.text("commit"), commit, "{kind} {name}");
            let tree = origin.git(&["rev-parse", &format!("{commit}^{{tree}}")]);
            assert_eq!(answer.text("tree"), tree, "{kind} {name}");
            assert_eq!(answer.text("id"), url);
        }
    }
    let url = origin.url();
    let answer = Wish::new(&sandbox, &url).get().ok();
    assert_eq!(answer.text("commit"), third);
    for (kind, name) in [("branch", "v1"), ("tag", "main"), ("branch", "mai")] {
        let answer = Wish::new(&sandbox, &url).want(kind, name).get();
        answer.refused("fetch", &format!("has no {kind} `{name}`"));
    }
    let nowhere = "0123456789012345678901234567890123456789";
    for rev in [nowhere, &nowhere[..9]] {
        let answer = Wish::new(&sandbox, &url).want("rev", rev).get();
        answer.refused("fetch", &format!("has no commit `{rev}`"));
    }
    // No reference leads there any more, but it can be named.
    let answer = Wish::new(&sandbox, &url).want("rev", &hidden).get().ok();
    assert_eq!(answer.text("commit"), hidden);
}

#[test]
fn what_is_no_repository_has_no_branches() {
    let sandbox = Sandbox::new();
    sandbox.write("work/plain/file", "x");
    let answer = Wish::new(&sandbox, "plain").want("branch", "main").get();
    answer.refused("usage", "is no git repository, so it has no branch `main`");
    let url = format!("file://{}", sandbox.work().join("plain").display());
    Wish::new(&sandbox, &url)
        .get()
        .refused("fetch", "is no git repository");
    Wish::new(&sandbox, "absent")
        .get()
        .refused("fetch", "no such file");
    Wish::new(&sandbox, "absent.zip")
        .get()
        .refused("fetch", "no such file");
    let empty = sandbox.work().join("empty");
    Run::of(sandbox.command("git").args(["init", "--quiet"]).arg(&empty)).ok();
    let url = format!("file://{}", empty.display());
    Wish::new(&sandbox, &url)
        .get()
        .refused("fetch", "has no default branch");
}

/// The default branch is looked up every time, but nothing is fetched twice.
#[test]
fn a_new_commit_is_seen_by_the_next_run() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    let url = origin.url();
    let first = Wish::new(&sandbox, &url).get().ok();
    let kept = snapshot(&sandbox.root().join("cache"));
    let again = Wish::new(&sandbox, &url).get().ok();
    assert_eq!(again.text("commit"), first.text("commit"));
    assert_eq!(snapshot(&sandbox.root().join("cache")), kept);
    let commit = origin.commit("new", "new\n");
    let second = Wish::new(&sandbox, &url).get().ok();
    assert_eq!(second.text("commit"), commit);
    assert_eq!(
        Wish::new(&sandbox, &url)
            .offline()
            .get()
            .ok()
            .text("commit"),
        commit
    );
    // A branch that another one was made of costs no fetch either: git is not even there.
    origin.git(&["branch", "other"]);
    let other = Wish::new(&sandbox, &url).want("branch", "other");
    assert_eq!(
        other.env("PATH", "/nowhere").get().ok().text("commit"),
        commit
    );
}

#[test]
fn what_was_fetched_outlives_its_origin() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    origin.git(&["tag", "v1"]);
    let url = origin.url();
    let got = Wish::new(&sandbox, &url).get().ok();
    let commit = got.text("commit").to_owned();
    Wish::new(&sandbox, &url).want("tag", "v1").get().ok();
    fs::rename(&origin.dir, sandbox.work().join("away")).expect("it moves");

    let same = |answer: Answer| {
        assert_eq!(answer.text("commit"), commit);
        assert_eq!(answer.text("tree"), got.text("tree"));
    };
    let wish = || Wish::new(&sandbox, &url);
    same(wish().offline().get().ok());
    same(wish().want("tag", "v1").offline().get().ok());
    same(wish().want("rev", &commit).get().ok());
    same(wish().want("rev", &commit[..8]).get().ok());
    same(wish().want("rev", &commit[..8]).offline().get().ok());
    let answer = wish().get();
    answer.refused("fetch", "is no git repository");
    assert!(answer.text("help").contains("--offline"), "{}", answer.said);
    let answer = wish().want("branch", "main").get();
    assert!(
        !answer.text("help").contains("--offline"),
        "{}",
        answer.said
    );
    for (kind, name) in [("branch", "main"), ("rev", "0123456")] {
        let answer = wish().want(kind, name).offline().get();
        answer.refused("fetch", "is not in the cache");
        assert!(answer.text("help").contains("--offline"), "{}", answer.said);
    }
}

/// Whatever says `https` or `ssh` goes through the user's own git.
#[test]
fn git_rewrites_urls_as_it_is_configured_to() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    let commit = origin.git(&["rev-parse", "HEAD"]);
    origin.git(&["tag", "--annotate", "--message", "one", "v1"]);
    let base = sandbox.work().display().to_string();
    let config = format!("[url \"file://{base}/\"]\n\tinsteadOf = https://example.invalid/team/\n");
    sandbox.write("home/.gitconfig", &config);
    let url = "https://user:s3cret@example.invalid/team/template";
    Wish::new(&sandbox, url)
        .get()
        .refused("fetch", "cannot reach");
    let url = "https://example.invalid/team/template";
    for (kind, name) in [
        ("", ""),
        ("branch", "main"),
        ("tag", "v1"),
        ("rev", &commit[..9]),
    ] {
        let answer = Wish::new(&sandbox, url).want(kind, name).get().ok();
        assert_eq!(answer.text("commit"), commit, "{kind} {name}");
        assert_eq!(answer.text("id"), url);
    }
    let answer = Wish::new(&sandbox, url).want("branch", "absent").get();
    answer.refused("fetch", "has no branch `absent`");
    let new = origin.commit("new", "new\n");
    let answer = Wish::new(&sandbox, url).human().get().ok();
    assert_eq!(answer.text("commit"), new);
    // The variables of continuous integration say the same as the file.
    fs::remove_file(sandbox.home().join(".gitconfig")).expect("the file");
    let key = format!("url.file://{base}/.insteadOf");
    let wish = Wish::new(&sandbox, url).env("GIT_CONFIG_COUNT", "1");
    let wish = wish.env("GIT_CONFIG_KEY_0", key);
    wish.env("GIT_CONFIG_VALUE_0", "https://example.invalid/team/")
        .get()
        .ok();
}

/// As `ssh` is configured, so are templates fetched; here it is a script.
#[test]
fn ssh_is_the_users_own() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    let commit = origin.git(&["rev-parse", "HEAD"]);
    let log = sandbox.root().join("log");
    let text = format!("echo \"$@\" >> '{}'\nshift\neval \"$1\"\n", log.display());
    let ssh = script(&sandbox, "ssh", &text);
    let path = origin.dir.display();
    for url in [
        format!("ssh://git@example.invalid{path}"),
        format!("git@example.invalid:{path}"),
    ] {
        let wish = Wish::new(&sandbox, &url).env("GIT_SSH", &ssh);
        let answer = wish.env("GIT_SSH_VARIANT", "simple").get().ok();
        assert_eq!(answer.text("commit"), commit);
        assert_eq!(answer.text("id"), url);
    }
    let log = fs::read_to_string(log).expect("what ssh was told");
    let host = "git@example.invalid git-upload-pack";
    assert_eq!(
        log.lines().filter(|line| line.starts_with(host)).count(),
        4,
        "{log}"
    );
}

/// What a program around us says of its own repository is not said of the template's.
#[test]
fn variables_of_another_repository_do_not_matter() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    let other = Origin::new(&sandbox, "other");
    other.commit("other", "x");
    let before = snapshot(&other.dir);
    let mut wish = Wish::new(&sandbox, &origin.url());
    for name in [
        "GIT_DIR",
        "GIT_COMMON_DIR",
        "GIT_OBJECT_DIRECTORY",
        "GIT_WORK_TREE",
    ] {
        wish = wish.env(name, other.dir.join(".git"));
    }
    let wish = wish.env("GIT_INDEX_FILE", other.dir.join(".git/index"));
    let answer = wish.env("GIT_NAMESPACE", "x").get().ok();
    assert_eq!(answer.text("commit"), origin.git(&["rev-parse", "HEAD"]));
    assert_eq!(snapshot(&other.dir), before);
}

#[test]
fn without_git_what_is_on_this_machine_is_fetched_all_the_same() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    origin.git(&["tag", "--annotate", "--message", "one", "v1"]);
    let first = origin.git(&["rev-parse", "HEAD"]);
    let commit = origin.commit("second", "2\n");
    let url = origin.url();
    for (kind, name, commit) in [
        ("", "", &*commit),
        ("tag", "v1", &first),
        ("rev", &first, &first),
        ("rev", &first[..6], &first),
    ] {
        let sandbox = Sandbox::new();
        let wish = Wish::new(&sandbox, &url).want(kind, name);
        let answer = wish.env("PATH", "/nowhere").get().ok();
        assert_eq!(answer.text("commit"), commit, "{kind} {name}");
    }
    let wish = Wish::new(&sandbox, "https://example.invalid/r").env("PATH", "/nowhere");
    wish.get().refused("tool", "without the `git` program");
}

#[test]
fn submodules_are_left_out_by_name() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    let canary = sandbox.root().join("canary");
    let modules = format!(
        "[submodule \"a\"]\n\tpath = a\n\turl = ext::sh -c touch% {0}\n\
         [submodule \"b\"]\n\tpath = b\n\turl = file:///\n\tupdate = !touch {0}\n",
        canary.display()
    );
    let head = origin.git(&["rev-parse", "HEAD"]);
    for name in ["a", "b"] {
        let entry = format!("160000,{head},{name}");
        origin.git(&["update-index", "--add", "--cacheinfo", &entry]);
    }
    fs::write(origin.dir.join(".gitmodules"), modules).expect("a file");
    origin.git(&["add", ".gitmodules"]);
    origin.git(&["commit", "--quiet", "--message", "modules"]);
    let config = "[submodule]\n\trecurse = true\n[fetch]\n\trecurseSubmodules = true\n";
    sandbox.write("home/.gitconfig", config);
    let answer = Wish::new(&sandbox, &origin.url()).get().ok();
    assert_eq!(answer.list("files"), [".gitmodules", "README.md"]);
    let warnings = [
        "the submodule `a` is left out",
        "the submodule `b` is left out",
    ];
    assert_eq!(answer.list("warnings"), warnings);
    assert!(!canary.exists());
}

/// The hooks that a user has for repositories of theirs say nothing to the cache's.
#[test]
fn no_hook_runs_while_a_template_is_fetched() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    let canary = sandbox.root().join("canary");
    let text = format!("touch '{}'\n", canary.display());
    let hook = script(&sandbox, "hook", &text);
    for name in [
        "reference-transaction",
        "post-checkout",
        "post-update",
        "pre-auto-gc",
    ] {
        let hooks = sandbox.home().join("hooks");
        fs::create_dir_all(&hooks).expect("a directory");
        symlink(&hook, hooks.join(name)).expect("a link");
    }
    let hooks = sandbox.home().join("hooks");
    let config = format!("[core]\n\thooksPath = {}\n", hooks.display());
    sandbox.write("home/.gitconfig", &config);
    Wish::new(&sandbox, &origin.url()).get().ok();
    assert!(!canary.exists());
}

/// What the cache holds of the only repository in it, if it is there yet: names without what
/// differs.
fn kept(sandbox: &Sandbox) -> Vec<String> {
    let templates = sandbox.root().join("cache/generate-service/templates");
    let names_in = |dir: &Path| {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.collect::<Vec<_>>()
    };
    let stores = names_in(&templates).into_iter();
    let names = stores.flat_map(|store| names_in(&templates.join(store)));
    let mut names = names
        .map(|name| name.split('-').next().unwrap_or_default().to_owned())
        .collect::<Vec<_>>();
    names.sort();
    names
}

#[test]
fn eight_at_once_fetch_once() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    let commit = origin.git(&["rev-parse", "HEAD"]);
    let log = sandbox.root().join("log");
    let real = Run::of(sandbox.command("which").arg("git")).ok().stdout;
    let text = format!(
        "echo fetch >> '{}'\nexec {} \"$@\"\n",
        log.display(),
        real.trim()
    );
    let counting = script(&sandbox, "bin/git", &text);
    let path = format!(
        "{}:/usr/bin:/bin",
        counting.parent().expect("bin").display()
    );
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let wish = Wish::new(&sandbox, &origin.url()).env("PATH", &path);
                assert_eq!(wish.get().ok().text("commit"), commit);
            });
        }
    });
    assert_eq!(fs::read_to_string(log).expect("the log"), "fetch\n");
    assert_eq!(kept(&sandbox), [&*commit, "lock", "wanted"]);
}

/// At any moment; and in the middle of a fetch that hangs, with git's own locks held.
#[test]
fn a_killed_fetch_harms_nobody() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    for number in 0..20 {
        origin.commit(&format!("file-{number}"), &"x".repeat(10_000));
    }
    let commit = origin.git(&["rev-parse", "HEAD"]);
    let url = origin.url();
    let whole = Wish::new(&sandbox, &url).get().ok().took;
    let cache = sandbox.root().join("cache");
    for moment in 0..24 {
        fs::remove_dir_all(&cache).expect("the cache");
        let mut wish = Wish::new(&sandbox, &url);
        let live = Live::start(&sandbox, wish.command());
        std::thread::sleep(whole * moment / 20);
        live.kill(&sandbox);
        let answer = Wish::new(&sandbox, &url).get().ok();
        assert_eq!(answer.text("commit"), commit, "{moment}");
        assert_eq!(kept(&sandbox), [&*commit, "lock", "wanted"], "{moment}");
    }
    fs::remove_dir_all(&cache).expect("the cache");
    let text = "touch shallow.lock objects/pack/tmp_pack_1\necho fetching >&2\nsleep 100\n";
    let hanging = script(&sandbox, "bin/git", text);
    let path = format!("{}:/usr/bin:/bin", hanging.parent().expect("bin").display());
    let mut wish = Wish::new(&sandbox, &url).env("PATH", path);
    let live = Live::start(&sandbox, wish.command());
    let stuck = || kept(&sandbox).iter().any(|name| name.starts_with(".fetch"));
    until("a fetch", || cache.exists() && stuck());
    live.kill(&sandbox);
    Wish::new(&sandbox, &url).get().ok();
    assert_eq!(kept(&sandbox), [&*commit, "lock", "wanted"]);
}

/// Whether it is done to the file at the path.
type Damage = fn(&Path) -> bool;

#[test]
fn what_is_damaged_is_fetched_anew() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    origin.commit("large", &"some text that is packed\n".repeat(1000));
    let url = origin.url();
    let got = Wish::new(&sandbox, &url).get().ok();
    let cache = sandbox.root().join("cache");
    let ways: [(&str, Damage); 6] = [
        ("a flipped bit", |path| {
            changed(path, ".pack", |bytes| {
                let at = bytes.len() / 2;
                bytes[at] ^= 1;
            })
        }),
        ("a short pack", |path| {
            changed(path, ".pack", |bytes| bytes.truncate(40))
        }),
        ("an empty index", |path| changed(path, ".idx", Vec::clear)),
        ("a lost pack", |path| {
            path.to_string_lossy().ends_with(".pack") && fs::remove_file(path).is_ok()
        }),
        ("no HEAD", |path| {
            path.ends_with("HEAD") && fs::remove_file(path).is_ok()
        }),
        ("a spoilt record", |path| {
            changed(path, ".toml", |bytes| bytes.insert(0, b'['))
        }),
    ];
    for (name, damage) in ways {
        let paths = walkdir::WalkDir::new(&cache).into_iter();
        let paths = paths.map(|entry| entry.expect("an entry").into_path());
        let hurt = paths
            .collect::<Vec<_>>()
            .iter()
            .filter(|path| damage(path))
            .count();
        assert_ne!(hurt, 0, "{name}");
        let offline = Wish::new(&sandbox, &url).offline().get();
        offline.refused("fetch", "is not in the cache");
        let answer = Wish::new(&sandbox, &url).get().ok();
        assert_eq!(answer.text("tree"), got.text("tree"), "{name}");
        Wish::new(&sandbox, &url).offline().get().ok();
        assert_eq!(
            kept(&sandbox),
            [got.text("commit"), "lock", "wanted"],
            "{name}"
        );
    }
}

/// Whether `path` ends so, and is changed.
fn changed(path: &Path, end: &str, change: impl FnOnce(&mut Vec<u8>)) -> bool {
    if !path.to_string_lossy().ends_with(end) {
        return false;
    }
    let mut bytes = fs::read(path).expect("a file");
    change(&mut bytes);
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("its mode");
    fs::write(path, bytes).expect("a file");
    true
}

#[test]
fn old_commits_go() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    for number in 0..12 {
        origin.commit("file", &number.to_string());
        Wish::new(&sandbox, &origin.url()).get().ok();
    }
    let commits = kept(&sandbox);
    assert_eq!(commits.iter().filter(|name| name.len() == 40).count(), 10);
    assert!(commits.contains(&origin.git(&["rev-parse", "HEAD"])));
    Wish::new(&sandbox, &origin.url()).offline().get().ok();
}

/// Compiled crates and templates lie side by side: what looks after the ones leaves the others
/// alone, until everything is to go.
#[test]
fn the_cache_of_crates_leaves_templates_alone() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    Wish::new(&sandbox, &origin.url()).get().ok();
    let cache = sandbox.root().join("cache");
    let before = snapshot(&cache);
    let run = |words: &[&str]| {
        let mut command = sandbox.generator();
        Run::of(command.args(words).env("XDG_CACHE_HOME", &cache)).ok()
    };
    assert!(!run(&["cache"]).stdout.contains("template-"));
    run(&["cache", "verify"]);
    assert_eq!(snapshot(&cache), before);
    run(&["cache", "clean"]);
    assert!(!cache.join("generate-service").exists());
}

/// The address of a server that wants a password, and then says which branches there are.
fn guarded(origin: &Origin) -> String {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "http://{}/template",
        server.local_addr().expect("its address")
    );
    let commit = origin.git(&["rev-parse", "HEAD"]);
    let branches = format!("{commit}\trefs/heads/main\n");
    std::thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 8192];
            let length = stream.read(&mut request).expect("a request");
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let known = request.contains("Authorization: Basic bWU6czNjcmV0");
            let (status, body) = match known {
                true if request.contains("info/refs") => ("200 OK", &*branches),
                true => ("404 Not Found", ""),
                false => (
                    "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"",
                    "",
                ),
            };
            let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: ");
            // Whoever hangs up has heard enough.
            let _ = write!(stream, "{head}{}\r\n\r\n{body}", body.len());
        }
    });
    url
}

/// Where git's helper knows no password nobody is asked, and nothing waits.
#[test]
fn a_password_comes_from_gits_helper_or_not_at_all() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    let url = guarded(&origin);
    let answer = Wish::new(&sandbox, &url).want("branch", "absent").get();
    answer.refused("fetch", "cannot reach");
    assert!(answer.took < Duration::from_mins(1), "{:?}", answer.took);
    let helper = "!f() { echo username=me; echo password=s3cret; }; f";
    let config = format!("[credential]\n\thelper = \"{helper}\"\n");
    sandbox.write("home/.gitconfig", &config);
    let answer = Wish::new(&sandbox, &url).want("branch", "absent").get();
    answer.refused("fetch", "has no branch `absent`");
}

#[test]
fn whoever_sits_there_is_asked_for_a_password() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    let url = guarded(&origin);
    let (script, answer) = Wish::new(&sandbox, &url)
        .want("branch", "absent")
        .on_terminal();
    let mut terminal = Terminal::open(script);
    terminal.says("Username for").answer("me");
    terminal.says("Password for").answer("s3cret");
    let said = || fs::read_to_string(answer.path()).expect("the answer");
    until("an answer", || said().ends_with('}'));
    assert!(said().contains("has no branch `absent`"), "{}", said());
    assert!(!said().contains("s3cret"), "{}", said());
}

/// A template that was got before is there at once: see `docs` for what was measured.
#[test]
fn a_warm_cache_is_fast() {
    let sandbox = Sandbox::new();
    let origin = Origin::new(&sandbox, "template");
    for number in 0..50 {
        fs::write(origin.dir.join(format!("f{number}")), "text\n".repeat(100)).expect("a file");
    }
    origin.commit("last", "x");
    Wish::new(&sandbox, &origin.url()).get().ok();
    let times = (0..5).map(|_| {
        let answer = Wish::new(&sandbox, &origin.url()).get().ok();
        answer.said["micros"].as_u64().expect("a time")
    });
    let best = times.min().expect("five");
    assert!(best < 50_000, "{best} µs");
}
