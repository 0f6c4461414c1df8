//! Findings of a check, and the reason why a check could not run.
//!
//! A [`Problem`] says what is wrong, where, and what to do. A [`Report`] contains all problems, and a line to
//! print if there are none. A [`Failure`] is different: the check itself did not finish.

use std::{
    error::Error,
    fmt::{self, Display, Formatter},
};

/// A problem that a person must solve.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    place: String,
    what: String,
    remedy: String,
}

impl Problem {
    pub(crate) fn new(
        place: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { place: place.into(), what: what.into(), remedy: remedy.into() }
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    {}", self.place, self.what, self.remedy)
    }
}

/// Problems that a check found, and the sentence to print if there are none.
#[derive(Debug)]
pub(crate) struct Report {
    summary: String,
    problems: Vec<Problem>,
}

impl Report {
    pub(crate) fn new(summary: impl Into<String>, problems: Vec<Problem>) -> Self {
        Self { summary: summary.into(), problems }
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return f.write_str(&self.summary);
        }
        write!(f, "{} to change", self.problems.len())?;
        for problem in &self.problems {
            write!(f, "\n{problem}")?;
        }
        Ok(())
    }
}

/// Reason why a command could not finish.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Creates a failure from the attempted action and its error.
    pub(crate) fn of(attempt: impl Display, cause: impl Display) -> Self {
        Self(format!("{attempt}: {cause}"))
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failure {}
