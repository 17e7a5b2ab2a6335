//! `routes.json`: the last good state, for the next Sidecar, and for clients while `HAProxy` is away.

use std::collections::BTreeMap;
use std::path::Path;

use atlas::{Instance, InstanceId, Realm, ServiceName};
use serde_json::Value;

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

    /// Put together from lines that are JSON already: there may be ten thousand.
    fn text(&self) -> String {
        let instances = self.instances.values().map(|instance| {
            let line = instance.to_line();
            let fields = line.trim_end().strip_suffix('}').unwrap_or("{");
            format!(
                "\"{}\":{fields},\"enabled\":{}}}",
                instance.id, instance.enabled
            )
        });
        let empty = self.empty.iter();
        let empty = empty.map(|(name, since)| format!("\"{name}\":{since}"));
        let (instances, empty) = (listed(instances), listed(empty));
        format!("{{\"v\":{FORMAT},\"instances\":{{{instances}}},\"empty\":{{{empty}}}}}\n")
    }
}

fn listed(fields: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for field in fields {
        text += if text.is_empty() { "" } else { "," };
        text += &field;
    }
    text
}

fn instance(id: &str, entry: &Value, realm: &Realm) -> Option<Instance> {
    let id = id.parse().ok()?;
    let mut instance = Instance::parse(entry.to_string().as_bytes(), &id, realm).ok()?;
    instance.enabled = entry["enabled"].as_bool().unwrap_or(true);
    Some(instance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut routes = Routes::default();
        for (id, enabled) in [("identity@h1:5000", true), ("search@h2:9200", false)] {
            let id: InstanceId = id.parse().expect("an instance");
            let mut instance = Instance::new(id.clone(), [127, 0, 0, 1].into(), Realm::default());
            instance.enabled = enabled;
            routes.instances.insert(id, instance);
        }
        for name in ["billing", "orders"] {
            routes.empty.insert(name.parse().expect("a name"), 7);
        }
        routes.save(file.path()).expect("saved");
        assert_eq!(Routes::load(file.path(), &Realm::default()), routes);
        Routes::default().save(file.path()).expect("saved");
        let empty = Routes::load(file.path(), &Realm::default());
        assert_eq!(empty, Routes::default());
    }
}
