//! The settings of the registry, `[atlas]`.

use std::net::IpAddr;

use serde::Deserialize;

use crate::atlas::Places;

/// What this service has to do with Atlas, the registry of this machine.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Atlas {
    /// Whether it registers there, takes settings from there and finds others there; true
    /// unless set. Of no effect among the settings in Atlas.
    pub enabled: bool,
    /// The IP address at which others call this service; unless set the one it listens on.
    pub address: Option<IpAddr>,
    /// Where the registry is: no setting, but Atlas's own rule, with the variables
    /// `ATLAS_DIR` and `ATLAS`.
    #[serde(skip)]
    pub places: Places,
}

impl Default for Atlas {
    fn default() -> Self {
        Self {
            enabled: true,
            address: None,
            places: Places::default(),
        }
    }
}
