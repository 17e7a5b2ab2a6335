//! What teams do to their services: the pool that each draws from.
//!
//! Some of it is far from whatever the template changes later, some beside it, and some on the same
//! line. Each draw is done as a whole or, where the service's version does not have its place, not
//! at all.

use super::change::Change::{
    self, Add, Append, Edit, Executable, First, Move, Remove, Sort, Sorted, Tabs,
};

/// All draws, by what they are about.
pub const POOL: [&[&[Change]]; 7] = [CODE, CODE, MANIFEST, CONFIG, FILES, WORDS, AROUND];

const CODE: &[&[Change]] = &[
    &[
        Edit("src/main.rs", "mod queue;\n", "mod orders;\nmod queue;\n"),
        Add(
            "src/orders.rs",
            "//! Orders.\n\n/// One of them.\n#[derive(Debug, Clone)]\npub struct Order {\n    pub id: u64,\n    pub lines: Vec<String>,\n}\n",
        ),
    ],
    &[
        Edit("src/main.rs", "mod config;\n", "mod client;\nmod config;\n"),
        Add(
            "src/client.rs",
            "//! Asks the price list.\n\npub async fn price(article: &str) -> anyhow::Result<u64> {\n    let url = format!(\"http://prices/{article}\");\n    Ok(reqwest::get(url).await?.json().await?)\n}\n",
        ),
        Sorted(
            "Cargo.toml",
            "dependencies",
            "reqwest = { version = \"0.12\", features = [\"json\"] }",
        ),
    ],
    &[Edit(
        "src/main.rs",
        "    tracing::info!(\"stopped\");\n",
        "    store.close().await;\n    tracing::info!(\"stopped\");\n",
    )],
    &[Edit(
        "src/main.rs",
        "    let config = config::Config::load()",
        "    let began = std::time::Instant::now();\n    let config = config::Config::load()",
    )],
    &[Edit(
        "src/main.rs",
        "(port = config.http.port, \"starting\")",
        "(port = config.http.port, version = env!(\"CARGO_PKG_VERSION\"), \"starting\")",
    )],
    &[Edit(
        "src/config.rs",
        "    pub port: u16,\n",
        "    pub port: u16,\n    pub base_path: String,\n",
    )],
    &[Edit(
        "src/config.rs",
        "    pub max_connections: u32,\n",
        "    pub max_connections: u32,\n    pub schema: String,\n",
    )],
    &[Edit(
        "src/config.rs",
        "    pub prefetch: u16,\n",
        "    pub prefetch: u16,\n    pub dead_letters: String,\n",
    )],
    &[Edit(
        "src/config.rs",
        "Env::prefixed(\"APP__\")",
        "Env::prefixed(\"SHOP__\")",
    )],
    &[
        Edit(
            "src/error.rs",
            "    #[error(\"the request is not understood: {0}\")]\n",
            "    #[error(\"too many requests\")]\n    TooMany,\n    #[error(\"the request is not understood: {0}\")]\n",
        ),
        Edit(
            "src/error.rs",
            "            Self::BadRequest(_) =>",
            "            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,\n            Self::BadRequest(_) =>",
        ),
    ],
    &[Edit(
        "src/error.rs",
        "        (status, self.to_string()).into_response()\n",
        "        tracing::warn!(%status, error = %self, \"refused\");\n        (status, self.to_string()).into_response()\n",
    )],
    &[Edit("src/health.rs", "\"degraded\"", "\"down\"")],
    &[
        Edit(
            "src/health.rs",
            "    pub store: bool,\n",
            "    pub store: bool,\n    pub version: &'static str,\n",
        ),
        Edit(
            "src/health.rs",
            "Health { status, store }",
            "Health { status, store, version: env!(\"CARGO_PKG_VERSION\") }",
        ),
    ],
    &[
        Edit(
            "src/http.rs",
            "        .route(\"/health\", get(health::health))\n",
            "        .route(\"/health\", get(health::health))\n        .route(\"/orders\", get(orders))\n",
        ),
        Append(
            "src/http.rs",
            "\nasync fn orders() -> &'static str {\n    \"[]\"\n}\n",
        ),
    ],
    &[Edit(
        "src/http.rs",
        "        .route(\"/\", get(index))\n",
        "        .route(\"/version\", get(version))\n        .route(\"/\", get(index))\n",
    )],
    &[Edit(
        "src/http.rs",
        "    let listener = TcpListener::bind(&address).await?;\n",
        "    let listener = TcpListener::bind(&address).await?;\n    tracing::info!(%address, \"listening\");\n",
    )],
    &[Edit(
        "src/http.rs",
        "    env!(\"CARGO_PKG_NAME\")\n",
        "    concat!(env!(\"CARGO_PKG_NAME\"), \" \", env!(\"CARGO_PKG_VERSION\"))\n",
    )],
    &[Edit(
        "src/jobs.rs",
        "Duration::from_secs(30)",
        "Duration::from_secs(120)",
    )],
    &[Edit(
        "src/jobs.rs",
        "    pub id: String,\n",
        "    pub id: String,\n    #[serde(default)]\n    pub kind: String,\n",
    )],
    &[Edit(
        "src/jobs.rs",
        "    store.save(&job.id, &job.body).await?;\n",
        "    if job.kind == \"nothing\" {\n        return Ok(());\n    }\n    store.save(&job.id, &job.body).await?;\n",
    )],
    &[Edit(
        "src/jobs.rs",
        "    let job = serde_json::from_slice(data)?;\n    Ok(job)\n",
        "    serde_json::from_slice(data).context(\"a job that is no JSON\")\n",
    )],
    &[Edit(
        "src/jobs.rs",
        "tracing::warn!(%error, \"a job failed\");",
        "tracing::error!(%error, queue = queue.name(), \"a job failed\");",
    )],
    &[Edit(
        "src/jobs.rs",
        "delivery.ack(BasicAckOptions::default())",
        "delivery.ack(BasicAckOptions { multiple: false })",
    )],
    &[
        Edit(
            "src/jobs/retry.rs",
            "Duration::from_millis(200);",
            "Duration::from_millis(500);",
        ),
        Edit(
            "src/jobs/retry.rs",
            "        assert_eq!(pause(0), Duration::from_millis(200));\n        assert_eq!(pause(1), Duration::from_millis(400));\n",
            "        assert_eq!(pause(0), Duration::from_millis(500));\n        assert_eq!(pause(1), Duration::from_secs(1));\n",
        ),
    ],
    &[Edit(
        "src/jobs/retry.rs",
        "        assert_eq!(pause(30), MOST);\n",
        "        assert_eq!(pause(30), MOST);\n        assert_eq!(pause(u32::MAX), MOST);\n",
    )],
    &[Edit(
        "src/jobs/retry.rs",
        "2_u32.saturating_pow(attempt)",
        "3_u32.saturating_pow(attempt)",
    )],
    &[Tabs("src/jobs/retry.rs")],
    &[Tabs("src/telemetry.rs")],
    &[Edit(
        "src/queue.rs",
        "    /// The stream of jobs.\n",
        "    /// How the broker calls it.\n    pub fn name(&self) -> &str {\n        &self.name\n    }\n\n    /// The stream of jobs.\n",
    )],
    &[Edit(
        "src/queue.rs",
        "        let connection = Connection::connect(&config.url, properties).await?;\n",
        "        let connection = Connection::connect(&config.url, properties).await?;\n        connection.on_error(|error| tracing::error!(%error, \"the broker is gone\"));\n",
    )],
    &[Edit(
        "src/store.rs",
        "    /// Keeps the result of a job.\n",
        "    /// The result of a job, if it is done.\n    pub async fn load(&self, id: &str) -> Result<Option<serde_json::Value>, sqlx::Error> {\n        sqlx::query_scalar(\"SELECT body FROM results WHERE id = $1\")\n            .bind(id)\n            .fetch_optional(&self.pool)\n            .await\n    }\n\n    /// Keeps the result of a job.\n",
    )],
    &[Edit(
        "src/store.rs",
        "            .max_connections(config.max_connections)\n",
        "            .max_connections(config.max_connections)\n            .min_connections(2)\n",
    )],
    &[Edit(
        "src/store.rs",
        "INTO results (id, body) VALUES ($1, $2)",
        "INTO results (id, body, team) VALUES ($1, $2, 'shop')",
    )],
    &[Edit(
        "src/telemetry.rs",
        "    let builder = fmt().with_env_filter(filter);\n",
        "    let builder = fmt().with_env_filter(filter).with_target(false);\n",
    )],
    &[Edit(
        "src/telemetry.rs",
        "EnvFilter::new(\"info\")",
        "EnvFilter::new(\"warn\")",
    )],
    &[Edit(
        "src/trace.rs",
        "EnvFilter::new(\"info\")",
        "EnvFilter::new(\"warn\")",
    )],
    &[Append(
        "tests/http.rs",
        "\n#[tokio::test]\nasync fn nothing_is_at_other_paths() {\n    assert_eq!(ask(\"/nowhere\").await, \"\");\n}\n",
    )],
];

const MANIFEST: &[&[Change]] = &[
    &[Edit(
        "Cargo.toml",
        "version = \"0.1.0\"\n",
        "version = \"1.4.2\"\n",
    )],
    &[Edit(
        "Cargo.toml",
        "publish = false\n",
        "publish = false\nauthors = [\"The shop team\"]\n",
    )],
    &[Sorted(
        "Cargo.toml",
        "dependencies",
        "chrono = { version = \"0.4\", features = [\"serde\"] }",
    )],
    &[Sorted(
        "Cargo.toml",
        "dependencies",
        "uuid = { version = \"1\", features = [\"v4\"] }",
    )],
    &[Sorted("Cargo.toml", "dependencies", "lru = \"0.12\"")],
    &[Sorted("Cargo.toml", "dependencies", "futures = \"0.3\"")],
    &[Sorted("Cargo.toml", "dependencies", "rand = \"0.8\"")],
    &[Sorted("Cargo.toml", "dependencies", "moka = \"0.12\"")],
    &[Sorted(
        "Cargo.toml",
        "dependencies",
        "tracing-appender = \"0.2\"",
    )],
    &[Sorted("Cargo.toml", "dependencies", "utoipa = \"4\"")],
    &[Sorted(
        "Cargo.toml",
        "dev-dependencies",
        "mockall = \"0.13\"",
    )],
    &[Sorted(
        "Cargo.toml",
        "dev-dependencies",
        "wiremock = \"0.6\"",
    )],
    &[Edit(
        "Cargo.toml",
        "\"rt-multi-thread\", \"signal\"]",
        "\"rt-multi-thread\", \"signal\", \"time\"]",
    )],
    &[Edit(
        "Cargo.toml",
        "serde_json = \"1\"\n",
        "serde_json = { version = \"1\", features = [\"preserve_order\"] }\n",
    )],
    &[Edit(
        "Cargo.toml",
        "features = [\"postgres\", \"runtime-tokio\"]",
        "features = [\"postgres\", \"runtime-tokio\", \"uuid\"]",
    )],
    &[Edit(
        "Cargo.toml",
        "strip = true\n",
        "strip = true\npanic = \"abort\"\n",
    )],
    &[First("Cargo.toml", "dependencies", "tokio = ")],
    &[
        First("Cargo.toml", "dependencies", "sqlx = "),
        First("Cargo.toml", "dependencies", "axum = "),
    ],
    &[Edit(
        "Cargo.toml",
        "[lints.clippy]\npedantic = \"warn\"\n",
        "[lints.clippy]\npedantic = \"warn\"\nunwrap_used = \"deny\"\n",
    )],
];

const CONFIG: &[&[Change]] = &[
    &[Edit(
        "config/default.toml",
        "port = 8080\n",
        "port = 9090\n",
    )],
    &[Edit(
        "config/default.toml",
        "prefetch = 16\n",
        "prefetch = 8\n",
    )],
    &[Edit(
        "config/default.toml",
        "prefetch = 16\n",
        "prefetch = 32\n",
    )],
    &[Edit(
        "config/default.toml",
        "timeout_seconds = 30\n",
        "timeout_seconds = 60\n",
    )],
    &[Edit(
        "config/default.toml",
        "max_connections = 10\n",
        "max_connections = 25\n",
    )],
    &[Edit(
        "config/default.toml",
        "filter = \"info\"\n",
        "filter = \"info,lapin=warn\"\n",
    )],
    &[Edit(
        "config/default.toml",
        "host = \"0.0.0.0\"\n",
        "host = \"127.0.0.1\"\n",
    )],
    &[Edit(
        "config/default.toml",
        "[store]\n",
        "# Shared with the reports.\n[store]\n",
    )],
    &[Append(
        "config/default.toml",
        "\n[cache]\nseconds = 300\nentries = 10000\n",
    )],
    &[Sorted("config/default.toml", "http", "base_path = \"/\"")],
    &[Sort("config/default.toml", "queue")],
    &[Edit(
        "config/production.toml",
        "max_connections = 40\n",
        "max_connections = 80\n",
    )],
    &[Edit(
        "config/production.toml",
        "filter = \"info,sqlx=warn\"\n",
        "filter = \"warn\"\n",
    )],
    &[Append(
        "config/production.toml",
        "\n[queue]\nprefetch = 64\n",
    )],
    &[Edit(
        "rustfmt.toml",
        "max_width = 100\n",
        "max_width = 120\n",
    )],
    &[Edit(
        "deny.toml",
        "    \"MIT\",\n",
        "    \"ISC\",\n    \"MIT\",\n",
    )],
    &[Edit(
        "deny.toml",
        "ignore = []\n",
        "ignore = [\"RUSTSEC-2024-0001\"]\n",
    )],
];

const FILES: &[&[Change]] = &[
    &[Add(
        "docs/adr/0001-a-queue.md",
        "# A queue\n\nJobs may be late, and must not be lost.\n",
    )],
    &[Add(
        "migrations/0003_orders.sql",
        "CREATE TABLE orders (id BIGINT PRIMARY KEY, body JSONB);\n",
    )],
    &[Add(
        ".env.example",
        "APP__STORE__URL=postgres://localhost/dev\n",
    )],
    &[
        Add(
            "scripts/seed.sh",
            "#!/bin/sh\n# Puts some jobs into the queue.\nset -eu\n\nseq 100 | xargs -n 1 echo\n",
        ),
        Executable("scripts/seed.sh"),
    ],
    &[Add("assets/team.png", "77")],
    &[Add(".github/CODEOWNERS", "* @example/shop\n")],
    &[Add(
        "tests/orders.rs",
        "//! Orders.\n\n#[test]\nfn an_order_has_lines() {\n    assert!(!\"order\".is_empty());\n}\n",
    )],
    &[Add(
        "renovate.json",
        "{\n  \"extends\": [\"config:recommended\"],\n  \"automerge\": true\n}\n",
    )],
    &[Add(
        "benches/jobs.rs",
        "//! How many jobs a second.\n\nfn main() {}\n",
    )],
    &[Remove("scripts/wait-for.sh")],
    &[Remove("docs/architecture.md")],
    &[Remove(".editorconfig")],
    &[Remove("deploy/alerts.yaml")],
    &[Remove("deny.toml")],
    &[Remove("tests/http.rs")],
    &[Remove("renovate.json")],
    &[
        Move("docs/runbook.md", "docs/on-call.md"),
        Edit("docs/on-call.md", "## It is slow\n", "## It is too slow\n"),
    ],
    &[
        Move("src/error.rs", "src/errors.rs"),
        Edit("src/main.rs", "mod error;\n", "mod errors;\n"),
    ],
    &[
        Move("src/store.rs", "src/db.rs"),
        Edit("src/main.rs", "mod store;\n", "mod db;\n"),
    ],
    &[
        Move("scripts/check.sh", "scripts/ci.sh"),
        Edit("scripts/ci.sh", "before a commit", "before a push"),
    ],
    &[Move("config/production.toml", "config/prod.toml")],
    &[Move("docs/architecture.md", "ARCHITECTURE.md")],
    &[Add("assets/logo.png", "99")],
];

const WORDS: &[&[Change]] = &[
    &[Append(
        "README.md",
        "\n## Orders\n\nAn order is a job of the kind `order`. Its lines are articles.\n",
    )],
    &[Append(
        "README.md",
        "\n## Known faults\n\n- It starts before the broker does.\n",
    )],
    &[Edit(
        "README.md",
        "## Run\n",
        "It belongs to the shop.\n\n## Run\n",
    )],
    &[Edit(
        "README.md",
        "The service listens on port 8080.",
        "The service listens on port 9090, at home on 8080.",
    )],
    &[Edit(
        "README.md",
        "| `APP__QUEUE__PREFETCH` |",
        "| `APP__QUEUE__DEAD_LETTERS` | where lost jobs go | none |\n| `APP__QUEUE__PREFETCH` |",
    )],
    &[Edit(
        "README.md",
        "| the database | local |\n",
        "| the database | local |\n| `APP__CACHE__SECONDS` | how long prices are kept | 300 |\n",
    )],
    &[Edit(
        "README.md",
        "in its channel.\n",
        "in its channel, or by telephone at night.\n",
    )],
    &[Edit(
        "README.md",
        "docker compose up -d postgres rabbitmq\n",
        "docker compose up -d postgres rabbitmq prices\n",
    )],
    &[Edit(
        "README.md",
        "Tag a commit `vX.Y.Z`",
        "Ask in the channel, tag a commit `vX.Y.Z`",
    )],
    &[Edit(
        "docs/runbook.md",
        "## It is slow\n",
        "## Prices are wrong\n\nEmpty the cache.\n\n## It is slow\n",
    )],
    &[Append("docs/runbook.md", "\nAt night, telephone first.\n")],
    &[Append(
        "docs/architecture.md",
        "\nPrices come from another service, see `src/client.rs`.\n",
    )],
    &[Append(
        "docs/design.md",
        "\nPrices come from another service, see `src/client.rs`.\n",
    )],
    &[Edit(
        "docs/runbook.md",
        "Most often the database is not there",
        "Most often the database is away",
    )],
];

const AROUND: &[&[Change]] = &[
    &[Edit(
        "deploy/{{name}}.yaml",
        "replicas: 2\n",
        "replicas: 4\n",
    )],
    &[Edit(
        "deploy/{{name}}.yaml",
        "memory: 256Mi\n",
        "memory: 512Mi\n",
    )],
    &[Edit(
        "deploy/{{name}}.yaml",
        "memory: 64Mi\n",
        "memory: 128Mi\n",
    )],
    &[Edit(
        "deploy/{{name}}.yaml",
        "          env:\n",
        "          env:\n            - name: APP__CACHE__SECONDS\n              value: \"60\"\n",
    )],
    &[Edit("deploy/alerts.yaml", "for: 5m\n", "for: 2m\n")],
    &[Edit(
        "deploy/alerts.yaml",
        "rabbitmq_queue_messages > 1000",
        "rabbitmq_queue_messages > 5000",
    )],
    &[Append(
        "deploy/alerts.yaml",
        "      - alert: PricesOld\n        expr: prices_age > 3600\n        for: 5m\n",
    )],
    &[Edit(
        "Dockerfile",
        "RUN useradd",
        "RUN apt-get update && apt-get install -y ca-certificates\nRUN useradd",
    )],
    &[Edit("Dockerfile", "EXPOSE 8080\n", "EXPOSE 9090\n")],
    &[Edit(
        "compose.yaml",
        "      - \"5432:5432\"\n",
        "      - \"5433:5432\"\n",
    )],
    &[Append(
        "compose.yaml",
        "  prices:\n    image: registry.example.com/shop/prices:latest\n",
    )],
    &[Edit(
        "compose.yaml",
        "      - \"15672:15672\"\n",
        "      - \"15672:15672\"\n    restart: always\n",
    )],
    &[Edit(
        ".github/workflows/ci.yml",
        "      - run: scripts/check.sh\n",
        "      - run: scripts/check.sh\n      - run: cargo bench --no-run\n",
    )],
    &[Edit(
        ".github/workflows/ci.yml",
        "  check:\n    runs-on: ubuntu-22.04\n",
        "  check:\n    runs-on: self-hosted\n",
    )],
    &[Edit(
        ".github/workflows/ci.yml",
        "    branches: [main]\n",
        "    branches: [main, next]\n",
    )],
    &[Edit(".gitignore", "*.log\n", "*.log\n.idea\n")],
    &[Edit(".gitignore", "/target\n", "/target\n/tmp\n")],
    &[Edit(
        "scripts/release.sh",
        "docker build -t",
        "docker build --pull -t",
    )],
    &[Append(
        "scripts/release.sh",
        "curl -fsS -d \"released $tag\" https://chat.example.com/shop\n",
    )],
    &[Append("scripts/check.sh", "scripts/no-todo.sh\n")],
];
