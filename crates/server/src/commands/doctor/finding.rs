//! Result of one check of `doorward doctor`.

use std::fmt;

use crate::terminal::{Failure, table::cell};

/// Result of one check.
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    pub(super) what: &'static str,
    pub(super) said: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    /// The server works, and something should be changed.
    Warning,
    /// The server cannot work.
    Bad,
}

impl Finding {
    pub(super) fn new(verdict: Verdict, what: &'static str, said: impl fmt::Display) -> Self {
        Self { verdict, what, said: cell(&said.to_string()) }
    }

    pub(super) fn of<T>(
        what: &'static str,
        result: Result<T, Failure>,
        good: impl fmt::Display,
    ) -> Self {
        match result {
            Ok(_) => Self::new(Verdict::Good, what, good),
            Err(failure) => {
                let said = failure.to_string();
                Self::new(Verdict::Bad, what, said.strip_prefix("doorward: ").unwrap_or(&said))
            }
        }
    }
}
