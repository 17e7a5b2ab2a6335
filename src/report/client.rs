//! What is said of a client that was written into a service.

use super::{Event, GREEN, Report, ResultEvent};
use crate::client::Written;
use crate::dirs::tilde;

impl Report {
    /// A client was written, or was there already.
    pub fn client(&self, written: &Written) {
        for warning in &written.warnings {
            self.warn(warning);
        }
        let path = tilde(&written.path);
        let result = ResultEvent {
            path: Some(written.path.display().to_string()),
            ..self.result(0)
        };
        self.event(|| Event::Result(result));
        if written.changed.is_empty() {
            self.say(&format!("{path} is up to date\n"));
            return;
        }
        let done = self.paint(GREEN, "All done!");
        self.say(&format!(
            "{done} The client of {} is in {path}\n",
            written.service
        ));
        for file in &written.changed {
            self.say(&format!("  {file}\n"));
        }
        let module = &written.module;
        self.say(&format!(
            "  clients::{module}::Client::new(app.api.clone())     # {}\n",
            written.methods.join(", ")
        ));
    }
}
