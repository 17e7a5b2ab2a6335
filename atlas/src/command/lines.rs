//! What is said of things, as cells and as JSON. The fields and their order stay.

use std::path::PathBuf;

use atlas::{Change, Holder, Instance, Owner, Settings};
use serde::Serialize;
use serde_json::{Map, Value};

use super::report::Line;

/// A living instance.
#[derive(Serialize)]
pub struct InstanceLine {
    service: String,
    host: String,
    port: u16,
    addr: String,
    realm: String,
    state: &'static str,
    enabled: bool,
    draining: bool,
    version: Option<String>,
    pid: Option<u32>,
    health: Option<String>,
    weight: u16,
    started: Option<String>,
}

/// The header over the cells of instances.
pub const INSTANCES: [&str; 5] = ["INSTANCE", "ADDRESS", "STATE", "VERSION", "PID"];

/// A promise of a port.
#[derive(Serialize)]
pub struct PortLine {
    pub port: u16,
    pub service: Option<String>,
    pub directory: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    pub there: bool,
}

/// The header over the cells of ports.
pub const PORTS: [&str; 3] = ["PORT", "SERVICE", "DIRECTORY"];

/// A service with settings.
#[derive(Serialize)]
pub struct SettingsLine {
    pub service: String,
    pub settings: Map<String, Value>,
}

/// One word about one thing that was done.
#[derive(Serialize)]
pub struct Done {
    pub done: &'static str,
    pub what: String,
}

/// An event of `watch`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum WatchLine {
    Full {
        instances: usize,
    },
    Up {
        instance: InstanceLine,
    },
    Down {
        instance: String,
    },
    Disabled {
        instance: String,
    },
    Enabled {
        instance: String,
    },
    Settings {
        service: String,
        settings: Option<Map<String, Value>>,
    },
    Bad {
        place: String,
        reason: &'static str,
        message: String,
    },
    Mended {
        place: String,
    },
}

impl From<&Instance> for InstanceLine {
    fn from(instance: &Instance) -> Self {
        let state = match (instance.enabled, instance.draining) {
            (false, _) => "disabled",
            (true, true) => "draining",
            (true, false) => "up",
        };
        Self {
            service: instance.id.service.to_string(),
            host: instance.id.host.to_string(),
            port: instance.id.port.get(),
            addr: instance.addr.to_string(),
            realm: instance.realm.to_string(),
            state,
            enabled: instance.enabled,
            draining: instance.draining,
            version: instance.release.as_ref().map(ToString::to_string),
            pid: instance.pid.map(Into::into),
            health: instance.health.as_ref().map(ToString::to_string),
            weight: instance.weight.into(),
            started: instance.started.map(|started| started.to_string()),
        }
    }
}

impl InstanceLine {
    /// `identity@host001:5000`
    pub fn id(&self) -> String {
        format!("{}@{}:{}", self.service, self.host, self.port)
    }
}

impl Line for InstanceLine {
    fn cells(&self) -> Vec<String> {
        let or_none = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
        let addr = if self.addr.contains(':') {
            format!("[{}]:{}", self.addr, self.port)
        } else {
            format!("{}:{}", self.addr, self.port)
        };
        let pid = self.pid.map(|pid| pid.to_string());
        vec![
            self.id(),
            addr,
            self.state.to_owned(),
            or_none(self.version.clone()),
            or_none(pid),
        ]
    }
}

impl PortLine {
    /// What is known of a promise.
    pub fn of(port: u16, holder: &Holder) -> Self {
        let owner = match holder {
            Holder::Promise { owner, .. } => Some(owner),
            _ => None,
        };
        Self {
            port,
            service: owner.map(|owner| owner.service().to_owned()),
            directory: owner.map(|owner| owner.directory().to_owned()),
            host: owner.and_then(Owner::host).map(ToString::to_string),
            there: owner.is_some_and(Owner::is_there),
        }
    }
}

impl Line for PortLine {
    fn cells(&self) -> Vec<String> {
        let service = self.service.clone().unwrap_or_else(|| "-".to_owned());
        let directory = self.directory.as_ref().map_or_else(
            || "-".to_owned(),
            |directory| {
                let gone = if self.there { "" } else { " (gone)" };
                let host = self.host.as_ref();
                let host = host.map(|host| format!("{host}:")).unwrap_or_default();
                format!("{host}{}{gone}", directory.display())
            },
        );
        vec![self.port.to_string(), service, directory]
    }
}

impl Line for SettingsLine {
    fn cells(&self) -> Vec<String> {
        let keys = self.settings.keys().cloned().collect::<Vec<_>>();
        vec![self.service.clone(), keys.join(" ")]
    }
}

impl Line for Done {
    fn cells(&self) -> Vec<String> {
        vec![self.done.to_owned(), self.what.clone()]
    }
}

impl WatchLine {
    pub fn of(change: Change) -> Self {
        match change {
            Change::Up(instance) => Self::Up {
                instance: (&instance).into(),
            },
            Change::Down(id) => Self::Down {
                instance: id.to_string(),
            },
            Change::Disabled(id, true) => Self::Disabled {
                instance: id.to_string(),
            },
            Change::Disabled(id, false) => Self::Enabled {
                instance: id.to_string(),
            },
            Change::Settings(service, settings) => Self::Settings {
                service: service.to_string(),
                settings: settings.map(|settings| shown(&settings, false)),
            },
            Change::Bad(bad) => Self::Bad {
                place: bad.place,
                reason: bad.reason.word(),
                message: bad.reason.to_string(),
            },
            Change::Mended(place) => Self::Mended { place },
        }
    }

    /// Words between tabs, and a newline.
    pub fn words(&self) -> String {
        let words = match self {
            Self::Full { instances } => vec!["full".to_owned(), instances.to_string()],
            Self::Up { instance } => {
                let mut cells = instance.cells();
                cells.insert(0, "up".to_owned());
                cells
            }
            Self::Down { instance } => vec!["down".to_owned(), instance.clone()],
            Self::Disabled { instance } => vec!["disabled".to_owned(), instance.clone()],
            Self::Enabled { instance } => vec!["enabled".to_owned(), instance.clone()],
            Self::Settings { service, .. } => vec!["settings".to_owned(), service.clone()],
            Self::Bad { place, message, .. } => {
                vec!["bad".to_owned(), place.clone(), message.clone()]
            }
            Self::Mended { place } => vec!["mended".to_owned(), place.clone()],
        };
        words.join("\t") + "\n"
    }
}

/// Settings as they may be seen.
pub fn shown(settings: &Settings, reveal: bool) -> Map<String, Value> {
    let masked = |(key, value): (&atlas::SettingKey, &Value)| {
        let hide = key.is_secret() && !reveal;
        let value = if hide {
            Value::from("********")
        } else {
            value.clone()
        };
        (key.to_string(), value)
    };
    settings.0.iter().map(masked).collect()
}
