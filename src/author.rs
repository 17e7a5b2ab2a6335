//! For those who write templates: a small one to start from, a look for mistakes, tests by samples,
//! and what a template says of itself to whoever is about to use it.

mod check;
mod describe;
mod finding;
mod foreign;
mod golden;
mod names;
mod samples;
mod start;
mod texts;
mod worlds;

use std::path::PathBuf;

use crate::dirs::quoted;
use crate::error::{Error, Kind, Result};
use crate::report::Report;
use crate::settings::Settings;
use crate::template::Template;
pub use check::check;
pub use describe::{Description, describe};
pub use finding::{Finding, Level};
pub use samples::{Tested, test};
pub use start::new;

/// The directory of the template that is worked on, and the template in it.
fn opened(settings: &Settings) -> Result<(PathBuf, Template)> {
    Error::all(settings.wrong.clone())?;
    let wish = settings.template.clone().unwrap_or_default();
    let dir = wish.base.join(&wish.source);
    if !dir.is_dir() {
        let message = format!("`{}` is no directory", dir.display());
        let new = format!(
            "generate-service template new {}",
            quoted(&dir.to_string_lossy())
        );
        return Err(Error::new(Kind::Usage, message).help(new));
    }
    let template = Template::read(&dir)?;
    Ok((dir, template))
}

/// Says what was found, in the order of the files, and fails if there is a mistake among it.
fn told(mut findings: Vec<Finding>, report: &Report) -> Result<()> {
    findings.sort();
    findings.dedup();
    for finding in &findings {
        report.finding(finding);
    }
    let mistakes = findings
        .iter()
        .filter(|finding| finding.level == Level::Error);
    let mistakes = mistakes.map(|finding| {
        let error = Error::new(Kind::Template, finding.to_string());
        match &finding.help {
            Some(help) => error.help(help.clone()),
            None => error,
        }
    });
    Error::all(mistakes.collect())?;
    report.no_mistakes();
    Ok(())
}
