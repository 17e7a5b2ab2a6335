//! The embedded template as it was: a version that was released never changes, and renders today
//! as it did then, since every service of it is merged from there.
//!
//! `GENERATE_SERVICE_RELEASE=1 cargo test --test it history` freezes the present version.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use generate_service::name::{Neighbours, ServiceName};
use generate_service::parts::{self, Chosen};
use generate_service::questions::Answers;
use generate_service::render::{self, Request};
use generate_service::repo;
use generate_service::stamp;
use generate_service::template::{self, Template};

fn place(version: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("src/history").join(format!("{version}.txt"))
}

/// A template as `build/history.rs` reads it.
fn frozen(template: &Template) -> String {
    let mut text = String::new();
    for file in &template.files {
        let mode = if file.executable { "100755" } else { "100644" };
        let words = std::str::from_utf8(&file.bytes);
        let words = words.unwrap_or_else(|_| panic!("{} is no text", file.path));
        text.push_str(&format!("{mode} {} {}\n{words}\n", words.len(), file.path));
    }
    text
}

#[test]
fn a_released_version_never_changes() {
    let template = Template::embedded();
    let (place, today) = (place(&template.version), frozen(&template));
    if std::env::var_os("GENERATE_SERVICE_RELEASE").is_some() && !place.exists() {
        fs::write(&place, &today).expect("a release");
    }
    let Ok(then) = fs::read_to_string(&place) else {
        return;
    };
    assert!(
        then == today,
        "a released version never changes: raise the version in template/template.toml"
    );
}

#[test]
fn every_release_can_be_had_and_is_the_one_it_says_it_is() {
    let releases = template::releases();
    let known = releases.iter().map(|version| {
        let template = Template::released(version).expect("a release");
        assert_eq!(template.version, *version);
        assert!(template.is_embedded());
        assert!(template.questions().is_empty(), "nobody answers here");
        semver::Version::parse(version).expect("a version")
    });
    assert!(known.collect::<Vec<_>>().is_sorted(), "{releases:?}");
    let present = Template::embedded().version;
    assert_eq!(releases.last(), Some(&present.as_str()));
    assert!(Template::released("0.0.1").is_none());
    let frozen =
        crate::sandbox::listing(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/history"));
    for name in frozen {
        let version = name.strip_suffix(".txt").expect("a release");
        assert!(releases.contains(&version), "{version}");
    }
}

/// What is embedded of a release is what was frozen of it.
#[test]
fn a_release_is_embedded_whole() {
    for version in template::releases() {
        if let Ok(then) = fs::read_to_string(place(version)) {
            let template = Template::released(version).expect("a release");
            assert!(frozen(&template) == then, "{version}");
        }
    }
}

/// The cuts of a release were found when this program was built, as those of today's were.
#[test]
fn every_release_renders_with_its_usual_parts_and_with_all() {
    for version in template::releases() {
        let template = Template::released(version).expect("a release");
        let all = template.parts.iter().map(|part| part.name.clone());
        for chosen in [parts::usual(&template.parts), all.collect()] {
            let tree = tree(&template, &chosen);
            assert_eq!(tree.len(), 40, "{version}: {tree}");
        }
    }
}

/// Measured with the last program whose template was 0.1.0: `[template] tree` of
/// `generate-service orders --port 5000`.
#[test]
fn a_service_of_0_1_0_is_still_rendered_as_it_was() {
    let template = Template::released("0.1.0").expect("a release");
    for (chosen, then) in [
        ("api metrics", "69854220d4fb3723fab6ffbee8f437582aca3d85"),
        (
            "api database redis",
            "d90e84dcebed24c5398a143e5f84a101c9d58917",
        ),
        (
            "api database metrics otel redis",
            "934b4254b0e00083174d84ac43e6d3f13414fd72",
        ),
        ("", "372f3088fb5531f18f41e3fa0cb2f3676c8faed8"),
    ] {
        let chosen = chosen.split_whitespace().map(str::to_owned);
        let chosen = chosen.collect::<Chosen>();
        assert_eq!(tree(&template, &chosen), then, "{chosen:?}");
    }
}

/// What the record of the service `orders` says of its tree.
fn tree(template: &Template, chosen: &Chosen) -> String {
    let nobody = Neighbours {
        dependencies: &[],
        members: &[],
    };
    let name = ServiceName::parse("orders", nobody).expect("a name");
    let request = Request {
        name: &name,
        description: "The orders service",
        port: 5000,
        parts: chosen,
        answers: &Answers::new(),
        beside: BTreeMap::new(),
        destination: Path::new("/nowhere/orders"),
        human: false,
        author: None,
    };
    let rendered = render::embedded(template, &request).expect("it renders");
    let stamped = stamp::stamp(rendered, template, &request, false).expect("it is stamped");
    let record = template::text(&stamped.files, "service.toml").expect("a record");
    let record = record.parse::<toml_edit::DocumentMut>().expect("TOML");
    let tree = record["template"]["tree"].as_str().expect("a tree");
    let files = stamped.files.iter();
    let files = files.filter(|file| file.path != "service.toml");
    assert_eq!(repo::tree_id(files).expect("an id"), tree);
    tree.to_owned()
}
