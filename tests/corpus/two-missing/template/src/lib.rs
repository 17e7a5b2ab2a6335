//! {{description}}
