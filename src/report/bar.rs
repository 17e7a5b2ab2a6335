//! The bar of a step: how far cargo is, read from what cargo says of itself.

use std::cell::{Cell, RefCell};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that is there from cargo's first word until [`clear`](Self::clear).
#[derive(Debug, Default)]
pub(super) struct Bar {
    /// Whether anybody sees it.
    shown: bool,
    drawn: RefCell<Option<ProgressBar>>,
    /// Cargo's last word on how many crates there are to compile.
    crates: Cell<u64>,
    /// The most that cargo wanted to download at once: it only tells what is left.
    downloads: Cell<u64>,
}

impl Bar {
    pub(super) fn new(shown: bool) -> Self {
        Self {
            shown,
            ..Self::default()
        }
    }

    /// How many crates cargo compiled, or found compiled.
    pub(super) fn crates(&self) -> u64 {
        self.crates.get()
    }

    /// Takes a line of cargo's for what it tells of progress; false if it tells something else.
    pub(super) fn take(&self, line: &str) -> bool {
        let line = line.trim();
        if let Some((done, total, what)) = compiled(line) {
            self.crates.set(total);
            self.advance(Some((done, total)), what);
            return true;
        }
        if let Some(left) = left_to_download(line) {
            let most = self.downloads.get().max(left);
            self.downloads.set(most);
            self.advance(Some((most - left, most)), "downloaded");
            return true;
        }
        let passing = ["Compiling ", "Checking ", "Downloaded ", "Finished "];
        let passing = passing.iter().any(|word| line.starts_with(word)) || line.is_empty();
        if passing {
            self.advance(None, line);
        }
        passing
    }

    fn advance(&self, progress: Option<(u64, u64)>, what: &str) {
        if !self.shown {
            return;
        }
        let mut slot = self.drawn.borrow_mut();
        let bar = slot.get_or_insert_with(empty);
        if let Some((done, total)) = progress {
            bar.set_length(total);
            bar.set_position(done);
        }
        bar.set_message(what.to_owned());
    }

    pub(super) fn clear(&self) {
        if let Some(bar) = self.drawn.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}

fn empty() -> ProgressBar {
    let style = ProgressStyle::with_template("   [{bar:30}] {pos}/{len} {wide_msg}");
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    bar.set_style(
        style
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> "),
    );
    bar
}

/// `Building [====>      ] 12/104: serde, tokio`, as cargo writes it.
fn compiled(line: &str) -> Option<(u64, u64, &str)> {
    let (_, rest) = line.strip_prefix("Building")?.split_once(']')?;
    let (numbers, what) = rest.split_once(':').unwrap_or((rest, ""));
    let (done, total) = numbers.trim().split_once('/')?;
    Some((done.parse().ok()?, total.parse().ok()?, what.trim()))
}

/// `Downloading 12 crates, remaining bytes: 1.2MiB`, or without the bytes.
fn left_to_download(line: &str) -> Option<u64> {
    let (number, what) = line.strip_prefix("Downloading ")?.split_once(' ')?;
    let number = number.parse().ok()?;
    what.starts_with("crate").then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_tells_how_far_it_is() {
        let told = compiled("Building [==>   ] 12/104: serde, tokio");
        assert_eq!(told, Some((12, 104, "serde, tokio")));
        assert_eq!(compiled("Building [==>   ] 3/7"), Some((3, 7, "")));
        assert_eq!(compiled("Compiling serde v1.0.0"), None);
        assert_eq!(left_to_download("Downloading 1 crate"), Some(1));
        let told = left_to_download("Downloading 12 crates, remaining bytes: 1.2MiB");
        assert_eq!(told, Some(12));
        assert_eq!(left_to_download("Downloading crates ..."), None);
    }

    #[test]
    fn downloads_count_up_to_the_most_there_were() {
        let bar = Bar::new(true);
        for line in [
            "Downloading 1 crate",
            "Downloading 3 crates",
            "Downloading 2 crates",
            "  Downloaded itoa v1.0.0",
        ] {
            assert!(bar.take(line), "{line}");
        }
        let slot = bar.drawn.borrow();
        let shown = slot.as_ref().expect("a bar");
        assert_eq!((shown.position(), shown.length()), (1, Some(3)));
        assert_eq!(shown.message(), "Downloaded itoa v1.0.0");
    }

    #[test]
    fn other_words_are_not_its_own() {
        for line in [
            "error: no",
            "warning: unused",
            "Blocking waiting for file lock",
        ] {
            assert!(!Bar::new(false).take(line), "{line}");
        }
    }
}
