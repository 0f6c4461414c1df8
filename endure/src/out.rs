//! Prints lines immediately.

use std::{
    fmt,
    io::{self, Write as _},
};

/// Prints one line. Ignores a closed standard output, at which `println!` would panic.
pub(crate) fn line(text: impl fmt::Display) {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).ok();
}
