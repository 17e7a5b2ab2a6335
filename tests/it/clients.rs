//! `generate-service client`: a typed client of another service, written into one that is there.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use crate::live::Live;
use crate::sandbox::{Run, Sandbox, listing, snapshot, until, warm_target};

/// As much of a service as a client needs to be written into it.
pub fn caller(sandbox: &Sandbox, name: &str) {
    let file = |path: &str, text: &str| sandbox.write(format!("work/{name}/{path}"), text);
    file("service.toml", "[service]\n");
    file("src/api.rs", "");
    file(
        "src/main.rs",
        "pub mod api;\npub mod app;\n#[cfg(test)]\nmod tests;\n",
    );
}

/// A description of `pets` in version 2.
pub fn description(paths: &str, schemas: &str) -> String {
    format!(
        r#"{{"openapi":"3.1.0","info":{{"title":"pets","version":"2"}},"paths":{{{paths}}},"components":{{"schemas":{{{schemas}}}}}}}"#
    )
}

/// What a client's file says.
pub fn written(sandbox: &Sandbox, service: &str, module: &str) -> String {
    let path = format!("{service}/src/clients/{module}.rs");
    fs::read_to_string(sandbox.work().join(path)).expect("a client")
}

/// The smallest description with something to call.
fn small(sandbox: &Sandbox) {
    let paths = r#""/feed":{"post":{"operationId":"feed","responses":{"204":{}}}}"#;
    sandbox.write("work/pets.json", &description(paths, ""));
}

fn read(sandbox: &Sandbox, path: &str) -> String {
    fs::read_to_string(sandbox.work().join(path)).expect("a text")
}

#[test]
fn it_stands_among_the_modules_and_says_so() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    caller(&sandbox, "dashboard");
    let words = ["client", "pets.json", "--into", "dashboard"];
    let run = sandbox.run(words).ok();
    let said = "All done! The client of pets is in [ROOT]/work/dashboard/src/clients/pets.rs\n  \
                src/clients/pets.rs\n  src/clients.rs\n  src/main.rs\n  \
                clients::pets::Client::new(app.api.clone())     # feed\n";
    assert_eq!(
        (sandbox.anonymous(&run.stderr).as_str(), run.stdout.as_str()),
        (said, "")
    );
    assert_eq!(
        read(&sandbox, "dashboard/src/main.rs"),
        "pub mod api;\npub mod app;\npub mod clients;\n#[cfg(test)]\nmod tests;\n"
    );
    let list = "//! Clients of other services: `generate-service client SOURCE` writes them.\n\n";
    let of_pets = format!("{list}pub mod pets;\n");
    assert_eq!(read(&sandbox, "dashboard/src/clients.rs"), of_pets);
    for (name, modules) in [
        ("zoo", "pub mod pets;\npub mod zoo;\n"),
        (
            "cat-food",
            "pub mod cat_food;\npub mod pets;\npub mod zoo;\n",
        ),
    ] {
        sandbox.run(words.into_iter().chain(["--name", name])).ok();
        assert_eq!(
            read(&sandbox, "dashboard/src/clients.rs"),
            format!("{list}{modules}")
        );
    }
    let text = written(&sandbox, "dashboard", "cat_food");
    assert!(text.contains("service://cat-food/feed"), "{text}");
}

#[test]
fn a_second_run_changes_nothing_and_says_so() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    caller(&sandbox, "dashboard");
    let words = ["client", "pets.json", "--into", "dashboard"];
    sandbox.run(words).ok();
    let before = snapshot(&sandbox.work());
    let run = sandbox.run(words).ok();
    assert_eq!(
        sandbox.anonymous(&run.stderr),
        "[ROOT]/work/dashboard/src/clients/pets.rs is up to date\n"
    );
    assert_eq!(snapshot(&sandbox.work()), before);
}

#[test]
fn json_has_the_path() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    caller(&sandbox, "dashboard");
    let mut generator = sandbox.generator();
    generator.args(["client", "pets.json", "--into", "dashboard"]);
    let run = Run::of(generator.env("GENERATE_SERVICE_FORMAT", "json")).ok();
    let result: serde_json::Value = serde_json::from_str(&run.stdout).expect("one event");
    let path = sandbox.work().join("dashboard/src/clients/pets.rs");
    assert_eq!(result["path"], path.display().to_string());
    assert_eq!(result["status"], "done");
}

#[test]
fn other_versions_of_the_formatter_are_no_edits_and_edits_are_refused() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    caller(&sandbox, "dashboard");
    let words = ["client", "pets.json", "--into", "dashboard"];
    sandbox.run(words).ok();
    let file = "work/dashboard/src/clients/pets.rs";
    let text = written(&sandbox, "dashboard", "pets");
    sandbox.write(file, &text.replace("    ", "\t").replace('\n', "\r\n"));
    sandbox.run(words).ok();
    assert_eq!(written(&sandbox, "dashboard", "pets"), text);
    for edited in [
        text.replace("204", "205") + "// mine\n",
        "// mine\n".to_owned(),
    ] {
        sandbox.write(file, &edited);
        let before = snapshot(&sandbox.work());
        let run = sandbox.run(words);
        let said = sandbox.anonymous(&run.stderr);
        Run {
            stderr: said,
            ..run
        }
        .fails(
            4,
            "error: `[ROOT]/work/dashboard/src/clients/pets.rs` was edited by hand\n\
             help: keep the edits elsewhere, then replace it: --force\n",
        );
        assert_eq!(snapshot(&sandbox.work()), before);
        sandbox.run(words.into_iter().chain(["--force"])).ok();
        assert_eq!(written(&sandbox, "dashboard", "pets"), text);
    }
}

/// No file may be as large as the last one is: the others are as if nothing had been.
#[test]
fn all_files_change_or_none() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    caller(&sandbox, "dashboard");
    let main = format!("pub mod api;\n// {}\n", "x".repeat(100_000));
    sandbox.write("work/dashboard/src/main.rs", &main);
    let before = listing(&sandbox.work());
    let mut shell = sandbox.command("sh");
    let line = "trap '' XFSZ; ulimit -f 40; exec \"$0\" client pets.json --into dashboard";
    shell.args(["-c", line, env!("CARGO_BIN_EXE_generate-service")]);
    let run = Run::of(shell.current_dir(sandbox.work()));
    let message = "error: cannot write `[ROOT]/work/dashboard/src/main.rs`: file too large\n";
    assert_eq!(sandbox.anonymous(&run.stderr), message);
    assert_eq!(run.code, 1);
    assert_eq!(listing(&sandbox.work()), before);
    assert_eq!(read(&sandbox, "dashboard/src/main.rs"), main);
}

/// What cannot even be read is found before anything is written.
#[test]
fn a_list_that_is_none_is_refused() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    caller(&sandbox, "here");
    fs::create_dir(sandbox.work().join("here/src/clients.rs")).expect("a directory");
    let message = "error: cannot read `[ROOT]/work/here/src/clients.rs`: is a directory\n";
    refuses(&sandbox, &["pets.json", "--into", "here"], 1, message);
}

/// A server that gives one answer, as it stands.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        let mut request = [0; 1024];
        let _ = stream.read(&mut request);
        let _ = stream.write_all(answer.as_bytes());
    });
    address.to_string()
}

/// What the program says on `words`; nothing may have changed.
#[track_caller]
fn refuses(sandbox: &Sandbox, words: &[&str], code: i32, stderr: &str) {
    let before = snapshot(&sandbox.work());
    let run = sandbox.run(["client"].iter().chain(words));
    let said = sandbox.anonymous(&run.stderr);
    Run {
        stderr: said,
        ..run
    }
    .fails(code, stderr);
    assert_eq!(snapshot(&sandbox.work()), before);
}

/// Files that are no description, and what is said of them.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "words.json",
        "words",
        "`[ROOT]/work/words.json` is not JSON: expected value at line 1 column 1",
    ),
    (
        "list.json",
        "[]",
        "`[ROOT]/work/list.json` is no OpenAPI description of version 3",
    ),
    (
        "old.json",
        r#"{"swagger":"2.0","paths":{}}"#,
        "`[ROOT]/work/old.json` is no OpenAPI description of version 3",
    ),
    (
        "new.json",
        r#"{"openapi":"4.0.0","paths":{}}"#,
        "`[ROOT]/work/new.json` is OpenAPI 4.0.0; only version 3 is known",
    ),
    (
        "empty.json",
        r#"{"openapi":"3.0.3","info":{"title":"pets"},"paths":{}}"#,
        "`pets` describes nothing that a client could call\nhelp: name its handlers in src/openapi.rs",
    ),
    (
        "form.json",
        r#"{"openapi":"3.0.3","info":{"title":"pets"},"paths":{"/f":{"post":{"requestBody":{"content":{"text/plain":{}}}}}}}"#,
        "`pets` describes nothing that a client could call\nhelp: `POST /f`: its body is no JSON",
    ),
    (
        "title.json",
        r#"{"openapi":"3.0.3","info":{"title":"Pet Store"},"paths":{}}"#,
        "`Pet Store`, as the description calls itself, is no service's name\nhelp: say which service it is: --name pet-store",
    ),
    (
        "broken/service.toml",
        "=",
        "`[ROOT]/work/broken/service.toml` is not valid TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`",
    ),
    (
        "nobody/Cargo.toml",
        "",
        "`[ROOT]/work/nobody` is no service: it has no `service.toml`",
    ),
];

#[test]
fn descriptions_that_are_none_are_refused() {
    let sandbox = Sandbox::new();
    caller(&sandbox, "here");
    for (file, text, message) in WRONG {
        sandbox.write(format!("work/{file}"), text);
        let source = file.split('/').next().unwrap_or(file);
        let stderr = format!("error: {message}\n");
        refuses(&sandbox, &[source, "--into", "here"], 14, &stderr);
    }
}

/// An operation that cannot be called is no reason to do without the others.
#[test]
fn what_cannot_be_called_is_left_out() {
    let sandbox = Sandbox::new();
    let to = |schema: &str| {
        format!(
            r##"{{"content":{{"application/json":{{"schema":{{"$ref":"#/components/schemas/{schema}"}}}}}}}}"##
        )
    };
    let query = r#"{"name":"q","in":"query","required":true,"schema":{"type":"object"}}"#;
    let cookie = r#"{"name":"c","in":"cookie","required":true,"schema":{"type":"string"}}"#;
    let paths = [
        r#""/a":{"get":{"responses":{"204":{}}}}"#.to_owned(),
        format!(r#""/b":{{"get":{{"responses":{{"200":{}}}}}}}"#, to("None")),
        format!(
            r#""/c":{{"get":{{"responses":{{"200":{}}}}}}}"#,
            to("Circle")
        ),
        format!(r#""/d":{{"get":{{"parameters":[{query}]}}}}"#),
        format!(r#""/e":{{"get":{{"parameters":[{cookie}]}}}}"#),
        r#""/f/{id}":{"get":{}}"#.to_owned(),
        r#""/g?h":{"get":{}}"#.to_owned(),
        format!(r#""/h":{{"get":{{"responses":{{"200":{}}}}}}}"#, to("Half")),
    ];
    let schemas = r##""Circle":{"type":"array","items":{"$ref":"#/components/schemas/Circle"}},"Half":{"type":"object","properties":{"a":{"type":"object","properties":{"b":{}}},"z":{"$ref":"#/none"}}}"##;
    sandbox.write("work/pets.json", &description(&paths.join(","), schemas));
    caller(&sandbox, "here");
    let run = sandbox.run(["client", "pets.json", "--into", "here"]).ok();
    let lines = run
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("warning: "));
    let reasons = [
        "`GET /b`: there is no `#/components/schemas/None` in the description",
        "`GET /c`: schema `CircleItem` is nested too deeply",
        "`GET /d`: parameter `q` is no plain value",
        "`GET /e`: parameter `c` goes into a cookie",
        "`GET /f/{id}`: nothing describes the parameter `id` of its path",
        "`GET /g?h`: its path makes no sense",
        "`GET /h`: schema `Half`, `z`: there is no `#/none` in the description",
    ];
    let warnings = reasons.map(|reason| format!("{reason}, so it is left out"));
    assert_eq!(lines.collect::<Vec<_>>(), warnings);
    let text = written(&sandbox, "here", "pets");
    let at = text.find("\n}\n\n// Left out").expect("no types at all") + 3;
    let comments = reasons.map(|reason| format!("\n// Left out: {reason}.\n"));
    assert_eq!(&text[at..], comments.concat());
}

#[test]
fn sources_that_are_none_are_refused() {
    let sandbox = Sandbox::new();
    caller(&sandbox, "here");
    sandbox.write("work/huge.json", &" ".repeat((8 << 20) + 1));
    Run::of(sandbox.command("mkfifo").arg(sandbox.work().join("pipe"))).ok();
    for (source, code, message) in [
        (
            "none.json",
            14,
            "cannot read `[ROOT]/work/none.json`: no such file or directory",
        ),
        (
            "pipe",
            14,
            "`[ROOT]/work/pipe` is neither a directory nor a file",
        ),
        (
            "huge.json",
            14,
            "`[ROOT]/work/huge.json` is larger than 8 MiB",
        ),
        (
            "https://x.example/a?b='c'",
            2,
            "`https://x.example/a?b='c'` is behind HTTPS\nhelp: curl -o openapi.json 'https://x.example/a?b='\\''c'\\''' && generate-service client openapi.json",
        ),
    ] {
        let args = [source, "--into", "here"];
        refuses(&sandbox, &args, code, &format!("error: {message}\n"));
    }
}

#[test]
fn servers_that_do_not_describe_themselves_are_refused() {
    let sandbox = Sandbox::new();
    caller(&sandbox, "here");
    let closed = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr();
    for (address, path, message) in [
        (
            closed.expect("an address").to_string(),
            "",
            "io: Connection refused",
        ),
        (
            server("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
            "/a.json",
            "http status: 404",
        ),
        (
            server("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"),
            "/",
            "io: Peer disconnected",
        ),
    ] {
        let url = format!("http://{address}{path}");
        let asked = if path.len() > 1 {
            url.clone()
        } else {
            format!("http://{address}/openapi.json")
        };
        let run = sandbox.run(["client", &url, "--into", "here"]);
        let begin = format!("error: cannot read `{asked}`: {message}");
        assert!(run.stderr.starts_with(&begin), "{} {begin}", run.stderr);
        assert!(
            run.stderr.ends_with(&format!("\nhelp: curl '{asked}'\n")),
            "{}",
            run.stderr
        );
        assert_eq!(run.code, 14);
    }
}

#[test]
fn callers_that_cannot_call_are_refused() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    for name in ["deaf", "alone"] {
        caller(&sandbox, name);
    }
    fs::remove_file(sandbox.work().join("deaf/src/api.rs")).expect("a file");
    sandbox.write("work/alone/src/main.rs", "fn main() {}\n");
    let service = "help: cd into the service that calls, or name it: --into SERVICE_DIR\n";
    let api = "help: copy `src/api` from a service that has it: generate-service NAME --with api\n";
    for (words, code, stderr) in [
        (vec!["pets.json"], 2, format!("error: `[ROOT]/work` is no service: it has no `service.toml`\n{service}")),
        (vec!["pets.json", "--into", "nowhere"], 2, format!("error: `[ROOT]/work/nowhere` is no service: it has no `service.toml`\n{service}")),
        (vec!["pets.json", "--into", "deaf"], 2, format!("error: `[ROOT]/work/deaf` cannot call others: it has no part `api`\n{api}")),
        (vec!["pets.json", "--into", "alone"], 2, format!("error: `[ROOT]/work/alone/src/main.rs` has no line `pub mod api;`\n{api}")),
        (vec![], 2, "error: the following required arguments were not provided: <SOURCE>\nhelp: generate-service --help\n".to_owned()),
    ] {
        refuses(&sandbox, &words, code, &stderr);
    }
    caller(&sandbox, "here");
    let run = sandbox.run(["client", "pets.json", "--into", "here", "--name", "Pets"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
}

/// A crate without dependencies that calls itself a service.
fn program(sandbox: &Sandbox, name: &str, main: &str) -> Command {
    let file = |path: &str, text: &str| sandbox.write(format!("work/{name}/{path}"), text);
    let package =
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    file("Cargo.toml", &package);
    let locked = format!("version = 4\n\n[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\n");
    file("Cargo.lock", &locked);
    file("service.toml", "[service]\nname = \"pets\"\nport = 5007\n");
    file("src/main.rs", main);
    caller(sandbox, "here");
    let mut generator = sandbox.generator();
    generator.args(["client", name, "--into", "here"]);
    generator
}

#[test]
fn services_that_do_not_answer_are_refused() {
    let sandbox = Sandbox::new();
    let waiting = |name: &str| format!("Building [ROOT]/work/{name}, to ask it what it answers\n");
    let silent = |name: &str| {
        format!(
            "{}error: `[ROOT]/work/{name}` does not describe itself when run with the word `openapi`\n\
             help: start it, then: generate-service client http://127.0.0.1:5007\n",
            waiting(name)
        )
    };
    for (name, main, code, stderr) in [
        (
            "fails",
            "fn main() { std::process::exit(2) }",
            14,
            silent("fails"),
        ),
        // As a service does that is older than the word.
        (
            "serves",
            "fn main() { loop { std::thread::park() } }",
            14,
            silent("serves"),
        ),
        (
            "chats",
            "fn main() { println!(\"hello\") }",
            14,
            waiting("chats")
                + "error: what `[ROOT]/work/chats` says of itself is not JSON: expected value at line 1 column 1\n",
        ),
    ] {
        let run = Run::of(&mut program(&sandbox, name, main));
        let said = sandbox.anonymous(&run.stderr);
        Run {
            stderr: said,
            ..run
        }
        .fails(code, &stderr);
    }
}

#[test]
fn services_that_do_not_build_are_refused() {
    let sandbox = Sandbox::new();
    let run = Run::of(&mut program(&sandbox, "odd", "fn main() { odd }"));
    let end = "\nerror: `cargo build --locked` failed in `[ROOT]/work/odd`\n";
    assert!(
        sandbox.anonymous(&run.stderr).ends_with(end),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("cannot find value `odd`"),
        "{}",
        run.stderr
    );
    assert_eq!(run.code, 11);
}

#[test]
fn without_a_formatter_nothing_is_written() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    caller(&sandbox, "here");
    let mut generator = sandbox.generator();
    generator.args(["client", "pets.json", "--into", "here"]);
    let run = Run::of(generator.env("PATH", sandbox.root().join("nowhere")));
    run.fails(
        9,
        "error: `rustfmt` is missing\nhelp: rustup component add rustfmt\n",
    );
    assert!(!sandbox.work().join("here/src/clients").exists());
}

/// A handler that calls identity, in a service that has its client.
const HANDLER: &str = r#"//! A team of identity's.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Json, Router, routing::get};

use crate::App;
use crate::clients::identity::{Client, Draft, Team};
use crate::http::Problem;

/// The routes of this resource.
pub fn routes() -> Router<App> {
    Router::new().route("/proxy/{id}", get(read).put(write))
}

async fn read(State(app): State<App>, Path(id): Path<i64>) -> Result<Json<Team>, Problem> {
    let identity = Client::new(app.api.clone());
    match identity.get_team(id).await {
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {
            let problem = error.problem().and_then(|problem| problem.detail.clone());
            let detail = problem.unwrap_or_default();
            Err(Problem::not_found(format!("identity says: {detail}")))
        }
        answer => Ok(Json(answer?)),
    }
}

async fn write(
    State(app): State<App>,
    Path(id): Path<i64>,
    Json(name): Json<String>,
) -> Result<Json<Team>, Problem> {
    let identity = Client::new(app.api.clone());
    Ok(Json(identity.put_team(id, &Draft { name }).await?))
}
"#;

/// A description of everything that is hard to say in Rust.
const RICH: &str = r##"{"openapi":"3.1.0","info":{"title":"pets","version":"2"},"servers":[{"url":"https://x.example/v1/"}],"paths":{
"/pets/{pet-id}/{type}/{by}":{"parameters":[{"name":"pet-id","in":"path","required":true,"schema":{"type":"string"}},{"name":"type","in":"path","required":true,"schema":{"type":"integer"}},{"name":"by","in":"path","required":true,"schema":{"$ref":"#/components/schemas/Kind"}}],
"get":{"operationId":"getPet","summary":"See [this] <b> http://x.example `foo_bar` fooBar\n* a\nb","parameters":[{"name":"sort","in":"query","schema":{"type":"string","enum":["a","b-c","self"]}},{"name":"call","in":"query","required":true,"schema":{"type":"string"}},{"name":"tag","in":"query","schema":{"type":"array","items":{"$ref":"#/components/schemas/Kind"}}},{"name":"X-Tenant","in":"header","required":true,"schema":{"type":"integer"}},{"name":"X-Kind","in":"header","schema":{"$ref":"#/components/schemas/Kind"}},{"name":"X-Text","in":"header","schema":{"type":"string"}}],"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}},
"delete":{"responses":{"204":{}}},"head":{"operationId":"clone","responses":{}},
"patch":{"operationId":"2nd","requestBody":{"content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Pet"}}}}},"responses":{"200":{"content":{"text/plain":{}}}}},
"put":{"operationId":"match","requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"string"}}}},"responses":{"200":{"content":{"application/json":{"schema":{}}}}}},
"post":{"operationId":"self","requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","properties":{"x":{"type":["boolean","null"]}}}}}},"responses":{"200":{"content":{"application/json":{"schema":{"type":["integer","null"]}}}}}}}},
"components":{"schemas":{"Pet":{"type":"object","required":["id","type","parent","either","a","b","c","d"],"properties":{"id":{"type":"integer","format":"int32"},"type":{"type":["string","null"]},"parent":{"$ref":"#/components/schemas/Parent"},"kids":{"type":"array","items":{"$ref":"#/components/schemas/Pet"}},"either":{"oneOf":[{"type":"string"},{"type":"integer"}]},"self":{"type":"boolean"},"a":{"type":"boolean"},"b":{"type":"boolean"},"c":{"type":"boolean"},"d":{"type":"boolean"},"owner-name":{"type":"object","properties":{"größe":{"type":"number"}}},"m":{"type":"object","additionalProperties":{"$ref":"#/components/schemas/Result"}}}},
"Parent":{"type":"object","properties":{"pet":{"oneOf":[{"type":"null"},{"$ref":"#/components/schemas/Pet"}]}}},"Result":{"type":"object","required":["k"],"properties":{"k":{"$ref":"#/components/schemas/Kind"}}},"Kind":{"type":"string","enum":["cat","2dogs","KindCat","kind\u202e\"","Self"]}}}}"##;

/// Cargo in a service, with everybody's target directory.
fn cargo(sandbox: &Sandbox, service: &str, words: &[&str]) {
    let mut cargo = sandbox.command("cargo");
    cargo.args(words).current_dir(sandbox.work().join(service));
    Run::of(cargo.env("CARGO_TARGET_DIR", warm_target())).ok();
}

/// Starts a service, and waits for its address.
fn start(sandbox: &Sandbox, service: &str, settings: &[(&str, String)]) -> (Live, String) {
    let program: PathBuf = warm_target().join("debug").join(service);
    let mut command = sandbox.command(program);
    command
        .current_dir(sandbox.work().join(service))
        .env("PORT", "0");
    let live = Live::start(
        sandbox,
        command.envs(settings.iter().map(|(key, value)| (key, value))),
    );
    let mut address = None;
    until("a service that listens", || {
        address = live.answered().lines().find_map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).ok()?;
            Some(event["address"].as_str()?.to_owned())
        });
        address.is_some()
    });
    (live, address.expect("an address"))
}

/// Status and body of the answer to a request.
fn call(address: &str, request: &str, body: &str) -> (u16, serde_json::Value) {
    let mut stream = TcpStream::connect(address).expect("a service");
    let length = body.len();
    let head = format!(
        "{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream
        .write_all((head + body).as_bytes())
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (
        status.expect("a status"),
        serde_json::from_str(body).expect("JSON"),
    )
}

/// Two services, the second of which has a client of the first and a handler that uses it.
fn neighbours(sandbox: &Sandbox) {
    for name in ["identity", "dashboard"] {
        sandbox.run([name, "--build", "none", "--quiet"]).ok();
    }
    let mut generator = sandbox.warm_generator();
    generator.args(["client", "../identity"]);
    let run = Run::of(generator.current_dir(sandbox.work().join("dashboard"))).ok();
    assert!(
        run.stderr.ends_with("# hello, get_team, put_team\n"),
        "{}",
        run.stderr
    );
    sandbox.write("work/pets.json", RICH);
    sandbox
        .run(["client", "pets.json", "--into", "dashboard"])
        .ok();
    sandbox.write("work/dashboard/src/proxy.rs", HANDLER);
    let merge = "        .merge(teams::routes())";
    for (file, old, new) in [
        (
            "main.rs",
            "pub mod realm;",
            "pub mod proxy;\npub mod realm;",
        ),
        (
            "routes.rs",
            "use crate::{App, teams};",
            "use crate::{App, proxy, teams};",
        ),
        (
            "routes.rs",
            merge,
            &format!("        .merge(proxy::routes())\n{merge}"),
        ),
    ] {
        let text = read(sandbox, &format!("dashboard/src/{file}"));
        assert!(text.contains(old), "{file}: {old}");
        sandbox.write(
            format!("work/dashboard/src/{file}"),
            &text.replace(old, new),
        );
    }
}

#[test]
fn one_service_calls_another_by_its_client() {
    let sandbox = Sandbox::new();
    neighbours(&sandbox);
    cargo(&sandbox, "dashboard", &["fmt", "--check"]);
    let lints = [
        "clippy",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    cargo(&sandbox, "dashboard", &lints);
    cargo(&sandbox, "dashboard", &["build", "--locked"]);

    let (_identity, at) = start(&sandbox, "identity", &[]);
    let settings = [
        ("DASHBOARD_API__INSTANCES__IDENTITY", at.clone()),
        ("DASHBOARD_API__SIDECAR", "http://127.0.0.1:1".to_owned()),
    ];
    let (_dashboard, address) = start(&sandbox, "dashboard", &settings);
    let none = call(&address, "GET /proxy/7", "");
    assert_eq!(
        (none.0, &none.1["detail"]),
        (404, &"identity says: there is no team 7".into())
    );
    let team = serde_json::json!({"id": 7, "name": "Blue"});
    assert_eq!(
        call(&address, "PUT /proxy/7", "\"Blue\""),
        (200, team.clone())
    );
    assert_eq!(call(&address, "GET /proxy/7", ""), (200, team));
    // What makes no sense to identity is our fault, not that of our caller.
    assert_eq!(call(&address, "PUT /proxy/7", "\"\"").0, 502);

    let mut again = sandbox.generator();
    again
        .args(["client", &format!("http://{at}")])
        .current_dir(sandbox.work().join("dashboard"));
    let run = Run::of(&mut again).ok();
    let said = "[ROOT]/work/dashboard/src/clients/identity.rs is up to date\n";
    assert_eq!(sandbox.anonymous(&run.stderr), said);
}
