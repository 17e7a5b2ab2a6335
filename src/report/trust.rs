//! Words about consent.

use super::of_template;
use crate::source::limits::is_unseen;
use crate::template::Origin;
use crate::trust::{Consent, Item, What};

/// No script is shown with more lines: `template describe` has them all.
const LINES: usize = 60;

/// What a template would run, in full.
#[must_use]
pub fn shown(origin: &Origin, items: &[Item]) -> String {
    let mut text = format!("\nThe template {} would run:\n\n", of_template(origin));
    for item in items {
        text.push_str(&format!("  {item}\n"));
        if let What::Script(_) = item.what {
            text.push_str(&script(&item.text));
        }
    }
    text + "\n"
}

/// A script, line by line.
fn script(text: &str) -> String {
    let lines = text.lines().collect::<Vec<_>>();
    let mut shown = String::new();
    for line in lines.iter().take(LINES) {
        shown.push_str(&format!("    | {}\n", safe(line)));
    }
    if lines.len() > LINES {
        let more = lines.len() - LINES;
        shown.push_str(&format!(
            "    … {more} more lines: generate-service template describe SOURCE\n"
        ));
    }
    shown
}

/// Text on one line, without what moves the cursor or turns the direction of reading.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut harmless = String::new();
    for c in text.chars() {
        if is_unseen(c) {
            harmless.extend(c.escape_default());
        } else {
            harmless.push(c);
        }
    }
    harmless
}

/// A line as text that cannot move the cursor.
#[must_use]
pub fn safe(line: &str) -> String {
    let line = line.replace('\t', "    ");
    let safe = line.chars().map(|c| match c {
        ' '..='~' | '…' | '–' | '—' | '‘' | '’' | '“' | '”' => c.to_string(),
        c if c.is_alphanumeric() => c.to_string(),
        c => c.escape_unicode().to_string(),
    });
    safe.collect()
}

/// Everything that was agreed to.
#[must_use]
pub fn listed(consents: &[Consent]) -> String {
    let mut text = String::new();
    let mut last = None;
    for consent in consents {
        if last != Some(&consent.source) {
            text.push_str(&format!("{}\n", consent.source));
            last = Some(&consent.source);
        }
        let short = consent.hash.get(..12).unwrap_or(&consent.hash);
        text.push_str(&format!("  {short}  {}\n", consent.what));
    }
    if text.is_empty() {
        text.push_str("No template may run anything here.\n");
    }
    text
}

/// What may run from now on.
#[must_use]
pub fn agreed(source: &str, items: &[Item]) -> String {
    if items.is_empty() {
        return format!("{source} runs nothing that was not agreed to\n");
    }
    let mut text = format!("{source} may run:\n");
    for item in items {
        text.push_str(&format!("  {item}\n"));
    }
    text
}

/// What may not run any more.
#[must_use]
pub fn forgotten(source: &str, count: usize) -> String {
    let things = if count == 1 { "thing" } else { "things" };
    format!("{source} may no longer run {count} {things}\n")
}
