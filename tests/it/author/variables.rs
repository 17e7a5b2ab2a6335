//! What templates speak of, as it is found by reading them.

use generate_service::fill::variables::{HELPERS, What, uses};

/// The names of one kind in `source`, with their places.
fn found(source: &str, what: What) -> Vec<String> {
    let uses = uses(source).expect("a template").into_iter();
    let uses = uses.filter(|found| found.what == what);
    uses.map(|found| format!("{} {}:{}", found.name, found.line, found.column))
        .collect()
}

#[track_caller]
fn speaks_of(source: &str, variables: &[&str]) {
    assert_eq!(found(source, What::Variable), variables, "{source}");
}

#[test]
fn variables_are_found_where_they_stand() {
    speaks_of("{{name}}", &["name 1:1"]);
    speaks_of("# é\n  {{ name }} {{{port}}}\n", &["name 2:3", "port 2:14"]);
    speaks_of("{{~name~}}{{! other }}{{!-- {{third}} --}}", &["name 1:1"]);
    speaks_of("\\{{name}} {{{{raw}}}} {{port}} {{{{/raw}}}}", &[]);
    speaks_of(
        "{{a.b.c}} {{this.d}} {{@root.e}} {{./f}}",
        &["a 1:1", "d 1:11", "e 1:22", "f 1:34"],
    );
    speaks_of(
        "{{snakeCase name}} {{lookup map key}}",
        &["name 1:1", "map 1:20", "key 1:20"],
    );
    speaks_of("{{#if (and a (not b))}}{{/if}}", &["a 1:1", "b 1:1"]);
    speaks_of(
        "{{eq a \"text\"}} {{gt b 3}} {{not true}}",
        &["a 1:1", "b 1:17"],
    );
}

#[test]
fn all_branches_are_looked_at() {
    let source =
        "{{#if a}}{{b}}\n{{else if c}}{{d}}\n{{else}}{{e}}{{/if}}\n{{#unless f}}{{/unless}}";
    let found = found(source, What::Variable).into_iter();
    let names = found.map(|found| found.split(' ').next().unwrap_or_default().to_owned());
    assert_eq!(names.collect::<Vec<_>>(), ["a", "b", "c", "d", "e", "f"]);
}

#[test]
fn what_a_block_defines_is_no_variable() {
    speaks_of(
        "{{#each list as |item i|}}{{item}}{{i}}{{@index}}{{/each}}",
        &["list 1:1"],
    );
    speaks_of(
        "{{#each list}}{{this}}{{field}}{{/each}}{{after}}",
        &["list 1:1", "after 1:41"],
    );
    speaks_of(
        "{{#each list}}{{../name}}{{@root.port}}{{@../index}}{{/each}}",
        &["list 1:1", "name 1:15", "port 1:26"],
    );
    speaks_of(
        "{{#each a}}{{#each b}}{{../c}}{{../../d}}{{/each}}{{/each}}",
        &["a 1:1", "d 1:31"],
    );
    speaks_of(
        "{{#with a as |w|}}{{w.b}}{{else}}{{c}}{{/with}}",
        &["a 1:1", "c 1:34"],
    );
}

#[test]
fn helpers_and_partials_are_found() {
    assert_eq!(
        found("{{upcase name}} {{#when a}}{{/when}}", What::Helper),
        ["upcase 1:1", "when 1:17"]
    );
    assert_eq!(
        found(
            "{{> header}}{{#*inline \"own\"}}{{/inline}}{{> own}}",
            What::Partial
        ),
        ["header 1:1"]
    );
    assert_eq!(found("{{len}}", What::Variable), [""; 0]);
}

/// A helper that is listed and is not there would be missed by every check.
#[test]
fn the_helpers_are_those_that_render() {
    use generate_service::fill;
    let values = serde_json::json!({ "name": "a b", "list": ["a"] });
    for helper in HELPERS.iter().filter(|name| **name != "inline") {
        let source = match *helper {
            "raw" => "{{{{raw}}}}x{{{{/raw}}}}".to_owned(),
            "each" | "with" => format!("{{{{#{helper} list}}}}x{{{{/{helper}}}}}"),
            "if" | "unless" => format!("{{{{#{helper} name}}}}x{{{{/{helper}}}}}"),
            "lookup" => "{{lookup list 0}}".to_owned(),
            helper => format!("{{{{{helper} name \"b\"}}}}"),
        };
        assert!(fill::text(&source, &values).is_ok(), "{helper}: {source}");
    }
}

#[test]
fn what_goes_too_deep_is_not_parsed() {
    let brackets = format!(
        "{{{{#if {}a{}}}}}{{{{/if}}}}",
        "(not ".repeat(500),
        ")".repeat(500)
    );
    let reason = uses(&brackets).expect_err("too deep").reason;
    assert_eq!(reason, "its brackets go too deep");
    let blocks = "{{#if a}}\n".repeat(100_000);
    assert_eq!(
        uses(&blocks).expect_err("too deep").reason,
        "its blocks go too deep"
    );
}
