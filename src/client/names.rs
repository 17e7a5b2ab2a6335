//! Names of Rust, made of names that others chose.

use std::collections::BTreeSet;

use crate::name::KEYWORDS;

/// Names that are taken; a second `team` becomes `team2`.
#[derive(Clone, Debug, Default)]
pub struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// Names beside `taken`.
    pub fn beside(taken: &[&str]) -> Self {
        let taken = taken.iter().map(|&name| name.to_owned()).collect();
        Self { taken }
    }

    /// `wanted`, or a name like it that is still free.
    pub fn take(&mut self, wanted: &str) -> String {
        let bare = wanted.trim_start_matches("r#");
        let numbered = (2_u64..).map(|number| format!("{}{number}", bare.trim_end_matches('_')));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        let free = names.find(|name| !self.taken.contains(name));
        let free = free.unwrap_or_default();
        self.taken.insert(free.clone());
        free
    }
}

/// `text` as the name of a variable or a method, `fallback` if nothing of it can be said.
pub fn snake(text: &str, fallback: &str) -> String {
    let name = words(text).join("_");
    match name.as_str() {
        "" => fallback.to_owned(),
        // Not even `r#` makes names of these.
        "self" | "super" | "crate" => format!("{name}_"),
        _ if KEYWORDS.contains(&name.as_str()) => format!("r#{name}"),
        _ if name.starts_with(|first: char| first.is_ascii_digit()) => format!("{fallback}_{name}"),
        _ => name,
    }
}

/// `text` as the name of a type or a variant, `fallback` if nothing of it can be said.
pub fn pascal(text: &str, fallback: &str) -> String {
    let capital = |word: &String| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    };
    let name: String = words(text).iter().map(capital).collect();
    match name.as_str() {
        "" => fallback.to_owned(),
        "Self" => format!("{fallback}{name}"),
        _ if name.starts_with(|first: char| first.is_ascii_digit()) => format!("{fallback}{name}"),
        _ => name,
    }
}

/// The words of `getHTTPStatus` and of `get-http-status`, in lower case: `get`, `http`, `status`.
fn words(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut words = vec![String::new()];
    for (i, letter) in letters.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| letters[i]);
        let after = letters.get(i + 1);
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                !before.is_ascii_uppercase() || after.is_some_and(char::is_ascii_lowercase)
            });
        if begins || !letter.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_ascii_alphanumeric()) {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
