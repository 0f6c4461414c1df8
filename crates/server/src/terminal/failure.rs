//! Why the program ends before it has done its work, in one line.
//!
//! Everything that fails here is read by whoever typed the command, so it is a sentence and no type:
//! what is wrong, where, and what to do. Other people's errors are told with all their causes.

use std::{error::Error, fmt};

use doorward_core::Causes;

/// One line that says what went wrong, and the exit code of the program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    line: String,
    code: u8,
}

impl Failure {
    /// Takes the sentence; line breaks and other control characters in it become harmless.
    pub(crate) fn new(text: impl fmt::Display) -> Self {
        Self { line: one_line(&text.to_string()), code: FAILED }
    }

    /// As `new`, for a thing that was asked for and is not there.
    pub(crate) fn unknown(text: impl fmt::Display) -> Self {
        Self { code: UNKNOWN, ..Self::new(text) }
    }

    /// The exit code of the program.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// Says what was tried, and everything that `error` knows about why it failed.
    pub(crate) fn because(what: impl fmt::Display, error: &(dyn Error + 'static)) -> Self {
        Self::new(format_args!("{what}: {}", Causes(error)))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "doorward: {}", self.line)
    }
}

/// Keeps a message on its line, and a terminal from obeying what is in a file name.
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

/// Nothing was done: a mistake, or something that was needed does not answer.
const FAILED: u8 = 2;

/// What was asked for is not there.
const UNKNOWN: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_whatever_is_in_it() {
        let failure = Failure::new("cannot read a\nb:\r\n\n  \u{1b}[2Jno");

        assert_eq!(failure.to_string(), r"doorward: cannot read a b: \u{1b}[2Jno");
    }

    #[test]
    fn all_causes_are_told() {
        let error = doorward::ServeError::Bind {
            address: ([127, 0, 0, 1], 80).into(),
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
