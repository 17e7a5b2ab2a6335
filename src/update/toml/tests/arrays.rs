//! Arrays: of texts in any order, and of tables.

use super::{conflicts, merges};

#[test]
fn features_are_sets() {
    merges(
        "[features]\ndefault = [\"api\", \"redis\"]\napi = []\nredis = []\n",
        "[features]\ndefault = [\"api\"]\napi = [\n    \"dep:x\", # ours\n    \"dep:z\",\n]\nredis = []\n",
        "[features]\ndefault = [\"api\", \"otel\", \"redis\"]\napi = [\"dep:y\"]\nredis = []\notel = []\n",
        "[features]\ndefault = [\"api\", \"otel\"]\napi = [\n    \"dep:x\", # ours\n    \"dep:y\",\n    \"dep:z\",\n]\nredis = []\notel = []\n",
    );
}

#[test]
fn sets_keep_their_style() {
    let base = "members = [\"a\", \"b\"]\n";
    merges(
        base,
        "members = [\n  \"b\", # last\n  \"a\",\n  # mine\n  \"m\"\n]\n",
        "members = [\"b\", \"c\"]\n",
        "members = [\n  \"b\", # last\n  \"c\",\n  # mine\n  \"m\"\n]\n",
    );
    merges(
        base,
        "members = [ \"a\", \"b\", \"m\" ]\n",
        "members = [\"0\", \"b\"]\n",
        "members = [ \"0\", \"b\", \"m\" ]\n",
    );
    merges(
        base,
        "members = []\n",
        "members = [\"a\", \"b\", \"c\"]\n",
        "members = [\"c\"]\n",
    );
}

#[test]
fn binaries_are_known_by_their_names() {
    merges(
        "[[bin]]\nname = \"a\"\npath = \"src/a.rs\"\n\n[[bin]]\nname = \"b\"\n",
        "[[bin]]\nname = \"m\"\n\n[[bin]]\nname = \"a\"\npath = \"src/a.rs\"\ntest = false\n\n[[bin]]\nname = \"b\"\n",
        "[[bin]]\nname = \"b\"\nbench = false\n\n[[bin]]\nname = \"a\"\npath = \"src/main.rs\"\n\n[[bin]]\nname = \"t\"\n",
        "[[bin]]\nname = \"m\"\n\n[[bin]]\nname = \"a\"\npath = \"src/main.rs\"\ntest = false\n\n[[bin]]\nname = \"t\"\n\n[[bin]]\nname = \"b\"\nbench = false\n",
    );
    conflicts(
        [
            "[[bin]]\nname = \"a\"\nx = 1\n\n[[bin]]\nname = \"b\"\n",
            "[[bin]]\nname = \"b\"\n",
            "[[bin]]\nname = \"a\"\nx = 2\n\n[[bin]]\nname = \"b\"\ny = 1\n",
        ],
        "[[bin]]\nname = \"a\"\nx = 1\n\n[[bin]]\nname = \"b\"\ny = 1\n",
        "[[bin]]\nname = \"b\"\ny = 1\n",
        "[[bin]]\nname = \"a\"\nx = 2\n\n[[bin]]\nname = \"b\"\ny = 1\n",
    );
}

#[test]
fn tables_of_elements_stay_with_them() {
    merges(
        "[[a]]\nname = \"1\"\n\n[[a]]\nname = \"2\"\n",
        "[[a]]\nname = \"1\"\n\n[a.o]\nx = 1\n\n[[a]]\nname = \"2\"\n\n[z]\n",
        "[[a]]\nname = \"1\"\n\n[a.t]\ny = 1\n\n[[a]]\nname = \"2\"\n\n[[a]]\nname = \"3\"\n\n[a.t]\ny = 3\n",
        "[[a]]\nname = \"1\"\n\n[a.o]\nx = 1\n\n[a.t]\ny = 1\n\n[[a]]\nname = \"2\"\n\n[[a]]\nname = \"3\"\n\n[a.t]\ny = 3\n\n[z]\n",
    );
}

#[test]
fn elements_without_names_go_by_what_they_say_or_where_they_stand() {
    merges(
        "[[rule]]\nport = 1\n",
        "[[rule]]\nport = 1\n\n[[rule]]\nport = 2\n",
        "[[rule]]\nport = 1\n\n[[rule]]\nport = 3\n",
        "[[rule]]\nport = 1\n\n[[rule]]\nport = 3\n\n[[rule]]\nport = 2\n",
    );
    merges(
        "[[rule]]\nport = 1\nopen = true\n",
        "[[rule]]\nport = 2\nopen = true\n",
        "[[rule]]\nport = 1\nopen = false\n",
        "[[rule]]\nport = 2\nopen = false\n",
    );
}
