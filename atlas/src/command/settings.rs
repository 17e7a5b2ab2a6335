//! `settings get`, `set`, `ls`, `unset`.

use atlas::{Error, Fact, ServiceName, SettingKey, Settings, Version};
use serde_json::Value;

use super::World;
use super::args::Settings as Verb;
use super::failure::{Failure, Kind};
use super::lines::{Done, SettingsLine, shown};
use super::report::Report;

pub fn dispatch(verb: Verb, world: &World, report: &Report) -> Result<(), Failure> {
    match verb {
        Verb::Ls => list(world, report),
        Verb::Get {
            service,
            key,
            reveal,
        } => {
            let settings = wanted(world, &service, key.as_ref())?;
            let settings = shown(&settings, reveal);
            let words = settings.iter().map(|(name, value)| match &key {
                Some(_) => format!("{}\n", bare(value)),
                None => format!("{name}\t{value}\n"),
            });
            let words = words.collect::<Vec<_>>().concat();
            let service = service.to_string();
            report.line(&SettingsLine { service, settings }, &words)
        }
        Verb::Set {
            service,
            key,
            value,
            was,
            absent,
        } => {
            let was = was.map(|was| parse(&was));
            let changed = change(world, &service, |settings| {
                let now = settings.0.get(&key);
                let other = was.is_some() && now != was.as_ref();
                if other || (absent && now.is_some()) {
                    return Err(otherwise(&service, &key));
                }
                settings.0.insert(key.clone(), parse(&value));
                Ok(())
            });
            changed?;
            said(report, "set", &service, &key)
        }
        Verb::Unset { service, key } => {
            change(world, &service, |settings| match settings.0.remove(&key) {
                Some(_) => Ok(()),
                None => Err(no_setting(&service, &key)),
            })?;
            said(report, "unset", &service, &key)
        }
    }
}

/// All settings of a service, or the one that is there.
fn wanted(
    world: &World,
    service: &ServiceName,
    key: Option<&SettingKey>,
) -> Result<Settings, Failure> {
    let (_, mut settings) = read(world, service)?;
    if let Some(key) = key {
        settings.0.retain(|known, _| known == key);
        if settings.0.is_empty() {
            return Err(no_setting(service, key));
        }
    }
    Ok(settings)
}

fn list(world: &World, report: &Report) -> Result<(), Failure> {
    let snapshot = world.store().read()?;
    report.bad(&snapshot.bad);
    let line = |(service, settings): (&ServiceName, &Settings)| SettingsLine {
        service: service.to_string(),
        settings: shown(settings, false),
    };
    let rows = snapshot.settings.iter().map(line).collect::<Vec<_>>();
    report.table(&["SERVICE", "SETTINGS"], &rows)
}

/// Reads, changes and writes, again where somebody else was faster: no change is lost.
fn change(
    world: &World,
    service: &ServiceName,
    apply: impl Fn(&mut Settings) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let fact = Fact::Settings(service.clone());
    loop {
        let (seen, mut settings) = read(world, service)?;
        apply(&mut settings)?;
        match world
            .store()
            .compare_and_set(&fact, seen, &settings.to_line())
        {
            Err(Error::Conflict { .. }) => {}
            done => return done.map(drop).map_err(Into::into),
        }
    }
}

fn read(world: &World, service: &ServiceName) -> Result<(Option<Version>, Settings), Failure> {
    let fact = Fact::Settings(service.clone());
    let Some(kept) = world.store().get(&fact)? else {
        return Ok((None, Settings::default()));
    };
    let settings = Settings::parse(kept.text.as_bytes()).map_err(|reason| {
        let message = format!("the settings of `{service}` cannot be used: {reason}");
        Failure::new(Kind::Damaged, message)
    })?;
    Ok((Some(kept.version), settings))
}

/// JSON, or else the text as it is: `5`, `true`, `"5"`, `5s`.
fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// For scripts, a text without its quotes.
fn bare(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn said(
    report: &Report,
    done: &'static str,
    service: &ServiceName,
    key: &SettingKey,
) -> Result<(), Failure> {
    let line = Done {
        done,
        what: format!("{service} {key}"),
    };
    report.line(&line, &format!("{done}\t{service}\t{key}\n"))
}

fn no_setting(service: &ServiceName, key: &SettingKey) -> Failure {
    Failure::new(Kind::Unknown, format!("`{service}` has no setting `{key}`"))
        .help(format!("atlas settings get {service}"))
}

fn otherwise(service: &ServiceName, key: &SettingKey) -> Failure {
    Failure::new(
        Kind::Conflict,
        format!("setting `{key}` of `{service}` is something else now"),
    )
    .help(format!("atlas settings get {service} {key}"))
}
