//! What is a URL, what is none, and that nothing in between passes.

use super::*;
use crate::tests::random::Random;

fn service(text: &str) -> Option<(String, String)> {
    match text.parse() {
        Ok(Target::Service(name, path)) => Some((name.to_string(), path.to_string())),
        _ => None,
    }
}

#[test]
fn a_service_and_what_is_asked_of_it() {
    let long = "a".repeat(63);
    for (text, name, path) in [
        ("service://identity/teams/7", "identity", "/teams/7"),
        (
            "service://identity/teams?a=1&b=%2F",
            "identity",
            "/teams?a=1&b=%2F",
        ),
        ("service://a", "a", "/"),
        ("service://a?b", "a", "/?b"),
        ("service://eu-1-x/?", "eu-1-x", "/?"),
        ("service://a//b/../c;d=(e)", "a", "//b/../c;d=(e)"),
        (&format!("service://{long}/"), &long, "/"),
    ] {
        let expected = Some((name.to_owned(), path.to_owned()));
        assert_eq!(service(text), expected, "{text}");
    }
}

#[test]
fn a_plain_url_is_kept() {
    for text in [
        "http://example.com/",
        "http://example.com:8080/a?b=c",
        "https://[::1]:443/",
        "http://127.0.0.1:1/x",
    ] {
        let target: Target = text.parse().unwrap();
        assert_eq!(target, Target::Plain(text.parse().unwrap()));
    }
    let bare: Target = "HTTP://x".parse::<Target>().or("http://X".parse()).unwrap();
    assert_eq!(&*bare.key(), "http://x");
}

#[test]
fn everything_else_is_refused() {
    let long = format!("service://{}/", "a".repeat(64));
    for text in [
        "",
        "identity",
        "identity/teams",
        "/teams",
        "://a/",
        "service:/a",
        "service://",
        "service:///x",
        "service://A/",
        "service://Identity/",
        "service://a;b/",
        "service://1a/",
        "service://-a/",
        "service://a_b/",
        "service://a.b/",
        "service://a:80/",
        "service://u@a/",
        "service://[::1]/",
        "service://127.0.0.1/",
        "service://ä/",
        "service://a /",
        "service://a/ b",
        "service://a/\tb",
        "service://a/\r\nx-evil: 1",
        "service://a/\0",
        "service://a/ä",
        "service://a/#top",
        "service://a#top",
        "service://a/%",
        "service://a/%4",
        "service://a/%zz",
        "service://a/<b>",
        "service://a/\\b",
        "service://a\\b/",
        "Service://a/",
        " service://a/",
        "service://a/ ",
        "ftp://a/",
        "file:///etc/passwd",
        "http://",
        "http:///x",
        "http://u:p@a/",
        "http://a:/",
        "http://a b/",
        "http://a:99999999/",
        "https://a/#top",
        &long,
        &format!("service://a/{}", "x".repeat(70_000)),
    ] {
        assert!(text.parse::<Target>().is_err(), "{text:?}");
    }
}

#[test]
fn what_is_encoded_is_one_segment() {
    assert_eq!(encode("a-b._~9"), "a-b._~9");
    assert_eq!(encode("../a b?c&d=ä"), "..%2Fa%20b%3Fc%26d%3D%C3%A4");
}

/// What URLs are made of, and what has no place in them.
const PIECES: &[&str] = &[
    "service://",
    "http://",
    "https://",
    "a",
    "identity",
    "-",
    "9",
    "Z",
    "/",
    "//",
    "?",
    "#",
    "%",
    "%2F",
    "%0a",
    "@",
    ":",
    ":80",
    ";",
    "\r\n",
    "\0",
    " ",
    "..",
    "ä",
    "\\",
    "&",
    "=",
    "",
    "",
    "",
    "[",
    "]",
    "{",
    "😀",
    "x-service: b",
];

/// Whether it is a URL; if it is, then one that says nothing but what is sent.
fn passes(text: &str) -> bool {
    let Ok(target) = text.parse::<Target>() else {
        return false;
    };
    let (printed, sent) = match &target {
        Target::Service(name, path) => {
            let rest = text.strip_prefix("service://").unwrap();
            let authority = rest.split(['/', '?']).next().unwrap();
            assert_eq!(name.as_str(), authority);
            assert!(authority.parse::<ServiceName>().is_ok());
            (format!("service://{name}{path}"), path.to_string())
        }
        Target::Plain(uri) => {
            assert!(uri.host().is_some_and(|host| !host.is_empty()));
            let path = uri.path_and_query().unwrap();
            (uri.to_string(), path.to_string())
        }
    };
    assert_eq!(printed.parse(), Ok(target));
    assert!(sent.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
    assert!(
        text.ends_with(sent.trim_start_matches('/')),
        "{text:?} {sent:?}"
    );
    true
}

#[test]
fn whatever_passes_is_a_clean_request_for_a_valid_name() {
    let mut passed = 0;
    let mut random = Random::new();
    for _ in 0..100_000 {
        let tail = random.text(PIECES);
        let (named, any) = (format!("service://{tail}"), random.any_text());
        let texts = [&tail, &named, &any, &format!("service://a{any}")];
        for text in texts {
            passed += usize::from(passes(text));
        }
    }
    assert!(passed > 1000, "{passed}");
}

#[test]
fn what_is_encoded_always_fits_and_says_the_same() {
    let pieces = [
        "a", "/", "?", "%", "#", " ", "ä", "\0", "\n", "&", "=", "+", "😀", "~",
    ];
    let mut random = Random::new();
    for _ in 0..10_000 {
        let text = random.text(&pieces) + &random.any_text();
        let encoded = encode(&text);
        let url = format!("service://a/{encoded}?{encoded}={encoded}");
        let (_, path) = service(&url).expect("a URL");
        assert_eq!(path, url["service://a".len()..]);
        assert_eq!(decode(&encoded), text);
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((first, tail)) = rest.split_at_checked(1) {
        let digits = tail.get(..2).filter(|_| first == "%");
        bytes.push(digits.map_or(first.as_bytes()[0], |two| {
            u8::from_str_radix(two, 16).unwrap()
        }));
        rest = digits.map_or(tail, |two| &tail[two.len()..]);
    }
    String::from_utf8(bytes).unwrap()
}
