//! Writes to the terminal, and ignores a closed pipe.
//!
//! `println!` panics if the reader of a pipe has closed it (`cargo xtask test | head`). These functions
//! ignore this and every other failure to write, because there is no better place to report it.

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

/// Replaces the current line of a terminal. Does nothing if the output is not a terminal.
///
/// An empty text clears the line. The caller clears it before it writes anything else.
pub(crate) fn progress(text: &str) {
    if !io::stdout().is_terminal() {
        return;
    }
    let short: String = text.chars().filter(|c| !c.is_control()).take(PROGRESS_WIDTH).collect();
    let mut stdout = io::stdout().lock();
    write!(stdout, "\r\x1b[2K{short}").and_then(|()| stdout.flush()).ok();
}

/// Asks a question on the terminal. Returns `true` only if the answer is a plain yes.
pub(crate) fn ask(question: &str) -> bool {
    let mut stdout = io::stdout().lock();
    write!(stdout, "{question} [y/N] ").and_then(|()| stdout.flush()).ok();
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// Returns `true` if standard input and output are a terminal, so that a person can answer.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Maximum width of a line that is replaced later. A line that wraps could not be replaced.
const PROGRESS_WIDTH: usize = 78;
