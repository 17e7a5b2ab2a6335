//! Cases by name; what holds for all documents is in `random`.

mod arrays;
mod random;

use toml_edit::DocumentMut;

use super::{Reduced, reduce};

/// All three texts come out as `merged`.
#[track_caller]
fn merges(base: &str, ours: &str, theirs: &str, merged: &str) {
    let reduced = reduce(base, ours, theirs).expect("all is TOML");
    assert_eq!(reduced.ours, merged);
    assert_eq!(reduced, Reduced::settled(merged));
    let again = reduce(theirs, merged, theirs).expect("all is TOML");
    assert_eq!(again, Reduced::settled(merged), "once more");
    let again = reduce(base, merged, theirs).expect("all is TOML");
    assert_eq!(again.ours, merged, "once more from the start");
}

/// The three texts come out different.
#[track_caller]
fn conflicts(sides: [&str; 3], base: &str, ours: &str, theirs: &str) {
    let reduced = reduce(sides[0], sides[1], sides[2]).expect("all is TOML");
    for text in [&reduced.base, &reduced.ours, &reduced.theirs] {
        text.parse::<DocumentMut>().expect("a part of the result");
    }
    assert_eq!(reduced.base, base, "base");
    assert_eq!(reduced.ours, ours, "ours");
    assert_eq!(reduced.theirs, theirs, "theirs");
}

#[test]
fn whoever_changed_nothing_gets_the_others_text_as_it_is() {
    let (base, other) = ("a=1\n", "a   = 2  # odd\n\n\n[x ]\n");
    merges(base, base, other, other);
    merges(base, other, base, other);
    merges(base, other, other, other);
}

#[test]
fn what_is_no_toml_is_not_merged() {
    assert_eq!(reduce("a = 1\n", "a = \n", "a = 2\n"), None);
    assert_eq!(reduce("a = 1\n", "a = 2\n", "a\n"), None);
    assert_eq!(reduce("<<<<<<<\n", "a = 2\n", "a = 3\n"), None);
}

#[test]
fn dependencies_of_both_stand_side_by_side() {
    merges(
        "[dependencies]\naxum = \"0.8\"\ntokio = \"1\"\n",
        "[dependencies]\naxum = \"0.8\"\nanyhow = \"1\"\ntokio = \"1\"\n",
        "[dependencies]\naxum = \"0.8\"\nserde = \"1\"\ntokio = \"1\"\n",
        "[dependencies]\naxum = \"0.8\"\nserde = \"1\"\nanyhow = \"1\"\ntokio = \"1\"\n",
    );
}

#[test]
fn the_same_dependency_added_by_both_is_one() {
    merges(
        "[dependencies]\n",
        "[dependencies]\nserde = \"1\"\n",
        "[dependencies]\nserde = { version = '1' }\n",
        "[dependencies]\nserde = \"1\"\n",
    );
    merges(
        "[dependencies]\n",
        "[dependencies]\nserde = { version = \"1\", features = [\"rc\"] }\n",
        "[dependencies]\nserde = { version = \"1\", features = [\"derive\"] }\n",
        "[dependencies]\nserde = { version = \"1\", features = [\"derive\", \"rc\"] }\n",
    );
}

#[test]
fn both_bumped_is_a_conflict_in_that_line() {
    conflicts(
        [
            "[dependencies]\na = \"1\"\nb = \"1\"\n",
            "[dependencies]\na = \"2\"\nb = \"1\"\n",
            "[dependencies]\na = \"3\"\nb = \"2\"\n",
        ],
        "[dependencies]\na = \"1\"\nb = \"2\"\n",
        "[dependencies]\na = \"2\"\nb = \"2\"\n",
        "[dependencies]\na = \"3\"\nb = \"2\"\n",
    );
}

#[test]
fn ours_added_features_and_theirs_bumped() {
    merges(
        "[dependencies]\ntokio = \"1\" # runs\n",
        "[dependencies]\ntokio = { version = \"1\", features = [\"fs\"] } # runs\n",
        "[dependencies]\ntokio = \"2\" # runs all\n",
        "[dependencies]\ntokio = { version = \"2\", features = [\"fs\"] } # runs all\n",
    );
    merges(
        "[dependencies]\ntokio = \"1\" # runs\n",
        "[dependencies]\ntokio = \"2\" # runs\n",
        "[dependencies]\ntokio = { version = \"1\", features = [\"fs\"] } # runs\n",
        "[dependencies]\ntokio = { version = \"2\", features = [\"fs\"] } # runs\n",
    );
}

#[test]
fn tables_of_their_own_stay_such() {
    merges(
        "[dependencies]\ntokio = { version = \"1\", features = [\"net\"] }\nserde = \"1\"\n\n[lints]\n",
        "[dependencies.tokio]\nversion = \"1\"\nfeatures = [\"net\"]\n\n[dependencies.serde]\nversion = \"1\"\n\n[lints]\n",
        "[dependencies]\ntokio = { version = \"2\", features = [\"fs\", \"net\"], optional = true }\nserde = \"1\"\nurl = \"2\"\n\n[lints]\n",
        "[dependencies]\nurl = \"2\"\n\n[dependencies.tokio]\nversion = \"2\"\nfeatures = [\"fs\", \"net\"]\noptional = true\n\n[dependencies.serde]\nversion = \"1\"\n\n[lints]\n",
    );
}

#[test]
fn what_is_sorted_stays_sorted() {
    merges(
        "[dependencies]\nb = \"1\"\na = \"1\"\n",
        "[dependencies]\na = \"1\"\nb = \"1\"\nk = \"1\"\n",
        "[dependencies]\nb = \"1\"\nz = \"1\"\nc = \"1\"\na = \"1\"\n",
        "[dependencies]\na = \"1\"\nb = \"1\"\nc = \"1\"\nk = \"1\"\nz = \"1\"\n",
    );
}

#[test]
fn comments_come_along() {
    merges(
        "[a]\n# old\nx = 1\n\n# kept\ny = 1\nz = 1 # z\n",
        "[a]\n# old\nx = 1\n\n# changed\ny = 1\nz = 1 # z\n",
        "[a]\n# new\nx = 2\n\n# of theirs\ny = 2\nz = 1 # zzz\n# added\nzz = 1 # zz\n",
        "[a]\n# new\nx = 2\n\n# changed\ny = 2\nz = 1 # zzz\n# added\nzz = 1 # zz\n",
    );
    merges(
        "# head\n\n[a]\nx = 1\n# end\n",
        "# head\n\n[a]\nx = 1\n\n# mine\n[m]\n# end\n",
        "# head 2\n\n[a]\nx = 1\n\n# about b\n[b] # b\ny = 1\n# the end\n",
        "# head 2\n\n[a]\nx = 1\n\n# about b\n[b] # b\ny = 1\n\n# mine\n[m]\n# the end\n",
    );
}

#[test]
fn what_ours_took_away_stays_away() {
    merges(
        "[dependencies]\na = \"1\"\nb = \"1\"\n\n[dev-dependencies]\nt = \"1\"\n\n[[bench]]\nname = \"b\"\n",
        "[dependencies]\nb = \"1\"\n",
        "[dependencies]\na = \"1\"\nb = \"2\"\n\n[dev-dependencies]\nt = \"1\"\nu = \"1\"\n\n[[bench]]\nname = \"b\"\n",
        "[dependencies]\nb = \"2\"\n\n[dev-dependencies]\nu = \"1\"\n",
    );
}

#[test]
fn what_theirs_took_away_goes() {
    merges(
        "[dependencies]\na = \"1\"\nb = \"1\"\n\n[profile.dev]\ndebug = 1\n\n[[bench]]\nname = \"b\"\n",
        "[dependencies]\na = \"1\"\nb = \"1\"\nc = \"1\"\n\n[profile.dev]\ndebug = 1\n\n[[bench]]\nname = \"b\"\n\n[[bench]]\nname = \"c\"\n",
        "[dependencies]\nb = \"1\"\n",
        "[dependencies]\nb = \"1\"\nc = \"1\"\n\n[[bench]]\nname = \"c\"\n",
    );
}

#[test]
fn taken_away_and_changed_is_a_conflict() {
    conflicts(
        [
            "[dependencies]\na = \"1\"\nb = \"1\"\nc = \"1\"\n",
            "[dependencies]\na = \"1\"\nc = \"1\"\nd = \"1\"\n",
            "[dependencies]\na = \"1\"\nb = \"2\"\nc = \"2\"\n",
        ],
        "[dependencies]\na = \"1\"\nb = \"1\"\nc = \"2\"\nd = \"1\"\n",
        "[dependencies]\na = \"1\"\nc = \"2\"\nd = \"1\"\n",
        "[dependencies]\na = \"1\"\nb = \"2\"\nc = \"2\"\nd = \"1\"\n",
    );
    conflicts(
        [
            "[a]\nx = 1\n\n[b]\ny = 1\n\n[c]\n",
            "[a]\nx = 1\n\n[b]\ny = 2\n\n[c]\nz = 1\n",
            "[a]\nx = 2\n\n[c]\n",
        ],
        "[a]\nx = 2\n\n[b]\ny = 1\n\n[c]\nz = 1\n",
        "[a]\nx = 2\n\n[b]\ny = 2\n\n[c]\nz = 1\n",
        "[a]\nx = 2\n\n[c]\nz = 1\n",
    );
}

#[test]
fn a_section_taken_away_conflicts_in_what_the_other_changed() {
    conflicts(
        [
            "[package]\n\n[dev-dependencies]\na = \"1\"\nb = \"1\"\n",
            "[package]\nname = \"x\"\n",
            "[package]\n\n[dev-dependencies]\na = \"2\"\nb = \"1\"\n",
        ],
        "[package]\nname = \"x\"\n\n[dev-dependencies]\na = \"1\"\n",
        "[package]\nname = \"x\"\n",
        "[package]\nname = \"x\"\n\n[dev-dependencies]\na = \"2\"\n",
    );
}

#[test]
fn dotted_keys_stay_dotted() {
    merges(
        "[dependencies]\nserde.version = \"1\"\nlog.workspace = true\n",
        "[dependencies]\nserde.version = \"1\"\nserde.features = [\"rc\"]\nlog.workspace = true\n",
        "[dependencies]\nserde = { version = \"2\", features = [\"derive\"] }\nlog = { workspace = true, optional = true }\n",
        "[dependencies]\nserde.version = \"2\"\nserde.features = [\"derive\", \"rc\"]\nlog.workspace = true\nlog.optional = true\n",
    );
    merges(
        "a.b.c = 1\n",
        "a.b.c = 1\na.x = 1\n",
        "[a.b]\nc = 2\n\n[a.t]\nd = 1\n\n[[a.l]]\n",
        "a.b.c = 2\na.x = 1\na.t.d = 1\na.l = [{}]\n",
    );
}

#[test]
fn inheritance_replaces_a_version_or_conflicts_with_another() {
    merges(
        "[dependencies]\nserde = \"1\"\n",
        "[dependencies]\nserde.workspace = true\n",
        "[dependencies]\nserde = { version = \"1\", features = [\"derive\"] }\n",
        "[dependencies]\nserde.workspace = true\nserde.features = [\"derive\"]\n",
    );
    conflicts(
        [
            "[dependencies]\nserde = \"1\"\n",
            "[dependencies]\nserde = { workspace = true }\n",
            "[dependencies]\nserde = \"2\"\nurl = \"2\"\n",
        ],
        "[dependencies]\nserde = \"1\"\nurl = \"2\"\n",
        "[dependencies]\nserde = { workspace = true }\nurl = \"2\"\n",
        "[dependencies]\nserde = \"2\"\nurl = \"2\"\n",
    );
    conflicts(
        [
            "[dependencies]\nserde = \"1\"\n",
            "[dependencies]\nserde = { git = \"https://x\" }\n",
            "[dependencies]\nserde = { path = \"../x\" }\n",
        ],
        "[dependencies]\nserde = \"1\"\n",
        "[dependencies]\nserde = { git = \"https://x\" }\n",
        "[dependencies]\nserde = { path = \"../x\" }\n",
    );
    merges(
        "[package]\nedition = \"2024\"\nversion = \"1.0.0\"\n",
        "[package]\nedition.workspace = true\nversion = \"1.0.0\"\n",
        "[package]\nedition = \"2024\"\nversion = \"1.1.0\"\n",
        "[package]\nedition.workspace = true\nversion = \"1.1.0\"\n",
    );
    conflicts(
        [
            "[package]\nedition = \"2021\"\n",
            "[package]\nedition.workspace = true\n",
            "[package]\nedition = \"2024\"\n",
        ],
        "[package]\nedition = \"2021\"\n",
        "[package]\nedition.workspace = true\n",
        "[package]\nedition = \"2024\"\n",
    );
}

#[test]
fn lints_are_tables_too() {
    merges(
        "[lints.clippy]\npedantic = \"warn\"\nunwrap_used = \"warn\"\n",
        "[lints.clippy]\npedantic = { level = \"warn\", priority = -1 }\nunwrap_used = \"warn\"\ntodo = \"warn\"\n",
        "[lints.clippy]\npedantic = \"deny\"\nunwrap_used = \"warn\"\n# no exits\nexit = \"warn\"\n",
        "[lints.clippy]\npedantic = { level = \"deny\", priority = -1 }\nunwrap_used = \"warn\"\n# no exits\nexit = \"warn\"\ntodo = \"warn\"\n",
    );
}

#[test]
fn profiles_and_targets_and_metadata() {
    merges(
        "[profile.dev]\ndebug = 1\n\n[target.'cfg(unix)'.dependencies]\na = \"1\"\n\n[workspace]\n",
        "[profile.dev]\ndebug = 1\nopt-level = 1\n\n[target.'cfg(unix)'.dependencies]\na = { version = \"1\", optional = true }\n\n[package.metadata.mine]\nx = 1\n\n[workspace]\n",
        "[profile.dev]\ndebug = 2\n\n[profile.dev.package.\"*\"]\ndebug = false\n\n[target.\"cfg(unix)\".dependencies]\na = \"2\"\n\n[package.metadata.theirs]\ny = 1\n",
        "[profile.dev]\ndebug = 2\nopt-level = 1\n\n[profile.dev.package.\"*\"]\ndebug = false\n\n[target.'cfg(unix)'.dependencies]\na = { version = \"2\", optional = true }\n\n[package.metadata.theirs]\ny = 1\n\n[package.metadata.mine]\nx = 1\n",
    );
}

#[test]
fn meaning_counts_and_not_spelling() {
    merges(
        "a = 1000\nb = \"x\"\nc = { d = 1, e = 2 }\nf = [1, 2]\nk = 1\n",
        "a = 1_000\nb = 'x'\n\"k\" = 1\n\n[c]\nd = 1\ne = 2\n",
        "a = 1000\nb = \"x\"\nc = { d = 1, e = 3 }\nf = [\n  1,\n  2,\n]\nk = 2\n",
        "a = 1_000\nb = 'x'\n\"k\" = 2\n\n[c]\nd = 1\ne = 3\n",
    );
    conflicts(
        ["f = [1, 2]\n", "f = [1]\n", "f = [1, 2, 3]\n"],
        "f = [1, 2]\n",
        "f = [1]\n",
        "f = [1, 2, 3]\n",
    );
}

#[test]
fn quoted_keys_are_keys() {
    merges(
        "[answers]\n\"a b\" = 1\n'x.y' = 1\n",
        "[answers]\n\"a b\" = 2\n'x.y' = 1\n",
        "[answers]\n\"a b\" = 1\n\"x.y\" = 3\n\"\" = 1\n",
        "[answers]\n\"a b\" = 2\n'x.y' = 3\n\"\" = 1\n",
    );
}

#[test]
fn empty_files_are_documents() {
    merges("", "a = 1\n", "b = 2\n", "a = 1\nb = 2\n");
    merges("a = 1\n", "", "a = 1\nb = 1\n", "b = 1\n");
    merges("", "# mine\n", "[a]\n", "[a]\n# mine\n");
}

#[test]
fn line_ends_are_those_of_ours() {
    merges(
        "[a]\nx = 1\n",
        "[a]\r\nx = 1\r\ny = 1\r\n",
        "[a]\nx = 2\n",
        "[a]\r\nx = 2\r\ny = 1\r\n",
    );
    let reduced = reduce("a = 1\n", "a = 1\r\n", "a = 2\nb = 1\n");
    assert_eq!(reduced, Some(Reduced::settled("a = 2\r\nb = 1\r\n")));
}

#[test]
fn inline_tables_stay_inline() {
    merges(
        "[dependencies]\na = { version = \"1\" }\n",
        "[dependencies]\na = {version=\"1\", optional=true} # o\n",
        "[dependencies.a] # t\n# c\nversion = \"2\" # x\nfeatures = [\n  \"f\", # f\n]\n",
        "[dependencies]\na = { version = \"2\", features = [\n  \"f\", # f\n], optional = true } # o\n",
    );
}

#[test]
fn a_value_that_becomes_a_table_conflicts_with_another_value() {
    conflicts(
        ["a = 1\nz = 1\n", "z = 1\n\n[a]\nx = 1\n", "a = 2\nz = 2\n"],
        "z = 2\na = 1\n",
        "z = 2\n\n[a]\nx = 1\n",
        "z = 2\na = 2\n",
    );
}
