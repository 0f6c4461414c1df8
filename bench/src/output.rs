//! Writes to standard output: `println!` would panic when a reader has closed it.

use std::{
    fmt,
    io::{self, Write},
};

/// Writes one line at once.
///
/// # Errors
/// When nobody reads any more.
pub fn line(text: impl fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
