//! What others see of the executable in Atlas, however it ends.

use std::fs::{File, TryLockError};
use std::path::PathBuf;

use crate::NAME;
use crate::client::wait_until;
use crate::executable::Executable;

/// Whether somebody who lives holds it.
fn lives(entry: &PathBuf) -> bool {
    let file = File::open(entry).expect("an entry");
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

fn registered(service: &Executable) -> PathBuf {
    let event = service.event("registered");
    event["entry"].as_str().expect("a path").into()
}

#[test]
fn it_is_registered_under_the_port_that_it_got() {
    let service = Executable::start(&[]);
    let address = service.address();
    let entry = registered(&service);
    let name = entry.file_name().expect("a name").to_string_lossy();
    assert!(name.starts_with(&format!("{NAME}@")), "{name}");
    assert!(name.ends_with(&format!(":{}", address.port())), "{name}");
    assert!(lives(&entry));
    service.terminate();
    service.event("stopped");
    assert!(!entry.exists());
}

#[test]
fn a_kill_ends_the_entry_with_it() {
    let mut service = Executable::start(&[]);
    let entry = registered(&service);
    service.kill();
    wait_until("nobody holds it", || !lives(&entry));
}

#[test]
fn who_does_not_want_it_is_not_registered() {
    let service = Executable::start(&[("ATLAS__ENABLED", "false")]);
    service.address();
    service.terminate();
    service.event("draining");
    service.event("stopped");
    assert!(!service.has("atlas"));
}

#[test]
fn where_it_cannot_be_registered_it_says_so_and_serves() {
    let directory = crate::scratch::Scratch::new();
    directory.write("atlas", "a file where a directory should be");
    let service = Executable::start_in(directory, &[("PORT", "0")]);
    let address = service.address();
    let message = "not registered in Atlas, others may not find this service";
    let event = service.event(message);
    assert_eq!(event["level"], "WARN");
    assert_eq!(crate::client::get(address, "/").status, 200);
}
