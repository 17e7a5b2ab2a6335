//! Whatever stands in the layers: the last one that has a key wins, and what cannot be used
//! is refused by its name, in one line.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::tests::random::Random;

type Number = fn(&Config) -> u64;

/// The settings that are numbers, and how to find them.
const NUMBERS: &[(&str, Number)] = &[
    ("port", |config| config.port.into()),
    ("log.max_file_bytes", |config| {
        config.log.max_file_bytes.get()
    }),
    ("log.max_files", |config| config.log.max_files.get() as u64),
    ("http.timeout_seconds", |config| {
        config.http.timeout.as_secs()
    }),
    ("http.body_limit_bytes", |config| {
        config.http.body_limit_bytes as u64
    }),
    ("http.head_limit_bytes", |config| {
        config.http.head_limit_bytes as u64
    }),
    ("http.concurrency_limit", |config| {
        config.http.concurrency_limit.get() as u64
    }),
    ("health.cache_seconds", |config| {
        config.health.cache.as_secs()
    }),
    ("shutdown.drain_seconds", |config| {
        config.shutdown.drain.as_secs()
    }),
    ("shutdown.grace_seconds", |config| {
        config.shutdown.grace.as_secs()
    }),
];

/// Of each; all settings are put together each time.
const TIMES: usize = 500;

/// What environments are made of.
const PIECES: &[&str] = &[
    "0",
    "1",
    "70000",
    "99999999999999999999",
    "-",
    "+",
    ".",
    "e",
    "true",
    "info",
    "json",
    "=",
    ",",
    ":",
    "/",
    "://",
    "@",
    "?",
    "#",
    "%",
    "%zz",
    "[",
    "]",
    "localhost",
    "127.0.0.1",
    "::1",
    "http",
    " ",
    "\n",
    "\0",
    "\"",
    "ä",
    "😀",
];

/// A directory with a file for the realm `local`, gone with the value.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let name = format!("{}-{name}-{}", crate::NAME, std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Loads the settings with this text in the file.
    fn load(&self, file: &str, settings: &[(&str, &str)]) -> Result<Config, Error> {
        fs::write(self.0.join("local.toml"), file).unwrap();
        let directory = self.0.to_str().unwrap();
        let all = [&[("CONFIG_DIR", directory)], settings].concat();
        load(&environment(&all)).map(|(_, config)| config)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `http.timeout_seconds` is set by `HTTP__TIMEOUT_SECONDS`.
fn screaming(key: &str) -> String {
    key.to_uppercase().replace('.', "__")
}

/// Loads the settings with this text in the environment; if it is refused then by name, in
/// one line.
fn accepted(key: &str, text: &str) -> Option<Config> {
    let error = match load(&environment(&[(&screaming(key), text)])) {
        Ok((_, config)) => return Some(config),
        Err(error) => error.to_string(),
    };
    let origin = format!(", in environment variable {}", variable(&screaming(key)));
    assert!(error.starts_with(&format!("invalid {key}: ")), "{error}");
    assert!(error.ends_with(&origin), "{error}");
    assert!(!error.contains(char::is_control), "{error:?}");
    None
}

#[test]
fn the_last_layer_that_has_a_key_wins() {
    let defaults = config(&[]);
    let directory = Directory::new("layers");
    let mut random = Random::new();
    for _ in 0..TIMES {
        let mut draw = || (random.below(2) == 0).then(|| random.below(65535) as u64 + 1);
        let drawn: Vec<_> = NUMBERS.iter().map(|_| (draw(), draw())).collect();
        let (mut file, mut variables, mut expected) = (String::new(), Vec::new(), Vec::new());
        for ((key, of), (in_file, in_variable)) in NUMBERS.iter().zip(drawn) {
            file.extend(in_file.map(|number| format!("{key} = {number}\n")));
            variables.extend(in_variable.map(|number| (screaming(key), number.to_string())));
            expected.push(in_variable.or(in_file).unwrap_or_else(|| of(&defaults)));
        }
        let variables: Vec<_> = variables
            .iter()
            .map(|(key, text)| (&**key, &**text))
            .collect();
        let config = directory.load(&file, &variables).unwrap();
        let found: Vec<_> = NUMBERS.iter().map(|(_, of)| of(&config)).collect();
        assert_eq!(found, expected, "{file}{variables:?}");
    }
}

#[test]
fn a_number_is_what_it_says_or_is_refused() {
    let mut random = Random::new();
    for _ in 0..TIMES {
        let (key, of) = NUMBERS[random.below(NUMBERS.len())];
        let text = random.text(PIECES);
        if let Some(config) = accepted(key, &text) {
            let number = text.trim().parse();
            assert_eq!(number, Ok(i128::from(of(&config))), "{key} {text:?}");
        }
    }
}

/// Any text for settings that are texts.
fn texts(keys: &[&str]) {
    let mut random = Random::new();
    for _ in 0..TIMES {
        let key = keys[random.below(keys.len())];
        for text in [random.text(PIECES), random.any_text()] {
            accepted(key, &text);
        }
    }
}

#[test]
fn a_text_is_used_or_refused() {
    texts(&["host", "log.filter", "log.format", "log.directory"]);
    let mut random = Random::new();
    for _ in 0..TIMES {
        let text = random.text(&["127.", "0.", "1", "::", "a", ":", " ", "256"]);
        if let Some(config) = accepted("host", &text) {
            assert_eq!(text.parse(), Ok(config.host));
        }
    }
}

#[cfg(feature = "api")]
#[test]
fn what_the_smart_client_needs_is_used_or_refused() {
    texts(&["api.sidecar", "api.header"]);
}

#[cfg(feature = "otel")]
#[test]
fn an_endpoint_is_used_or_refused() {
    texts(&["otel.endpoint"]);
}

#[cfg(feature = "database")]
#[test]
fn a_database_is_used_or_refused_without_its_password() {
    secrets("database.url", "postgres");
}

#[cfg(feature = "redis")]
#[test]
fn a_redis_is_used_or_refused_without_its_password() {
    secrets("redis.url", "redis");
}

/// A password is shown neither by the refusal nor by the settings.
#[cfg(any(feature = "database", feature = "redis"))]
fn secrets(key: &str, scheme: &str) {
    texts(&[key]);
    let pieces = [PIECES, &["unix", "sslmode=", "password="]].concat();
    let mut random = Random::new();
    for _ in 0..TIMES {
        let text = format!("{scheme}://me:hunter2{}", random.text(&pieces));
        let shown = match load(&environment(&[(&screaming(key), &text)])) {
            Ok((_, config)) => format!("{config:?}"),
            Err(error) => error.to_string(),
        };
        assert!(!shown.contains("hunter2"), "{text:?} {shown}");
    }
}

#[test]
fn any_variable_of_ours_is_a_setting_or_refused_by_name() {
    let pieces = [
        "LOG", "HTTP", "API", "PORT", "FILTER", "__", "_", ".", "", "ä", "0", "a", " ",
    ];
    let mut random = Random::new();
    for _ in 0..TIMES {
        let key = random.text(&pieces);
        if let Err(error) = load(&environment(&[(&key, "1")])) {
            let error = error.to_string();
            let reserved = ["REALM", "CONFIG_DIR"].contains(&&*key);
            assert!(
                reserved || error.contains(&variable(&key)),
                "{key:?} {error}"
            );
        }
    }
}

#[test]
fn any_file_is_used_or_refused_by_name() {
    let pieces = [
        "port",
        "log",
        "http",
        "[",
        "]",
        "=",
        " = ",
        "\n",
        ".",
        "\"",
        "'''",
        "7",
        "-1",
        "1e9",
        "{",
        "}",
        "true",
        "1979-05-27",
        "ä",
        "\0",
        "#",
        "filter",
        "[log]\n",
        "timeout_seconds",
    ];
    let directory = Directory::new("files");
    let mut random = Random::new();
    for _ in 0..TIMES {
        let text = random.text(&pieces) + &random.text(&pieces);
        if let Err(error) = directory.load(&text, &[]) {
            let error = error.to_string();
            assert!(error.contains("local.toml"), "{text:?} {error}");
            assert!(!error.contains(char::is_control), "{text:?} {error:?}");
        }
    }
}
