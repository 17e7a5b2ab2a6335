//! `generate-service NAME`.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(error) = generate_service::wrap::become_rustc() {
        return generate_service::cannot_become_rustc(&error);
    }
    if let Some(code) = generate_service::child::serve() {
        return code;
    }
    if let Some(code) = generate_service::update::serve() {
        return code;
    }
    generate_service::run(std::env::args_os())
}
