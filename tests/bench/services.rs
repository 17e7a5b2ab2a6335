//! `cargo bench --bench services [-- WORDS]`: what a generated service costs, against the goals.
//!
//! | word    | what is measured                                                              |
//! |---------|-------------------------------------------------------------------------------|
//! | `sizes` | crates, size and start-up of combinations of parts; of all 32 with `--all`    |
//! | `load`  | throughput, p99 and processor time of `GET /`, beside a bare axum; needs `wrk` |
//!
//! Without a word: both. Machines are noisy and ours are shared: compare within a run only.

mod lab;
mod load;
mod server;
mod sizes;

use lab::Lab;

fn main() {
    let words = std::env::args().skip(1).collect::<Vec<_>>();
    let has = |word: &str| words.iter().any(|given| given == word);
    // cargo adds `--bench`.
    let known = ["--bench", "--all", "sizes", "load"];
    let unknown = words.iter().find(|word| !known.contains(&word.as_str()));
    assert!(unknown.is_none(), "unknown: {unknown:?}; see {}", file!());
    let all = !has("sizes") && !has("load");
    let lab = Lab::new();
    if all || has("sizes") {
        sizes::measure(&lab, has("--all"));
    }
    if all || has("load") {
        load::measure(&lab);
    }
}

/// The one in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
