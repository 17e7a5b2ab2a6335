//! The one table, line by line as it is measured.

use std::fs;
use std::io::{Stdout, Write, stdout};
use std::time::Duration;

pub struct Table {
    out: Stdout,
}

impl Table {
    pub fn begin() -> Self {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default().to_owned();
        let table = Self { out: stdout() };
        table.say(&format!("load of the machine before: {load}\n"));
        table.row(["what", "goal", "measured", "naive"]);
        table.say("|---|---|---|---|");
        table
    }

    pub fn row(&self, cells: [&str; 4]) {
        let [what, goal, measured, naive] = cells;
        self.say(&format!("| {what} | {goal} | {measured} | {naive} |"));
    }

    fn say(&self, line: &str) {
        writeln!(self.out.lock(), "{line}").expect("a terminal or a pipe");
    }
}

/// Median and p99.
pub fn two(took: &[Duration]) -> String {
    format!(
        "{} / {} of {}",
        time(share(took, 50)),
        time(share(took, 99)),
        took.len()
    )
}

/// The least that is not exceeded by so many of a hundred.
pub fn share(took: &[Duration], percent: usize) -> Duration {
    let mut sorted = took.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}

pub fn time(took: Duration) -> String {
    let ms = took.as_secs_f64() * 1e3;
    if ms < 10.0 {
        format!("{ms:.2} ms")
    } else {
        format!("{ms:.0} ms")
    }
}
