//! What stands in the log.

use serde_json::Value;

use crate::client::{send, wait_until};
use crate::executable::{End, Executable};
use crate::{NAME, VERSION};

/// What the targets of the service's own lines begin with: the crate's name.
fn own_target() -> String {
    NAME.replace('-', "_")
}

#[test]
fn one_line_of_json_for_each_request() {
    let service = Executable::start(&[]);
    let address = service.address();
    let one = send(address, "GET /nowhere?secret=1", &["x-request-id: one"], "");
    let two = send(address, "GET /health/live", &["x-request-id: two"], "");
    assert_eq!(one.header("x-request-id"), Some("one"));
    assert_eq!(two.header("x-request-id"), Some("two"));
    let expected = [
        ("/nowhere", "unmatched", 404, "one"),
        ("/health/live", "/health/live", 200, "two"),
    ];
    for (path, route, status, id) in expected {
        let line = service.event("request");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["method"], "GET");
        assert_eq!(line["path"], path);
        assert_eq!(line["route"], route);
        assert_eq!(line["status"], status);
        assert_eq!(line["request_id"], id);
        assert!(line["ms"].as_f64().is_some_and(|ms| ms > 0.0), "{line}");
    }
}

#[test]
fn the_first_line_says_who_listens_where() {
    let event = Executable::start(&[]).event("listening");
    assert_eq!(event["service"], NAME);
    assert_eq!(event["version"], VERSION);
    assert_eq!(event["realm"], "local");
    let address = event["address"].as_str().expect("an address");
    assert!(
        address.starts_with("127.0.0.1:") && !address.ends_with(":0"),
        "{address}"
    );
}

#[test]
fn the_human_format_has_neither_json_nor_colour_without_a_terminal() {
    let service = Executable::start(&[("LOG__FORMAT", "human")]);
    let mut lines = std::iter::repeat_with(|| service.line());
    let line = lines.find(|line| line.contains("listening"));
    let line = line.expect("an endless iterator");
    let own = own_target();
    let words = format!(r#"INFO {own}::lifecycle: listening service="{NAME}""#);
    assert!(line.contains(&words), "{line}");
}

#[test]
fn the_filter_can_name_the_services_own_lines() {
    let filter = format!("off,{}=info", own_target());
    let service = Executable::start(&[("LOG__FILTER", &filter)]);
    let target = &service.event("listening")["target"];
    assert_eq!(*target, format!("{}::lifecycle", own_target()));
}

#[test]
fn a_directory_gets_the_requests_in_one_file_and_the_rest_in_another() {
    let mut service = Executable::start(&[("LOG__DIRECTORY", ".")]);
    let (access, error) = (format!("{NAME}.access.log"), format!("{NAME}.error.log"));
    let lines = |text: &str| -> Vec<Value> {
        let lines = text.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().expect("lines of JSON")
    };
    let listening = |line: &Value| line["address"].as_str()?.parse().ok();
    wait_until("it listens", || service.read(&error).contains("listening"));
    let said = lines(&service.read(&error));
    let address = said.iter().find_map(listening).expect("an address");
    send(address, "GET /", &["x-caller: billing"], "");
    service.terminate();
    service.wait();
    let requests = lines(&service.read(&access));
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0]["route"], "/");
    assert_eq!(requests[0]["caller"], "billing");
    let said = lines(&service.read(&error));
    assert!(said.iter().all(|line| line["message"] != "request"));
    assert_eq!(said.last().expect("a line")["message"], "stopped");
}

#[test]
fn a_directory_that_is_not_there_keeps_it_from_starting() {
    let service = Executable::start(&[("LOG__DIRECTORY", "nowhere")]);
    let problem = "No such file or directory (os error 2)";
    let stderr = format!("{NAME}: cannot write the log nowhere/{NAME}.access.log: {problem}\n");
    let code = Some(2);
    assert_eq!(service.end(), End { code, stderr });
}
