//! Decides which strings of a token or a key set are valid names.
//!
//! Names appear in logs and admin pages, where people compare them. A valid name is therefore short
//! and has only visible characters. Names are not normalised. Two names are equal if their bytes
//! are equal. Start reading at [`is_identifier`].

use doorward_core::{is_printable, is_visible_line};

/// Returns `true` if `text` has 1-255 printable characters, and is visible as a whole and not blank
/// ([`is_visible_line`]).
pub(crate) fn is_identifier(text: &str) -> bool {
    // A character has at most four bytes. The bytes are checked first, so that a very long text is
    // rejected without counting its characters.
    (1..=4 * MAX_CHARS).contains(&text.len())
        && text.chars().count() <= MAX_CHARS
        && text.chars().all(is_printable)
        && is_visible_line(text)
}

const MAX_CHARS: usize = 255;

#[cfg(test)]
mod tests;
