//! A start that cannot be: one line on stderr that says why, and the exit code.

use std::net::TcpListener;

use crate::NAME;
use crate::executable::{End, Executable, variable};
use crate::scratch::Scratch;

fn refused(problem: &str) -> End {
    End {
        code: Some(2),
        stderr: format!("{NAME}: {problem}\n"),
    }
}

/// Starts with `config/prod.toml`, in realm `prod`.
fn with_file(text: &str, settings: &[(&str, &str)]) -> Executable {
    let directory = Scratch::new();
    directory.write("config/prod.toml", text);
    let fixed = [("REALM", "prod"), ("PORT", "0")];
    Executable::start_in(directory, &[&fixed, settings].concat())
}

#[test]
fn a_bad_variable_is_named() {
    let service = Executable::start(&[("PORT", "abc")]);
    let name = variable("PORT");
    let problem = r#"invalid port: found string "abc", expected u16"#;
    let expected = refused(&format!("{problem}, in environment variable {name}"));
    assert_eq!(service.end(), expected);
}

#[test]
fn a_bad_value_in_a_file_is_named() {
    let service = with_file("[log]\nformat = 3\n", &[]);
    let problem = "invalid log.format: found number 3, expected one of auto, human, json";
    assert_eq!(
        service.end(),
        refused(&format!("{problem}, in config/prod.toml"))
    );
}

#[test]
fn an_unknown_key_in_a_file_is_named() {
    let service = with_file("[shutdown]\ndrain = 3\n", &[]);
    let problem = "unknown key shutdown.drain: expected one of drain_seconds, grace_seconds";
    assert_eq!(
        service.end(),
        refused(&format!("{problem}, in config/prod.toml"))
    );
}

#[test]
fn a_file_that_is_no_toml_is_named_with_the_line() {
    let service = with_file("[log]\n\nfilter\n", &[]);
    let problem = "invalid syntax: key with no value, expected `=`";
    assert_eq!(
        service.end(),
        refused(&format!("{problem}, in config/prod.toml, line 3"))
    );
}

#[test]
fn a_realm_without_its_file_is_refused() {
    let service = with_file("", &[("REALM", "prdo")]);
    let problem = "cannot read config/prdo.toml: No such file or directory (os error 2)";
    assert_eq!(service.end(), refused(problem));
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "host = \"127.0.0.2\"\nport = 1\n[log]\nformat = \"human\"\n";
    let service = with_file(file, &[("LOG__FORMAT", "json")]);
    let event = service.event("listening");
    let address = event["address"].as_str().expect("an address");
    assert!(address.starts_with("127.0.0.2:"), "{address}");
    assert_eq!(event["realm"], "prod");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address");
    let reason = TcpListener::bind(address).expect_err("it is taken");
    let service = Executable::start(&[("PORT", &address.port().to_string())]);
    let stderr = format!("{NAME}: cannot listen on {address}: {reason}\n");
    assert_eq!(
        service.end(),
        End {
            code: Some(1),
            stderr
        }
    );
}
