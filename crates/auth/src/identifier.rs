//! Decides which strings of a token may be used as a name.
//!
//! A name ends up in logs, in admin pages and in comparisons by eye, so it must be short, and every
//! character of it must be one that a reader sees. Nothing is normalised: two names are the same
//! when their bytes are.

/// Returns whether `text` is 1-255 characters, each of them printable.
pub(crate) fn is_identifier(text: &str) -> bool {
    // At most four bytes make a character: a megabyte is refused without walking it.
    (1..=4 * MAX_CHARS).contains(&text.len())
        && text.chars().count() <= MAX_CHARS
        && text.chars().all(is_printable)
}

/// Whether a reader sees the character: neither a control character, which could forge a line of a log, nor a
/// format character or filler, which makes names look alike.
///
/// # Examples
/// ```
/// use doorward_auth::is_printable;
///
/// assert!(is_printable('한') && is_printable(' '));
/// assert!(!is_printable('\n') && !is_printable('\u{200b}'));
/// ```
#[must_use]
pub fn is_printable(character: char) -> bool {
    !character.is_control() && !INVISIBLE.iter().any(|range| range.contains(&character))
}

const MAX_CHARS: usize = 255;

/// The general categories Cf (format), Zl and Zp (line and paragraph separator), and the property
/// `Default_Ignorable_Code_Point`, of Unicode 16.
const INVISIBLE: [std::ops::RangeInclusive<char>; 25] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{600}'..='\u{605}',
    '\u{61c}'..='\u{61c}',
    '\u{6dd}'..='\u{6dd}',
    '\u{70f}'..='\u{70f}',
    '\u{890}'..='\u{891}',
    '\u{8e2}'..='\u{8e2}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{110bd}'..='\u{110bd}',
    '\u{110cd}'..='\u{110cd}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

#[cfg(test)]
mod tests;
