//! Where a description comes from: a service's directory, a URL or a file. Each is bounded in
//! size and time.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use crate::dirs::{quoted, tilde};
use crate::error::{Error, Kind, Result};
use crate::process::Limits;
use crate::report::Report;
use crate::verify;

/// What a description may cost.
const LIMITS: Limits = Limits {
    time: Duration::from_secs(20),
    bytes: 8 << 20,
};

/// A description as it was found.
#[derive(Debug)]
pub struct Description {
    /// Where it was found, for messages.
    pub from: String,
    /// Its text.
    pub json: Vec<u8>,
    /// The name in the service's record, if there is one.
    pub name: Option<String>,
}

/// Gets the description that `source` means.
pub fn read(source: &OsStr, cwd: &Path, report: &Report) -> Result<Description> {
    let text = source.to_string_lossy();
    if text.starts_with("https://") {
        return Err(behind_https(&text));
    }
    let found = if text.starts_with("http://") {
        of_url(&text)?
    } else {
        let path = super::path(cwd, &text);
        match fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => of_service(&path, report)?,
            Ok(meta) if meta.is_file() => of_file(&path)?,
            Ok(_) => return Err(no_source(&path, "is neither a directory nor a file")),
            Err(error) => return Err(source_error(Error::io("read", &path, &error))),
        }
    };
    if found.json.len() as u64 > LIMITS.bytes {
        let mebibytes = LIMITS.bytes >> 20;
        let message = format!("{} is larger than {mebibytes} MiB", found.from);
        return Err(Error::new(Kind::Source, message));
    }
    Ok(found)
}

fn behind_https(url: &str) -> Error {
    let message = format!("`{}` is behind HTTPS", url.replace(char::is_control, ""));
    let url = quoted(url);
    Error::new(Kind::Usage, message).help(format!(
        "curl -o openapi.json {url} && generate-service client openapi.json"
    ))
}

/// A URL without a path means the one at which our services describe themselves.
fn of_url(url: &str) -> Result<Description> {
    let rest = url.trim_start_matches("http://");
    let url = match rest.split_once('/') {
        None | Some((_, "")) => format!("{}/openapi.json", url.trim_end_matches('/')),
        Some(_) => url.to_owned(),
    };
    let agent = ureq::Agent::new_with_config(
        ureq::Agent::config_builder()
            .timeout_global(Some(LIMITS.time))
            .build(),
    );
    let from = format!("`{}`", url.escape_debug());
    let failed = |error: ureq::Error| {
        Error::new(Kind::Source, format!("cannot read {from}: {error}"))
            .help(format!("curl {}", quoted(&url)))
    };
    let mut answer = agent.get(&url).call().map_err(failed)?;
    let body = answer.body_mut().with_config().limit(LIMITS.bytes + 1);
    Ok(Description {
        json: body.read_to_vec().map_err(failed)?,
        name: None,
        from,
    })
}

fn of_file(path: &Path) -> Result<Description> {
    let failed = |error| source_error(Error::io("read", path, &error));
    let mut json = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(LIMITS.bytes + 1)
        .read_to_end(&mut json)
        .map_err(failed)?;
    Ok(Description {
        from: format!("`{}`", tilde(path)),
        json,
        name: None,
    })
}

/// The service itself knows best; it has to be built for that.
fn of_service(dir: &Path, report: &Report) -> Result<Description> {
    let Ok(record) = fs::read_to_string(dir.join("service.toml")) else {
        return Err(no_source(dir, "is no service: it has no `service.toml`"));
    };
    let record = record.parse::<toml_edit::DocumentMut>().map_err(|error| {
        let what = error.message().replace('\n', ", ");
        no_source(
            &dir.join("service.toml"),
            &format!("is not valid TOML: {what}"),
        )
    })?;
    let field = |key: &str| record.get("service")?.get(key);
    let port = field("port").and_then(toml_edit::Item::as_integer);
    report.waiting(&format!(
        "Building {}, to ask it what it answers",
        tilde(dir)
    ));
    verify::build_in(dir, report)?;
    let answer = verify::ask(dir, "openapi", LIMITS)?;
    if answer.late || !answer.success {
        let port = port.map_or_else(|| "PORT".to_owned(), |port| port.to_string());
        return Err(no_source(
            dir,
            "does not describe itself when run with the word `openapi`",
        )
        .help(format!(
            "start it, then: generate-service client http://127.0.0.1:{port}"
        )));
    }
    Ok(Description {
        from: format!("what `{}` says of itself", tilde(dir)),
        json: answer.stdout.into_bytes(),
        name: field("name")
            .and_then(toml_edit::Item::as_str)
            .map(str::to_owned),
    })
}

fn no_source(path: &Path, what: &str) -> Error {
    Error::new(Kind::Source, format!("`{}` {what}", tilde(path)))
}

fn source_error(mut error: Error) -> Error {
    error.kind = Kind::Source;
    error
}
