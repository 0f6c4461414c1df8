//! Decides which strings of a token may be used as a name.
//!
//! A name ends up in logs, in admin pages and in comparisons by eye, so it must be short, and every
//! character of it must be one that a reader sees. Nothing is normalised: two names are the same
//! when their bytes are.

use doorward_core::{is_printable, is_visible_line};

/// Returns whether `text` is 1-255 characters, each of them printable, and one of them more than a space.
pub(crate) fn is_identifier(text: &str) -> bool {
    // At most four bytes make a character: a megabyte is refused without walking it.
    (1..=4 * MAX_CHARS).contains(&text.len())
        && text.chars().count() <= MAX_CHARS
        && text.chars().all(is_printable)
        && is_visible_line(text)
}

const MAX_CHARS: usize = 255;

#[cfg(test)]
mod tests;
