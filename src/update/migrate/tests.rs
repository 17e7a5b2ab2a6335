use super::*;
use crate::manifest;
use crate::questions::Answer;

const HEAD: &str = "[template]\nname = \"x\"\nversion = \"3.0.0\"\n\
    [[questions]]\nname = \"new\"\n[[questions]]\nname = \"b\"\n[[questions]]\nname = \"a\"\n";

/// A template of version 3.0.0 whose manifest goes on with `text`.
fn template(text: &str) -> Manifest {
    manifest::read(&format!("{HEAD}{text}"), None).expect("a manifest")
}

fn file(path: &str, text: &str) -> File {
    File {
        path: path.to_owned(),
        executable: false,
        bytes: Cow::Owned(text.as_bytes().to_owned()),
    }
}

/// The paths that `paths` are moved to by moves of one migration each.
fn moved_to(moves: &[(&str, &str)], paths: &[&str]) -> Vec<String> {
    let moves = moves.iter().map(|(from, to)| {
        format!("[[migrations]]\nversion = \"2.0.0\"\nmoves = [{{ from = \"{from}\", to = \"{to}\" }}]\n")
    });
    let manifest = template(&moves.collect::<String>());
    let migrations = crossed(&manifest, "1.0.0", "3.0.0");
    let files = files(
        &migrations,
        paths.iter().map(|path| file(path, path)).collect(),
    );
    let paths = files.into_iter().map(|file| file.path);
    paths.collect()
}

/// The text with the key renamed, or as it was.
#[track_caller]
fn rekeyed_to(from: &str, to: &str, text: &str, wanted: &str) {
    let manifest = template(&format!(
        "[[migrations]]\nversion = \"2.0.0\"\n\
         keys = [{{ file = \"a.toml\", from = '{from}', to = '{to}' }}]\n"
    ));
    let migrations = crossed(&manifest, "1.0.0", "3.0.0");
    let files = files(&migrations, vec![file("a.toml", text)]);
    let text = String::from_utf8_lossy(&files[0].bytes);
    assert_eq!(text, wanted);
}

#[test]
fn those_between_the_versions_are_crossed_in_their_order() {
    let versions = ["2.0.0", "1.10.0", "1.9.0", "3.0.0", "2.0.0-rc.1", "1.0.0"];
    let text = versions.map(|version| format!("[[migrations]]\nversion = \"{version}\"\n"));
    let manifest = template(&text.concat());
    let crossed = |old: &str, new: &str| {
        let crossed = crossed(&manifest, old, new).into_iter();
        let crossed = crossed.map(|it| it.version.to_string());
        crossed.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(crossed("1.0.0", "2.0.0"), "1.9.0 1.10.0 2.0.0-rc.1 2.0.0");
    assert_eq!(crossed("1.9.0", "1.10.5"), "1.10.0");
    assert_eq!(crossed("2.0.0-rc.1", "3.0.0"), "2.0.0 3.0.0");
    assert_eq!(crossed("3.0.0", "3.0.0"), "");
    assert_eq!(crossed("3.0.0", "1.0.0"), "");
    assert_eq!(crossed("", "3.0.0"), "");
    assert_eq!(crossed("1.0.0", "main"), "");
}

#[test]
fn answers_move_along() {
    let manifest = template(
        "[[migrations]]\nversion = \"2.0.0\"\nanswers = { old = \"mid\", a = \"b\", b = \"a\" }\n\
         [[migrations]]\nversion = \"3.0.0\"\nanswers = { mid = \"new\" }\n",
    );
    let text = |text: &str| Answer::Text(text.to_owned());
    let given = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(name, it)| ((*name).to_owned(), text(it)));
        pairs.collect::<Answers>()
    };
    let all = crossed(&manifest, "1.0.0", "3.0.0");
    let before = given(&[("a", "1"), ("b", "2"), ("old", "3"), ("other", "4")]);
    let after = given(&[("b", "1"), ("a", "2"), ("new", "3"), ("other", "4")]);
    assert_eq!(answers(&all, before), after);
    let before = given(&[("mid", "3"), ("new", "4")]);
    assert_eq!(answers(&all, before), given(&[("new", "4")]));
    assert_eq!(answers(&[], after.clone()), after);
}

#[test]
fn parts_move_along() {
    let manifest = template(
        "[[migrations]]\nversion = \"2.0.0\"\nparts = { z = \"b\", c = \"d\" }\n\
         [[migrations]]\nversion = \"3.0.0\"\nparts = { d = \"a\" }\n",
    );
    let all = crossed(&manifest, "1.0.0", "3.0.0");
    let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    assert_eq!(parts(&all, names(&["z", "c"])), names(&["a", "b"]));
    assert_eq!(parts(&all, names(&["b", "z", "y"])), names(&["b", "y"]));
    assert_eq!(parts(&all, Vec::new()), names(&[]));
}

#[test]
fn files_and_directories_move() {
    let moves = [("src/a.rs", "src/b.rs"), ("conf/", "config/deep/")];
    let paths = ["Z", "conf", "conf-2/x", "src/a.rs", "src/a.rs.hbs"];
    assert_eq!(
        moved_to(&moves, &paths),
        ["Z", "conf", "conf-2/x", "src/a.rs.hbs", "src/b.rs"]
    );
    assert_eq!(
        moved_to(&moves, &["conf/a", "conf/b/c", "config/deep/a"]),
        ["conf/a", "config/deep/a", "config/deep/b/c"]
    );
    // One after the other; into itself.
    assert_eq!(moved_to(&[("a", "b"), ("b", "c")], &["a"]), ["c"]);
    assert_eq!(
        moved_to(&[("a/", "a/b/")], &["a/x", "a/y"]),
        ["a/b/x", "a/b/y"]
    );
}

#[test]
fn what_is_in_the_way_stays_and_so_does_what_would_move() {
    for (from, to, paths) in [
        ("a", "b", ["a", "b"]),
        ("a", "b", ["a", "b/c"]),
        ("a", "b/c/d", ["a", "b"]),
        ("a/", "b/", ["a/x", "b/x"]),
        ("a", "b", ["c", "d"]),
    ] {
        assert_eq!(moved_to(&[(from, to)], &paths), paths, "{from} {to}");
    }
    let manifest =
        template("[[migrations]]\nversion = \"2.0.0\"\nmoves = [{ from = \"a\", to = \"b\" }]\n");
    let both = vec![file("a", "1"), file("b", "2")];
    let all = crossed(&manifest, "1.0.0", "3.0.0");
    assert_eq!(files(&all, both.clone()), both);
    let executable = File {
        executable: true,
        ..file("a", "\u{0}")
    };
    let moved = File {
        path: "b".to_owned(),
        ..executable.clone()
    };
    assert_eq!(files(&all, vec![executable]), [moved]);
}

#[test]
fn keys_take_value_comments_and_format_along() {
    rekeyed_to(
        "http.port",
        "server.port",
        "# All.\nhost = 'a'\n\n[http]\n# The port.\nport   =  0x1F90 # not 80\ntls = true\n\n[log]\n",
        "# All.\nhost = 'a'\n\n[http]\ntls = true\n\n[log]\n\n[server]\n# The port.\nport   =  0x1F90 # not 80\n",
    );
    rekeyed_to(
        "http.port",
        "server.listen",
        "[http]\nport = 1 # one\n\n[server]\nhost = \"a\"\n",
        "\n[server]\nhost = \"a\"\nlisten = 1 # one\n",
    );
}

#[test]
fn a_key_keeps_its_place_in_its_table() {
    rekeyed_to(
        "a.old",
        "a.new",
        "[a]\n# One.\none = 1\n# Old.\nold = [ 1,\n  2 ] # list\nthree = 3\n",
        "[a]\n# One.\none = 1\n# Old.\nnew = [ 1,\n  2 ] # list\nthree = 3\n",
    );
    rekeyed_to(
        "old",
        "new",
        "old = 1\nz = 2\n[b]\n",
        "new = 1\nz = 2\n[b]\n",
    );
    rekeyed_to(
        "a.old",
        "a.new",
        "a = { old = 1, z = 2 }\n",
        "a = { new = 1, z = 2 }\n",
    );
    rekeyed_to(
        "a.old",
        "a.new",
        "a.old = 1\na.z = 2\n",
        "a.new = 1\na.z = 2\n",
    );
}

#[test]
fn tables_move_as_a_whole() {
    rekeyed_to(
        "http",
        "server",
        "[a]\nb = 1\n\n# Served.\n[http]\nport = 1\n\n[http.tls]\non = true # yes\n\n[[http.list]]\nc = 1\n\n[z]\n",
        "[a]\nb = 1\n\n# Served.\n[server]\nport = 1\n\n[server.tls]\non = true # yes\n\n[[server.list]]\nc = 1\n\n[z]\n",
    );
    rekeyed_to(
        "http",
        "net.http",
        "[http]\nport = 1\n",
        "[net.http]\nport = 1\n",
    );
    rekeyed_to(
        "a.b",
        "c",
        "[a]\nx = 1\n\n[a.b]\ny = 1\n",
        "[a]\nx = 1\n\n[c]\ny = 1\n",
    );
}

#[test]
fn a_table_that_is_left_empty_goes_and_loses_no_comment() {
    rekeyed_to(
        "http.port",
        "server.port",
        "[a]\nx = 1\n\n# How it is served.\n[http] # here\nport = 1\n\n[z]\ny = 1\n",
        "[a]\nx = 1\n\n# How it is served.\n[server] # here\nport = 1\n\n[z]\ny = 1\n",
    );
    rekeyed_to(
        "http.port",
        "port",
        "host = 1\n\n# How it is served.\n[http]\n# The port.\nport = 1\n",
        "host = 1\n# How it is served.\n# The port.\nport = 1\n",
    );
    rekeyed_to(
        "http.port",
        "server.port",
        "http.port = 1\n",
        "server.port = 1\n",
    );
    rekeyed_to(
        "http.port",
        "server.port",
        "# Served.\nhttp = { port = 1 } # so\n",
        "# Served.\nserver = { port = 1 } # so\n",
    );
}

#[test]
fn braces_and_heads_can_be_exchanged() {
    rekeyed_to(
        "a.x",
        "b.x",
        "a = { x = 1, y = 2 }\n\n[b]\nz = 1\n",
        "a = { y = 2 }\n\n[b]\nz = 1\nx = 1\n",
    );
    rekeyed_to(
        "b.x",
        "a.x",
        "a = { y = 2 }\n\n[b]\n# The x.\nx = 1 # one\nz = 1\n",
        "a = { y = 2, x = 1 }\n\n[b]\nz = 1\n",
    );
    rekeyed_to(
        "b",
        "a.b",
        "a = { y = 2 }\n\n[b]\nx = 1\n",
        "a = { y = 2, b = { x = 1 } }\n",
    );
    rekeyed_to(
        "b.x",
        "a.c.d.x",
        "a = { y = 2 }\n\n[b]\nx = 1\n",
        "a = { y = 2, c = { d = { x = 1 } } }\n",
    );
}

/// Every value of a text, with its key.
fn values(text: &str) -> BTreeMap<String, String> {
    fn walk(key: &str, value: &toml::Value, all: &mut BTreeMap<String, String>) {
        let Some(table) = value.as_table().filter(|table| !table.is_empty()) else {
            all.insert(key.to_owned(), value.to_string());
            return;
        };
        for (name, value) in table {
            walk(&format!("{key}.{name}"), value, all);
        }
    }
    let mut all = BTreeMap::new();
    let table = text.parse::<toml::Table>().expect("TOML");
    walk("", &toml::Value::Table(table), &mut all);
    all
}

/// Whatever a file looks like, a value moves as it is and the others stay as they are.
#[test]
fn no_value_is_lost_or_changed() {
    let texts = [
        "a = 1\nb.c = 2\nb.d.e = 3\n[f]\ng = 4\nh = { i = 5, j = { k = 6 } }\n[f.l]\nm = 7\n",
        "[b.d]\ne = 1 # e\n[b]\nc = 2\n[f.l.n]\no = [{ p = 1 }]\n[a]\n# b\nb = 3\n",
        "b = { c = 1 }\nf.h.j.k = 2\n[[q]]\nr = 1\n[[q]]\nr = 2\n[x.y.z]\nw = 1\n# end\n",
        "# all\n[f]\n# g\ng = 1\n[f.h]\ni = \"\"\"\n[x]\n\"\"\"\n[f.h.j]\nk = 1979-05-27\n[f.l]\nm = 'a'\n",
    ];
    let keys = "a b b.c b.d b.d.e f f.g f.h f.h.i f.h.j f.h.j.k f.l f.l.m f.l.n q x x.y x.y.z.w s s.t s.t.u";
    let keys = keys.split(' ').map(|key| {
        let names = key.split('.').map(str::to_owned);
        (format!(".{key}"), names.collect::<Vec<_>>())
    });
    let keys = keys.collect::<Vec<_>>();
    let mut moved = 0;
    for (text, (from, old), (to, new)) in texts.iter().flat_map(|text| {
        let pairs = keys
            .iter()
            .flat_map(|from| keys.iter().map(move |to| (from, to)));
        pairs.map(move |(from, to)| (text, from, to))
    }) {
        let Some(after) = keys::renamed(text, old, new) else {
            continue;
        };
        let before =
            values(text)
                .into_iter()
                .map(|(key, value)| match key.strip_prefix(from.as_str()) {
                    Some(rest) if rest.is_empty() || rest.starts_with('.') => {
                        (format!("{to}{rest}"), value)
                    }
                    _ => (key, value),
                });
        let before = before.collect::<BTreeMap<_, _>>();
        assert_eq!(values(&after), before, "{from} to {to}:\n{text}\n{after}");
        let comments = |text: &str| text.matches("# ").count();
        let braces = after.contains("{ c") || after.contains("{ i");
        assert!(
            braces || comments(&after) == comments(text),
            "{from} to {to}:\n{text}\n{after}"
        );
        moved += 1;
    }
    assert!(moved > 400, "{moved}");
}

#[test]
fn ends_of_lines_stay() {
    rekeyed_to(
        "a",
        "b",
        "# x\r\na = 1\r\nc = 2\r\n",
        "# x\r\nb = 1\r\nc = 2\r\n",
    );
}

#[test]
fn where_a_key_cannot_move_nothing_does() {
    for text in [
        "",
        "[server]\nport = 1\n",
        "[http]\nport = 1\n[server]\nport = 2\n",
        "server = 1\n[http]\nport = 1\n",
        "http = 1\n",
        "[[http]]\nport = 1\n",
        "[http]\nport = 1\n[[server]]\nx = 1\n",
        "no TOML: [http]\nport = 1\n",
    ] {
        rekeyed_to("http.port", "server.port", text, text);
    }
    let manifest = template(
        "[[migrations]]\nversion = \"2.0.0\"\nmoves = [{ from = \"c/\", to = \"d/\" }]\n\
         keys = [{ file = \"d/a.toml\", from = \"a\", to = \"b\" }, { file = \"x\", from = \"a\", to = \"b\" }]\n",
    );
    let bytes = File {
        bytes: Cow::Borrowed(b"\xff"),
        ..file("x", "")
    };
    let all = crossed(&manifest, "1.0.0", "3.0.0");
    let after = files(&all, vec![file("c/a.toml", "a = 1\n"), bytes.clone()]);
    assert_eq!(after, [file("d/a.toml", "b = 1\n"), bytes]);
}

#[test]
fn what_is_deprecated_is_named_where_it_is_used() {
    let manifest = template(
        "[[deprecations]]\nsince = \"1.4.0\"\nanswer = \"queue\"\nnote = \"use --with jobs\"\n\
         [[deprecations]]\nsince = \"2.0.0\"\npart = \"redis\"\nnote = \"use valkey\"\n\
         [[deprecations]]\nsince = \"3.0.0\"\nfile = \"src/old.rs\"\nnote = \"see src/new.rs\"\n",
    );
    let answers = Answers::from([("queue".to_owned(), Answer::Bool(true))]);
    let lines = deprecated(&manifest, &answers, &["redis".to_owned()], &|path| {
        path == "src/old.rs"
    });
    assert_eq!(
        lines,
        [
            "answer `queue` is deprecated since 1.4.0: use --with jobs",
            "part `redis` is deprecated since 2.0.0: use valkey",
            "file `src/old.rs` is deprecated since 3.0.0: see src/new.rs",
        ]
    );
    assert!(deprecated(&manifest, &Answers::new(), &[], &|_| false).is_empty());
}
