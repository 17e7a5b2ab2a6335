//! The settings of a service: one document each, so that what belongs together changes together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::names::SettingKey;
use crate::{Reason, instance};

const FORMAT: u32 = 1;

/// Keys and values by which a service overrides its file: defaults < file < Atlas < environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(pub BTreeMap<SettingKey, Value>);

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u32,
    settings: BTreeMap<SettingKey, Value>,
}

impl Settings {
    /// The document: one line of JSON, sorted by key, and a newline.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "keys are texts")]
    pub fn to_line(&self) -> String {
        let wire = Wire {
            v: FORMAT,
            settings: self.0.clone(),
        };
        serde_json::to_string(&wire).expect("keys are texts") + "\n"
    }

    /// Reads a document.
    pub fn parse(text: &[u8]) -> Result<Self, Reason> {
        let wire: Result<Wire, String> = instance::parse_versioned(text, FORMAT)?;
        wire.map(|wire| Self(wire.settings))
            .map_err(Reason::Content)
    }
}

impl SettingKey {
    /// Whether its value is better not shown. Settings are no place for secrets; who puts one
    /// there all the same shall not read it over a shoulder.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        let secret = ["key", "token", "pass", "secret"];
        secret.iter().any(|word| self.as_str().contains(word))
    }
}
