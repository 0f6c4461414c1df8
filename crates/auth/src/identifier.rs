//! Decides which strings of a token are valid names.
//!
//! Names appear in logs and admin pages and are compared by eye. So a name is short and consists of
//! visible characters only. Names are not normalised: two names are equal if their bytes are.
//! Start reading at [`is_identifier`].

use doorward_core::{is_printable, is_visible_line};

/// Returns `true` if `text` is 1-255 printable characters that are not all blank.
pub(crate) fn is_identifier(text: &str) -> bool {
    // A character has at most four bytes. Check the bytes first, so that a megabyte is rejected
    // without counting its characters.
    (1..=4 * MAX_CHARS).contains(&text.len())
        && text.chars().count() <= MAX_CHARS
        && text.chars().all(is_printable)
        && is_visible_line(text)
}

const MAX_CHARS: usize = 255;

#[cfg(test)]
mod tests;
