//! The pure core: from what is to be routed to bytes and commands. No I/O, no clock.
//!
//! | module | one line |
//! |---|---|
//! | `view` | what is to be routed |
//! | `layout` | backends, slots and routes: what `HAProxy` has |
//! | `plan` | from a layout to a view: commands, and whether a reload is wanted |
//! | `commands` | the runtime commands, as types and as text |
//! | `render` | `haproxy.cfg`, the map, the static answers |

pub mod commands;
pub mod layout;
pub mod plan;
pub mod render;
#[cfg(test)]
mod tests;
pub mod view;
