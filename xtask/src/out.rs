//! Writes for the person at the terminal, and ignores a reader that has gone.
//!
//! `println!` panics when the reader of a pipe has gone (`cargo xtask test | head`). These functions
//! ignore that and every other failure to write: there is no better place to report it to.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
};

/// Writes one line to standard output.
pub(crate) fn line(text: impl Display) {
    writeln!(io::stdout().lock(), "{text}").ok();
}

/// Writes one line to standard error.
pub(crate) fn error(text: impl Display) {
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// Replaces the current line of a terminal; does nothing when output goes elsewhere.
///
/// An empty text clears the line, which the caller does before it writes anything else.
pub(crate) fn progress(text: &str) {
    if !io::stdout().is_terminal() {
        return;
    }
    let short: String = text.chars().filter(|c| !c.is_control()).take(PROGRESS_WIDTH).collect();
    let mut stdout = io::stdout().lock();
    write!(stdout, "\r\x1b[2K{short}").and_then(|()| stdout.flush()).ok();
}

/// Asks a question on the terminal; everything but a plain yes is a no.
pub(crate) fn ask(question: &str) -> bool {
    let mut stdout = io::stdout().lock();
    write!(stdout, "{question} [y/N] ").and_then(|()| stdout.flush()).ok();
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// Returns `true` if a person can be asked: both directions are a terminal.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Narrow enough for any terminal: a line that wraps could not be replaced.
const PROGRESS_WIDTH: usize = 78;
