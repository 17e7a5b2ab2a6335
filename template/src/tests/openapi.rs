//! The description of the API, against the routes there are.

use std::collections::BTreeSet;

use serde_json::Value;

use super::client::{self, send};
use super::server::Server;
use crate::openapi::description;
use crate::{NAME, VERSION, http, routes};

fn described() -> Value {
    serde_json::to_value(description()).expect("JSON")
}

/// Method and path of everything described.
fn described_operations() -> BTreeSet<String> {
    let document = described();
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods").keys();
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}

/// The paths of all routes: axum shows them when it is debugged, and nowhere else.
fn paths() -> BTreeSet<String> {
    let routers = [
        routes::routes(),
        http::health::routes(),
        crate::openapi::routes(),
    ];
    let text = format!("{routers:?}");
    let quoted = text.split('"').filter(|text| text.starts_with('/'));
    // One is axum's own.
    let quoted = quoted.filter(|text| !text.contains("__private"));
    quoted.map(str::to_owned).collect()
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let server = Server::start();
    let allowed = |path: &String| {
        let answer = send(server.address, &format!("TRACE {path}"), &[], "");
        assert_eq!(answer.status, 405, "{path}");
        let methods = answer.header("allow").expect("methods").to_owned();
        let methods = methods.split(',').filter(|method| *method != "HEAD");
        let operations = methods.map(|method| format!("{method} {path}"));
        operations.collect::<Vec<_>>()
    };
    let paths = paths();
    assert!(paths.contains("/"), "{paths:?}");
    let there: BTreeSet<_> = paths.iter().flat_map(allowed).collect();
    assert_eq!(described_operations(), there);
}

#[test]
fn the_description_is_served_and_names_the_service() {
    let answer = client::get(Server::start().address, "/openapi.json");
    assert_eq!(answer.status, 200);
    let document: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(document, described());
    assert_eq!(document["info"]["title"], NAME);
    assert_eq!(document["info"]["version"], VERSION);
    assert_ne!(document["info"]["license"]["name"], "");
}

/// Nothing finds out what a handler extracts: `params(…)` says it.
#[test]
fn the_parameters_of_every_path_are_described() {
    let document = described();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let parts = path.split(['{', '}']).skip(1).step_by(2);
        let expected = parts.collect::<BTreeSet<_>>();
        for (method, operation) in operations.as_object().expect("operations") {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let of_path = parameters.filter(|parameter| parameter["in"] == "path");
            let names = of_path.filter_map(|parameter| parameter["name"].as_str());
            let names = names.collect::<BTreeSet<_>>();
            assert_eq!(names, expected, "{method} {path}: params(…)");
        }
    }
}
