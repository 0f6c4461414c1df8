//! Writes to standard output. `println!` would panic if the reader has closed it.

use std::{
    fmt,
    io::{self, Write},
};

/// Writes one line and flushes it.
///
/// # Errors
/// Fails if standard output is closed.
pub fn line(text: impl fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
