//! The error that ends a command, in one line.
//!
//! The error is a sentence that tells the operator what is wrong, where, and what to do. Errors of libraries are
//! printed with all their causes.

use std::{error::Error, fmt};

use doorward_core::Causes;

/// A message of one line, and the exit code of the program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    line: String,
    /// Exit code of the program.
    pub(crate) code: u8,
}

impl Failure {
    /// Creates a failure with exit code 2. Line breaks are replaced by spaces, and other control characters are
    /// escaped.
    pub(crate) fn new(text: impl fmt::Display) -> Self {
        Self { line: one_line(&text.to_string()), code: FAILED }
    }

    /// Creates a failure with exit code 1, for a requested thing that does not exist.
    pub(crate) fn unknown(text: impl fmt::Display) -> Self {
        Self { code: UNKNOWN, ..Self::new(text) }
    }

    /// Creates a failure from a description of what failed, and an error with all its causes.
    pub(crate) fn because(what: impl fmt::Display, error: &(dyn Error + 'static)) -> Self {
        Self::new(format_args!("{what}: {}", Causes(error)))
    }
}

/// Turns the error of a result into a [`Failure`].
pub(crate) trait OrFail<T> {
    /// Returns the value, or fails with a description and the error, like [`Failure::because`].
    fn or_fail(self, what: impl fmt::Display) -> Result<T, Failure>;
}

impl<T, E: Error + 'static> OrFail<T> for Result<T, E> {
    fn or_fail(self, what: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::because(what, &error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "doorward: {}", self.line)
    }
}

/// Joins lines, and escapes control characters, so that a file name in an error cannot control the terminal.
fn one_line(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut line = String::with_capacity(text.len());
    for character in lines.join(" ").chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// Exit code for a mistake of the operator, or for a dependency that does not answer.
const FAILED: u8 = 2;

/// Exit code for a requested thing that does not exist.
const UNKNOWN: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_with_any_content() {
        let failure = Failure::new("cannot read a\nb:\r\n\n  \u{1b}[2Jno");

        assert_eq!(failure.to_string(), r"doorward: cannot read a b: \u{1b}[2Jno");
    }

    #[test]
    fn all_causes_are_told() {
        let error = doorward::server::ServeError::Bind {
            address: "127.0.0.1:80".into(),
            source: std::io::ErrorKind::AddrInUse.into(),
        };

        let text = Failure::because("cannot serve", &error).to_string();

        assert_eq!(
            text,
            "doorward: cannot serve: cannot listen on 127.0.0.1:80, where another program listens: end it, or take \
             another port: address in use"
        );
    }
}
