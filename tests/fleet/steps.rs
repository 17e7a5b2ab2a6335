//! What the template's authors did from 1.0.0 to 1.9.0, a list for each version.

use super::change::Change::{self, Add, Edit, Executable, Move, Remove};

/// A kind of work at a time, as it comes: metrics, probes, tidying up, new crates, limits, traces,
/// a newer compiler, retries, and whatever was left.
pub const STEPS: [&[Change]; 9] = [
    METRICS, PROBES, TIDY, CRATES, LIMITS, TRACES, COMPILER, RETRIES, REST,
];

const METRICS: &[Change] = &[
    Edit(
        "Cargo.toml.hbs",
        "lapin = \"2\"\n",
        "lapin = \"2\"\nmetrics = \"0.23\"\nmetrics-exporter-prometheus = \"0.15\"\n",
    ),
    Edit(
        "Cargo.toml.hbs",
        "tokio = { version = \"1.38\"",
        "tokio = { version = \"1.40\"",
    ),
    Add(
        "src/metrics.rs",
        r#"//! Numbers for Prometheus.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// From here on, what is counted is kept.
pub fn init() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new().install_recorder()?;
    metrics::describe_counter!("jobs_done", "Jobs that ended well");
    metrics::describe_counter!("jobs_failed", "Jobs that did not");
    Ok(handle)
}
"#,
    ),
    Edit("src/main.rs", "mod jobs;\n", "mod jobs;\nmod metrics;\n"),
    Edit(
        "src/main.rs",
        "    telemetry::init(&config.log);\n",
        "    telemetry::init(&config.log);\n    let numbers = metrics::init()?;\n",
    ),
    Edit(
        "src/main.rs",
        "http::serve(&config.http, store, shutdown())",
        "http::serve(&config.http, store, numbers, shutdown())",
    ),
    Edit(
        "src/http.rs",
        "pub fn router(store: Store) -> Router {\n    Router::new()\n",
        "pub fn router(store: Store, numbers: PrometheusHandle) -> Router {\n    Router::new()\n        .route(\"/metrics\", get(move || async move { numbers.render() }))\n",
    ),
    Edit(
        "src/http.rs",
        "use axum::routing::get;\n",
        "use axum::routing::get;\nuse metrics_exporter_prometheus::PrometheusHandle;\n",
    ),
    Edit(
        "src/http.rs",
        "    store: Store,\n    shutdown",
        "    store: Store,\n    numbers: PrometheusHandle,\n    shutdown",
    ),
    Edit("src/http.rs", "router(store))", "router(store, numbers))"),
    Edit(
        "src/jobs.rs",
        "            Ok(Ok(())) => delivery.ack(BasicAckOptions::default()).await?,\n",
        "            Ok(Ok(())) => {\n                metrics::counter!(\"jobs_done\").increment(1);\n                delivery.ack(BasicAckOptions::default()).await?;\n            }\n",
    ),
    Edit(
        "README.md.hbs",
        "## Test\n",
        "## Watch\n\nNumbers for Prometheus are at `/metrics`, alerts in `deploy/alerts.yaml`.\n\n## Test\n",
    ),
];

const PROBES: &[Change] = &[
    Executable("scripts/wait-for.sh"),
    Edit(
        ".github/workflows/ci.yml",
        "  check:\n    runs-on: ubuntu-22.04\n    steps:\n      - uses: actions/checkout@v3\n",
        "  check:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v4\n",
    ),
    Edit(
        ".github/workflows/ci.yml",
        "    needs: check\n    runs-on: ubuntu-22.04\n    steps:\n      - uses: actions/checkout@v3\n",
        "    needs: check\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v4\n",
    ),
    Edit(
        "src/health.rs",
        "/// `GET /health`\n",
        "/// `GET /live`: the process runs, whatever else is ill.\npub async fn live() -> &'static str {\n    \"up\"\n}\n\n/// `GET /health`\n",
    ),
    Edit(
        "src/http.rs",
        "        .route(\"/health\", get(health::health))\n",
        "        .route(\"/live\", get(health::live))\n        .route(\"/health\", get(health::health))\n",
    ),
    Edit(
        "deploy/{{name}}.yaml.hbs",
        "            httpGet:\n              path: /health\n              port: 8080\n",
        "            httpGet:\n              path: /live\n              port: 8080\n          readinessProbe:\n            httpGet:\n              path: /health\n              port: 8080\n            periodSeconds: 5\n",
    ),
    Edit(
        "Dockerfile.hbs",
        "EXPOSE 8080\n",
        "EXPOSE 8080\nHEALTHCHECK CMD [\"/usr/local/bin/{{name}}\", \"--check\"]\n",
    ),
    Edit(
        "docs/runbook.md.hbs",
        "## The queue grows\n",
        "## It is restarted again and again\n\n`/live` does not answer within a second: look at its memory.\n\n## The queue grows\n",
    ),
];

const TIDY: &[Change] = &[
    Move("docs/architecture.md", "docs/design.md"),
    Edit(
        "docs/design.md",
        "- `store` keeps the results.\n",
        "- `store` keeps the results.\n- `metrics` counts.\n",
    ),
    Remove("scripts/wait-for.sh"),
    Edit(
        "Cargo.toml.hbs",
        "figment = { version = \"0.10\", features = [\"env\", \"toml\"] }\n",
        "figment = { version = \"0.10\", features = [\"env\", \"toml\"] }\nfutures-lite = \"2\"\n",
    ),
    Edit(
        "src/jobs.rs",
        "\nasync fn next(\n    consumer: &mut lapin::Consumer,\n) -> Option<Result<Delivery, lapin::Error>> {\n    use futures_lite::StreamExt as _;\n    consumer.next().await\n}\n",
        "",
    ),
    Edit(
        "src/jobs.rs",
        "next(&mut consumer).await",
        "consumer.next().await",
    ),
    Edit(
        "src/jobs.rs",
        "use lapin::message::Delivery;\n",
        "use futures_lite::StreamExt as _;\nuse lapin::message::Delivery;\n",
    ),
    Edit(
        "compose.yaml",
        "    image: rabbitmq:3-management\n",
        "    image: rabbitmq:3.13-management\n    hostname: rabbitmq\n",
    ),
    Edit(
        "README.md.hbs",
        "docker compose up -d postgres rabbitmq\n",
        "docker compose up --detach --wait\n",
    ),
];

const CRATES: &[Change] = &[
    Edit("Cargo.toml.hbs", "axum = \"0.7\"", "axum = \"0.8\""),
    Edit("Cargo.toml.hbs", "tower = \"0.4\"", "tower = \"0.5\""),
    Edit(
        "Cargo.toml.hbs",
        "tower-http = { version = \"0.5\", features = [\"trace\"] }",
        "tower-http = { version = \"0.6\", features = [\"request-id\", \"trace\"] }",
    ),
    Edit(
        "src/error.rs",
        "        (status, self.to_string()).into_response()\n",
        "        let body = Json(json!({ \"error\": self.to_string() }));\n        (status, body).into_response()\n",
    ),
    Edit(
        "src/error.rs",
        "use axum::http::StatusCode;\n",
        "use axum::Json;\nuse axum::http::StatusCode;\n",
    ),
    Edit(
        "src/error.rs",
        "use thiserror::Error;\n",
        "use serde_json::json;\nuse thiserror::Error;\n",
    ),
    Edit(
        "src/main.rs",
        "    if let Err(error) = signal::ctrl_c().await {\n        tracing::error!(%error, \"cannot listen for signals\");\n    }\n",
        "    let mut term = match signal(SignalKind::terminate()) {\n        Ok(term) => term,\n        Err(error) => return tracing::error!(%error, \"cannot listen for signals\"),\n    };\n    tokio::select! {\n        _ = ctrl_c() => tracing::info!(\"interrupted\"),\n        _ = term.recv() => tracing::info!(\"told to end\"),\n    }\n",
    ),
    Edit(
        "src/main.rs",
        "use tokio::signal;\n",
        "use tokio::signal::ctrl_c;\nuse tokio::signal::unix::{SignalKind, signal};\n",
    ),
    Edit(
        "src/http.rs",
        "        .layer(TraceLayer::new_for_http())\n",
        "        .layer(TraceLayer::new_for_http())\n        .layer(PropagateRequestIdLayer::x_request_id())\n",
    ),
    Edit(
        "src/http.rs",
        "use tower_http::trace::TraceLayer;\n",
        "use tower_http::request_id::PropagateRequestIdLayer;\nuse tower_http::trace::TraceLayer;\n",
    ),
];

const LIMITS: &[Change] = &[
    Edit(
        "config/default.toml.hbs",
        "max_connections = 10\n",
        "max_connections = 10\nacquire_timeout_seconds = 5\n",
    ),
    Edit(
        "config/production.toml",
        "max_connections = 40\n",
        "max_connections = 40\nacquire_timeout_seconds = 2\n",
    ),
    Edit(
        "src/config.rs",
        "    pub max_connections: u32,\n",
        "    pub max_connections: u32,\n    pub acquire_timeout_seconds: u64,\n",
    ),
    Edit(
        "src/store.rs",
        "            .max_connections(config.max_connections)\n",
        "            .max_connections(config.max_connections)\n            .acquire_timeout(Duration::from_secs(config.acquire_timeout_seconds))\n",
    ),
    Edit(
        "src/store.rs",
        "use sqlx::PgPool;\n",
        "use std::time::Duration;\n\nuse sqlx::PgPool;\n",
    ),
    Edit("compose.yaml", "postgres:15", "postgres:16"),
    Edit(
        "deny.toml",
        "    \"MIT\",\n",
        "    \"MIT\",\n    \"Unicode-3.0\",\n",
    ),
    Add(
        "migrations/0002_results_by_age.sql",
        "CREATE INDEX results_by_age ON results (made);\n",
    ),
    Edit(".gitignore", ".env\n", ".env\n.env.*\n"),
    Edit(
        "README.md.hbs",
        "| `APP__STORE__URL` | the database | local |\n",
        "| `APP__STORE__URL` | the database | local |\n| `APP__STORE__ACQUIRE_TIMEOUT_SECONDS` | how long to wait for a connection | 5 |\n",
    ),
];

const TRACES: &[Change] = &[
    Move("src/telemetry.rs", "src/trace.rs"),
    Edit(
        "src/trace.rs",
        "//! Logs.\n",
        "//! Logs and traces.\n\nuse opentelemetry::trace::TracerProvider as _;\n",
    ),
    Edit("src/main.rs", "mod telemetry;\n", "mod trace;\n"),
    Edit(
        "src/main.rs",
        "    telemetry::init(&config.log);\n",
        "    trace::init(&config.log);\n",
    ),
    Edit(
        "Cargo.toml.hbs",
        "serde = { version = \"1\", features = [\"derive\"] }\n",
        "opentelemetry = \"0.27\"\nopentelemetry-otlp = \"0.27\"\nserde = { version = \"1\", features = [\"derive\"] }\n",
    ),
    Edit(
        "Cargo.toml.hbs",
        "tracing = \"0.1\"\n",
        "tracing = \"0.1\"\ntracing-opentelemetry = \"0.28\"\n",
    ),
    Edit(
        "config/default.toml.hbs",
        "filter = \"info\"\njson = false\n",
        "filter = \"info\"\njson = false\ncollector = \"\"\n",
    ),
    Edit(
        "src/config.rs",
        "    pub json: bool,\n",
        "    pub json: bool,\n    pub collector: String,\n",
    ),
    Edit(
        "scripts/check.sh",
        "cargo test\n",
        "cargo test\ncargo deny check\n",
    ),
    Edit(
        "README.md.hbs",
        "Numbers for Prometheus are at `/metrics`",
        "Traces go where `APP__LOG__COLLECTOR` says. Numbers for Prometheus are at `/metrics`",
    ),
    Add("assets/logo.png", "2"),
];

const COMPILER: &[Change] = &[
    Edit(
        "Cargo.toml.hbs",
        "rust-version = \"1.85\"",
        "rust-version = \"1.88\"",
    ),
    Edit("Dockerfile.hbs", "rust:1.85-slim", "rust:1.88-slim"),
    Edit(
        "Cargo.toml.hbs",
        "sqlx = { version = \"0.7\", features = [\"postgres\", \"runtime-tokio\"] }",
        "sqlx = { version = \"0.8\", features = [\"postgres\", \"runtime-tokio\", \"tls-rustls\"] }",
    ),
    Edit(
        "template.toml",
        "default = \"platform\"\nregex = \"[a-z][a-z0-9-]*\"\n",
        "default = \"platform\"\nregex = \"[a-z][a-z0-9-]*\"\n\n[[questions]]\nname = \"replicas\"\nask = \"How many of it run\"\ntype = \"integer\"\nrange = [1, 100]\ndefault = 2\n",
    ),
    Edit(
        "deploy/{{name}}.yaml.hbs",
        "replicas: 2\n",
        "replicas: {{replicas}}\n",
    ),
    Edit(
        "README.md.hbs",
        "\n## Who to ask\n\nThe team {{team}}, in its channel.\n",
        "",
    ),
    Edit(
        "README.md.hbs",
        "## Run\n",
        "Asked about it is the team {{team}}, in its channel.\n\n## Run\n",
    ),
    Edit(
        "src/queue.rs.hbs",
        "        let properties = ConnectionProperties::default();\n",
        "        let properties = ConnectionProperties::default().with_connection_name(TAG.into());\n",
    ),
    Edit(
        "deploy/alerts.yaml",
        "      - alert: QueueGrows\n",
        "      - alert: JobsFail\n        expr: rate(jobs_failed[5m]) > 0.1\n        for: 10m\n        labels:\n          severity: ticket\n      - alert: QueueGrows\n",
    ),
    Edit(
        "src/config.rs",
        "    /// Reads it, and says what is wrong with it.\n",
        "    /// Reads it, or says what is wrong with it, and where that stands.\n",
    ),
];

const RETRIES: &[Change] = &[
    Edit(
        "src/jobs/retry.rs",
        "fn attempts(delivery: &Delivery) -> u32 {\n    u32::from(delivery.redelivered)\n}\n",
        "/// What the broker counted in a header, or one if it did not.\nfn attempts(delivery: &Delivery) -> u32 {\n    let headers = delivery.properties.headers().as_ref();\n    let count = headers.and_then(|headers| headers.inner().get(\"x-delivery-count\"));\n    let count = count.and_then(lapin::types::AMQPValue::as_long_long_int);\n    count.map_or(1, |count| u32::try_from(count).unwrap_or(u32::MAX))\n}\n",
    ),
    Edit(
        "src/jobs/retry.rs",
        "const MOST: Duration = Duration::from_secs(60);\n",
        "const MOST: Duration = Duration::from_secs(300);\n",
    ),
    Edit(
        "src/jobs.rs",
        "/// How long one job may take.\nconst LIMIT: Duration = Duration::from_secs(30);\n",
        "/// How long one job may take; the broker takes it back after twice that.\nconst LIMIT: Duration = Duration::from_secs(60);\n",
    ),
    Edit(
        "src/jobs.rs",
        "                tracing::warn!(%error, \"a job failed\");\n",
        "                metrics::counter!(\"jobs_failed\").increment(1);\n                tracing::warn!(%error, \"a job failed\");\n",
    ),
    Add(
        "scripts/migrate.sh",
        "#!/bin/sh\n# Brings the schema of a database up to date.\nset -eu\n\nsqlx migrate run --database-url \"$1\"\n",
    ),
    Executable("scripts/migrate.sh"),
    Edit(
        "tests/http.rs",
        "async fn ask(path: &str)",
        "#[tokio::test]\nasync fn numbers_are_there() {\n    let answer = ask(\"/metrics\").await;\n    assert!(answer.contains(\"jobs_done\"), \"{answer}\");\n}\n\nasync fn ask(path: &str)",
    ),
    Move(
        "migrations/0002_results_by_age.sql",
        "migrations/0002_results_index.sql",
    ),
    Edit(
        "compose.yaml",
        "      POSTGRES_PASSWORD: local\n    ports:\n      - \"5432:5432\"\n",
        "      POSTGRES_PASSWORD: local\n    healthcheck:\n      test: [\"CMD\", \"pg_isready\"]\n      interval: 2s\n    ports:\n      - \"5432:5432\"\n",
    ),
];

const REST: &[Change] = &[
    Edit(
        "config/default.toml.hbs",
        "prefetch = 16\n",
        "prefetch = 32\n",
    ),
    Edit(
        "config/default.toml.hbs",
        "timeout_seconds = 30\n",
        "timeout_seconds = 20\nbody_limit = \"2MB\"\n",
    ),
    Edit(
        "README.md.hbs",
        "| jobs at a time | 16 |",
        "| jobs at a time | 32 |",
    ),
    Edit(
        "src/config.rs",
        "    pub timeout_seconds: u64,\n",
        "    pub timeout_seconds: u64,\n    pub body_limit: String,\n",
    ),
    Edit(
        "Cargo.toml.hbs",
        "lto = \"thin\"\nstrip = true\n",
        "codegen-units = 1\nlto = \"thin\"\nstrip = true\n",
    ),
    Edit(
        "Cargo.toml.hbs",
        "tokio = { version = \"1.40\"",
        "tokio = { version = \"1.44\"",
    ),
    Edit(
        "Cargo.toml.hbs",
        "thiserror = \"1\"\n",
        "thiserror = \"2\"\n",
    ),
    Edit(
        "scripts/release.sh",
        "docker push \"$name:$tag\"\n",
        "docker push \"$name:$tag\"\ncosign sign --yes \"$name:$tag\"\n",
    ),
    Edit(
        ".github/workflows/ci.yml",
        "      - run: rustup show\n",
        "      - uses: swatinem/rust-cache@v2\n      - run: rustup show\n",
    ),
    Edit(
        "deploy/{{name}}.yaml.hbs",
        "              memory: 64Mi\n",
        "              memory: 96Mi\n",
    ),
    Edit(
        "src/store.rs",
        "INSERT INTO results (id, body) VALUES ($1, $2)\")",
        "INSERT INTO results (id, body) VALUES ($1, $2) ON CONFLICT DO NOTHING\")",
    ),
    Add(
        "renovate.json",
        "{\n  \"extends\": [\"config:recommended\"],\n  \"schedule\": [\"before 6am on monday\"]\n}\n",
    ),
    Edit(
        "docs/runbook.md.hbs",
        "## Call\n",
        "## A job is done twice\n\nThat is no illness: a result that is there stays.\n\n## Call\n",
    ),
    Edit(
        ".editorconfig",
        "[*.rs]\n",
        "[*.{yaml,yml}]\nindent_style = space\nindent_size = 2\n\n[*.rs]\n",
    ),
];
