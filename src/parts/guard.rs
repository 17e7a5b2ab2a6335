//! Lets the parser at no file that could take all of its stack.
//!
//! It goes down for every bracket, operator and `else`, and a program that runs out of stack just
//! dies. Nobody's Rust goes as deep as this allows; what goes deeper is refused.

use std::thread;

use super::cuts::{self, Cut};
use crate::error::{Error, Kind, Result};

/// How deep brackets go.
const BRACKETS: usize = 128;
/// How many words and signs may hang on each other, over all brackets.
const CHAIN: usize = 8192;
/// More than what a parser needs that goes that deep.
const STACK: usize = 256 << 20;

/// The cuts of the file at `path`.
pub fn cuts(path: &str, text: &str) -> Result<Vec<Cut>> {
    let refused = |what: &str| Error::new(Kind::Template, what.to_owned());
    if let Err(line) = depth(text) {
        return Err(refused(&format!(
            "template file {path}, line {line}: it goes too deep to be parsed"
        )));
    }
    let found = thread::scope(|scope| {
        let parser = thread::Builder::new().stack_size(STACK);
        let parser = parser.spawn_scoped(scope, || cuts::of(path, text));
        parser.map(thread::ScopedJoinHandle::join)
    });
    match found {
        Ok(Ok(found)) => found.map_err(|what| refused(&format!("template file {what}"))),
        Ok(Err(_)) => Err(refused(&format!("template file {path} cannot be parsed"))),
        Err(error) => Err(Error::new(
            Kind::Io,
            format!("cannot start a thread: {error}"),
        )),
    }
}

/// Fails with the line on which `text` goes too deep. Counts in texts and comments, too: those
/// may only be taken for deeper than they are.
fn depth(text: &str) -> std::result::Result<(), usize> {
    let mut chains = vec![0_usize];
    let mut line = 1;
    let mut in_word = false;
    for (at, byte) in text.bytes().enumerate() {
        let word = byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
        let starts = word && !in_word;
        in_word = word;
        match byte {
            b'\n' => line += 1,
            b'(' | b'[' | b'{' => chains.push(0),
            b')' | b']' | b'}' => {
                if chains.len() > 1 {
                    chains.pop();
                }
                if byte == b'}' && ends(&text[at + 1..]) {
                    reset(&mut chains);
                }
            }
            b';' | b',' => reset(&mut chains),
            byte if starts || byte.is_ascii_punctuation() => {
                if let Some(last) = chains.last_mut() {
                    *last += 1;
                }
            }
            _ => {}
        }
        if chains.len() > BRACKETS || chains.iter().sum::<usize>() > CHAIN {
            return Err(line);
        }
    }
    Ok(())
}

fn reset(chains: &mut [usize]) {
    if let Some(last) = chains.last_mut() {
        *last = 0;
    }
}

/// Whether nothing hangs on the block before `rest`.
fn ends(rest: &str) -> bool {
    let rest = rest.trim_start();
    let goes_on = ["else", "as ", ".", "?", "+", "-", "*", "=", "<", ">", "!"];
    !goes_on.iter().any(|sign| rest.starts_with(sign))
}
