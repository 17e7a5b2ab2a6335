//! Where a value stands in a document, and what cargo makes of values there.

/// The keys that lead to a value.
#[derive(Clone, Debug, Default)]
pub struct Place(Vec<String>);

/// Arrays of which only the elements count, and whose absence says the same as an empty one.
const SETS: [&str; 9] = [
    "authors",
    "categories",
    "default-members",
    "exclude",
    "features",
    "include",
    "keywords",
    "members",
    "required-features",
];

/// Tables of dependencies.
const DEPENDENCIES: [&str; 5] = [
    "build-dependencies",
    "build_dependencies",
    "dependencies",
    "dev-dependencies",
    "dev_dependencies",
];

impl Place {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// Of a key of the table that stands here.
    pub fn then(&self, key: &str) -> Self {
        let mut keys = self.0.clone();
        keys.push(key.to_owned());
        Self(keys)
    }

    /// Of the elements of the array that stands here.
    pub fn element(&self) -> Self {
        self.then("[]")
    }

    /// The key that a bare text stands for: `"1"` is `{ version = "1" }`.
    pub fn shorthand(&self) -> Option<&'static str> {
        let keys = self.keys();
        let (_, above) = keys.split_last()?;
        if is_dependencies(above) {
            Some("version")
        } else if matches!(above, ["lints", _] | ["workspace", "lints", _]) {
            Some("level")
        } else {
            None
        }
    }

    /// Whether a dependency stands here.
    pub fn is_dependency(&self) -> bool {
        self.shorthand() == Some("version")
    }

    /// Whether the order of the elements of an array says nothing here.
    pub fn is_set(&self) -> bool {
        self.is_optional_set() || matches!(self.keys().as_slice(), ["features", _])
    }

    /// Whether such an array may as well be absent as be empty. A feature may not.
    pub fn is_optional_set(&self) -> bool {
        match self.keys().as_slice() {
            ["features", _] | [] => false,
            [.., last] => SETS.contains(last),
        }
    }

    /// Whether a table here only holds others together, so that it says nothing when empty.
    pub fn is_section(&self) -> bool {
        let keys = self.keys();
        is_dependencies(&keys)
            || matches!(
                keys.as_slice(),
                ["answers" | "features" | "lints" | "patch" | "profile" | "target"]
                    | ["lints" | "patch" | "target", _]
                    | ["package", "metadata"]
                    | ["workspace", "lints" | "metadata" | "package"]
                    | ["workspace", "lints", _]
            )
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

fn is_dependencies(keys: &[&str]) -> bool {
    match keys {
        [last] | ["target", _, last] => DEPENDENCIES.contains(last),
        ["workspace", "dependencies"] | ["patch", _] => true,
        _ => false,
    }
}
