//! Where am I?

use std::fmt;
use std::str::FromStr;

/// The name of an environment: `local`, `test`, `prod`, or one of your own.
///
/// It comes from the environment only, and it names a file, so it is checked: `a` to
/// `z`, then also digits and `-`, at most 63 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm(String);

impl Realm {
    /// Whether this is a developer's machine.
    pub fn is_local(&self) -> bool {
        self.0 == "local"
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Realm {
    fn default() -> Self {
        Self("local".to_owned())
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Realm {
    type Err = InvalidRealm;

    fn from_str(text: &str) -> Result<Self, InvalidRealm> {
        let tail = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let valid = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(tail)
            && text.len() <= 63;
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRealm(text.to_owned()))
        }
    }
}

/// A text that is no realm's name.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidRealm(String);

impl fmt::Display for InvalidRealm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "found string {:?}, expected a name like local, test or prod",
            self.0
        )
    }
}

impl std::error::Error for InvalidRealm {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_accepted() {
        for name in ["local", "test", "prod", "eu-west-1", "a", &"a".repeat(63)] {
            assert_eq!(name.parse::<Realm>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let long = "a".repeat(64);
        for name in ["", "Prod", "1st", "-a", "a/b", "../prod", "a.b", "ä", &long] {
            let refusal = Err(InvalidRealm(name.to_owned()));
            assert_eq!(name.parse::<Realm>(), refusal);
        }
    }

    #[test]
    fn local_is_the_default() {
        assert!(Realm::default().is_local());
    }
}
