//! How lines end. All that is merged has LF; what comes out ends as the service's text does.

/// How the lines of a text end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// With LF, some of them at least.
    Lf,
    /// With CR and LF, all of them.
    CrLf,
}

impl Ends {
    /// Those of `text`.
    pub fn of(text: &str) -> Self {
        let lines = text.matches('\n').count();
        if lines > 0 && text.matches("\r\n").count() == lines {
            Self::CrLf
        } else {
            Self::Lf
        }
    }

    /// `text`, whose lines end with LF, with these ends.
    pub fn of_lines(self, text: String) -> String {
        match self {
            Self::Lf => text,
            Self::CrLf => text.replace('\n', "\r\n"),
        }
    }
}
