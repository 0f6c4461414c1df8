//! Prints lines as they come to be.

use std::{
    fmt,
    io::{self, Write as _},
};

/// Prints one line. When nothing reads it, it is not missed.
pub(crate) fn line(text: impl fmt::Display) {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).ok();
}
