//! `routes.json`: the last good state, for the next Sidecar, and for clients while `HAProxy` is away.

use std::collections::BTreeMap;
use std::path::Path;

use atlas::{Instance, InstanceId, Realm, ServiceName};
use serde_json::{Value, json};

use crate::command::failure::Failure;
use crate::files;

const FORMAT: u64 = 1;

/// What is routed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    pub instances: BTreeMap<InstanceId, Instance>,
    /// Services without an instance, and since when: seconds since 1970.
    pub empty: BTreeMap<ServiceName, u64>,
}

impl Routes {
    /// Reads the file; what it does not say well is left out, since the registry says it anew.
    pub fn load(path: &Path, realm: &Realm) -> Self {
        let text = std::fs::read(path).unwrap_or_default();
        let value: Value = serde_json::from_slice(&text).unwrap_or_default();
        if value["v"] != FORMAT {
            return Self::default();
        }
        let instances = value["instances"].as_object().into_iter().flatten();
        let empty = value["empty"].as_object().into_iter().flatten();
        Self {
            instances: instances
                .filter_map(|(id, entry)| instance(id, entry, realm))
                .map(|instance| (instance.id.clone(), instance))
                .collect(),
            empty: empty
                .filter_map(|(name, since)| Some((name.parse().ok()?, since.as_u64()?)))
                .collect(),
        }
    }

    /// Writes the file, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), Failure> {
        let failed = |error| Failure::system(&format!("write `{}`", path.display()), &error);
        files::replace_shared(path, &self.text()).map_err(failed)
    }

    fn text(&self) -> String {
        let entries = self.instances.values().map(|instance| {
            let entry: Value = serde_json::from_str(&instance.to_line()).unwrap_or_default();
            let mut entry = entry;
            entry["enabled"] = instance.enabled.into();
            (instance.id.to_string(), entry)
        });
        let instances: serde_json::Map<_, _> = entries.collect();
        let empty = self
            .empty
            .iter()
            .map(|(name, since)| (name.to_string(), (*since).into()));
        let empty: serde_json::Map<_, _> = empty.collect();
        json!({ "v": FORMAT, "instances": instances, "empty": empty }).to_string() + "\n"
    }
}

fn instance(id: &str, entry: &Value, realm: &Realm) -> Option<Instance> {
    let id = id.parse().ok()?;
    let mut instance = Instance::parse(entry.to_string().as_bytes(), &id, realm).ok()?;
    instance.enabled = entry["enabled"].as_bool().unwrap_or(true);
    Some(instance)
}
