//! Atlas, the registry of this machine: what runs where. It is a directory, no server: an
//! instance is a small file that its process holds locked, so that the kernel ends the entry
//! with the process, however it dies. Others read the same files, in any language; the format
//! is described where Atlas is.
//!
//! | module         | what it knows                                             |
//! |----------------|-----------------------------------------------------------|
//! | `places`       | where the directories are, by the rule that all share     |
//! | `user`         | who this process is, for rights and for trust             |
//! | `folder`       | which folders can be trusted, and their lock              |
//! | `entry`        | what a registration says                                  |
//! | `registration` | this process's own entry, and the thread that keeps it    |
//! | `document`     | the settings that are kept there for this service         |
//!
//! What is not listed says itself what it is for. It is made for local disks of Linux; where
//! there is none the service runs unregistered.

pub mod document;
mod entry;
mod folder;
#[cfg(feature = "api")]
mod lookup;
mod places;
mod registration;
mod user;

#[cfg(feature = "api")]
pub use lookup::Lookup;
pub use places::Places;
pub use registration::Registration;

#[cfg(test)]
mod tests;
