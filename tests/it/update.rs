//! `update` and `diff`: services that their owners have worked on, brought to newer versions of
//! their templates. One story a file.

mod branches;
mod checks;
mod conflicts;
mod edits;
mod embedded;
mod files;
mod fleets;
mod layouts;
mod migrations;
mod names;
mod proofs;
mod questions;
mod records;
mod recovery;
mod refusals;
mod templates;
mod texts;
mod world;
