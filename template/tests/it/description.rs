//! `NAME openapi`: the description of the API, without a running service.

use serde_json::Value;

use crate::executable::{Executable, command};
use crate::{NAME, VERSION, client};

#[test]
fn it_is_printed_without_any_settings() {
    let mut command = command();
    let output = command.arg("openapi").output().expect("its end");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(printed["info"]["title"], NAME);
    assert_eq!(printed["info"]["version"], VERSION);
    let served = client::get(Executable::start(&[]).address(), "/openapi.json");
    let served: Value = serde_json::from_str(&served.body).expect("JSON");
    assert_eq!(printed, served);
}
