//! `ServiceName`: the one parser of names, and everything that derives from a name.
//!
//! A service's name is at once a directory, a cargo package, a binary, a host name, a container
//! image and an environment prefix, so it must satisfy all of their authorities. Nothing here
//! does I/O, and nothing here renames: a refusal comes with an offer that itself passes.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Kind};

/// The longest DNS label, in bytes (RFC 1035, section 2.3.4).
const LONGEST: usize = 63;

/// A name every authority accepts: `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`, at most 63 bytes, reserved by
/// nobody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceName(String);

/// Crate names that are taken where the service will live.
#[derive(Clone, Copy, Debug, Default)]
pub struct Neighbours<'a> {
    /// Direct dependencies of the rendered manifest (normal, dev and build).
    pub dependencies: &'a [String],
    /// Packages of the surrounding workspace.
    pub members: &'a [String],
}

/// Why a name was refused, and a name that would not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    given: String,
    reason: Reason,
    /// A name that passes, when one can be made of what was given.
    pub offer: Option<ServiceName>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    Empty,
    TooLong(usize),
    Start(char),
    Letter(char),
    Hyphen,
    Reserved(&'static str),
    Dependency,
    Member,
}

impl ServiceName {
    /// The name, or who forbids it and what to take instead.
    pub fn parse(given: &str, beside: Neighbours) -> Result<Self, Refusal> {
        match objection(given, beside) {
            None => Ok(Self(given.to_owned())),
            Some(reason) => Err(Refusal {
                given: given.to_owned(),
                reason,
                offer: offer(given, beside),
            }),
        }
    }

    /// The name as given: package, binary and directory.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The Rust crate: `my_awesome_service`.
    #[must_use]
    pub fn crate_name(&self) -> String {
        self.0.replace('-', "_")
    }

    /// What the service's environment variables begin with: `MY_AWESOME_SERVICE`.
    #[must_use]
    pub fn env_prefix(&self) -> String {
        self.crate_name().to_uppercase()
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = self.given.escape_debug();
        match &self.reason {
            Reason::Empty => write!(f, "a service needs a name"),
            Reason::TooLong(bytes) => write!(
                f,
                "`{given}` cannot name a service: it has {bytes} bytes, a DNS label at most {LONGEST}"
            ),
            Reason::Start(c) => write!(
                f,
                "`{given}` cannot name a service: it starts with {}, a DNS label with a letter `a` to `z`",
                shown(*c)
            ),
            Reason::Letter(c) => write!(
                f,
                "`{given}` cannot name a service: {} is none of `a` to `z`, `0` to `9` and `-`, all a DNS label may hold",
                shown(*c)
            ),
            Reason::Hyphen => write!(
                f,
                "`{given}` cannot name a service: each `-` must stand between two letters or digits (DNS label)"
            ),
            Reason::Reserved(authority) => {
                write!(f, "`{given}` cannot name a service: {authority}")
            }
            Reason::Dependency => write!(
                f,
                "`{given}` cannot name a service: the service depends on a crate of this name (rustc, E0464)"
            ),
            Reason::Member => write!(
                f,
                "`{given}` cannot name a service: the workspace has a package of this crate name (cargo)"
            ),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let error = Self::new(Kind::Name, refusal.to_string());
        match refusal.offer {
            Some(offer) => error.help(format!("did you mean `{offer}`?")),
            None => error.help("generate-service my-service"),
        }
    }
}

/// A character as a message can show it, invisible ones by their number.
fn shown(c: char) -> String {
    if c == ' ' {
        "a space".to_owned()
    } else if c.is_alphanumeric() || c.is_ascii_graphic() {
        format!("`{c}`")
    } else {
        format!("U+{:04X}", u32::from(c))
    }
}

fn objection(given: &str, beside: Neighbours) -> Option<Reason> {
    shape(given)
        .or_else(|| reserved(given).map(Reason::Reserved))
        .or_else(|| {
            let taken = |names: &[String]| names.iter().any(|name| same_crate(name, given));
            if taken(beside.dependencies) {
                Some(Reason::Dependency)
            } else {
                taken(beside.members).then_some(Reason::Member)
            }
        })
}

/// What the grammar has against the name.
fn shape(given: &str) -> Option<Reason> {
    let first = given.chars().next();
    let foreign = given
        .chars()
        .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-'));
    match (first, foreign) {
        (None, _) => Some(Reason::Empty),
        (_, Some(c)) => Some(Reason::Letter(c)),
        (Some('-'), _) => Some(Reason::Hyphen),
        (Some(c), _) if !c.is_ascii_lowercase() => Some(Reason::Start(c)),
        _ if given.ends_with('-') || given.contains("--") => Some(Reason::Hyphen),
        _ => (given.len() > LONGEST).then_some(Reason::TooLong(given.len())),
    }
}

/// Crates are told apart by letters alone: cargo and rustc take `-` for `_`.
fn same_crate(one: &str, other: &str) -> bool {
    one.replace('-', "_") == other.replace('-', "_")
}

/// Who forbids a well-formed name.
fn reserved(name: &str) -> Option<&'static str> {
    let crate_name = name.replace('-', "_");
    if KEYWORDS.contains(&crate_name.as_str()) {
        return Some("a keyword of Rust (the Rust reference, keywords of all editions)");
    }
    if is_device(name) {
        return Some("Windows keeps this name for a device");
    }
    RESERVED
        .iter()
        .find(|(names, _)| names.contains(&name))
        .map(|(_, authority)| *authority)
}

/// Strict, reserved and future keywords of every edition up to 2024 (the Rust reference,
/// "Keywords"); `self` stands for `Self` too, since names have no capitals. Weak keywords
/// (`union`, `raw`, …) make good crates.
pub const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Names others have a use for, and who they are.
const RESERVED: &[(&[&str], &str)] = &[
    (
        &["build", "deps", "examples", "incremental"],
        "cargo keeps this name for a directory of build artifacts",
    ),
    (
        &["test"],
        "Rust's own crate `test` shadows it, so that `cargo test` fails (cargo)",
    ),
    (
        &["alloc", "core", "proc-macro", "std"],
        "a crate of Rust's own standard library",
    ),
    (
        &["bin", "lib", "main", "src", "target"],
        "cargo gives files and directories of a package this name",
    ),
    (
        &["localhost"],
        "RFC 6761 keeps this host name for the machine itself",
    ),
    (
        &["kubernetes"],
        "Kubernetes keeps this service name for its own API",
    ),
    (
        &["atlas"],
        "its variables, `ATLAS_…`, are those of Atlas, the registry",
    ),
];

/// `con`, `com1` and their like (Microsoft, "Naming Files, Paths, and Namespaces").
fn is_device(name: &str) -> bool {
    let numbered = |stem: &str| {
        name.strip_prefix(stem)
            .is_some_and(|n| n.len() == 1 && n.as_bytes()[0].is_ascii_digit())
    };
    matches!(name, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

/// The nearest name that passes: transliterated, hyphenated, shortened, and made unlike whatever
/// reserved it by a suffix.
fn offer(given: &str, beside: Neighbours) -> Option<ServiceName> {
    let plain = hyphenated(given);
    let mut shortened = plain.chars().take(LONGEST).collect::<String>();
    shortened.truncate(shortened.trim_end_matches('-').len());
    let candidates = [
        shortened.clone(),
        format!("{shortened}-service"),
        format!("service-{shortened}"),
    ];
    candidates
        .into_iter()
        .find(|candidate| !shortened.is_empty() && objection(candidate, beside).is_none())
        .map(ServiceName)
}

/// `MyHTTPService`, `my_service`, ` naïve svc` as words between hyphens.
fn hyphenated(given: &str) -> String {
    let letters = given.nfkd().filter(|c| !is_mark(*c)).collect::<Vec<_>>();
    let mut words = String::new();
    for (i, &c) in letters.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| letters[i]);
        let after = letters.get(i + 1);
        if starts_word(before, c, after.copied()) && !words.ends_with('-') {
            words.push('-');
        }
        match c {
            _ if c.is_ascii_alphanumeric() => words.push(c.to_ascii_lowercase()),
            _ if !words.ends_with('-') => words.push('-'),
            _ => {}
        }
    }
    words.trim_matches('-').to_owned()
}

/// A capital starts a word after a small letter (`myService`) and at the end of a run of capitals
/// (`HTTPService`).
fn starts_word(before: Option<char>, c: char, after: Option<char>) -> bool {
    let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    c.is_ascii_uppercase()
        && before.is_some_and(|b| {
            small(b) || (b.is_ascii_uppercase() && after.is_some_and(|a| a.is_ascii_lowercase()))
        })
}

/// Combining marks, which decomposition leaves behind (`ï` is `i` and U+0308), and what cannot
/// be seen (zero-width and bidirectional controls).
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}
