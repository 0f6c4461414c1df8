//! Rules for text that people read, such as names and the messages of users.
//!
//! Every character must be visible or a space. No character may change the direction of the text
//! around it, because one name could then be read as another. Start reading at [`is_visible_line`].

use std::ops::RangeInclusive;

/// Returns `true` if the character is visible or a space.
///
/// Returns `false` for:
/// - control characters, which could forge a log line;
/// - format characters and fillers, which make different names look alike;
/// - noncharacters and private use characters, for which fonts have no glyph.
///
/// # Examples
/// ```
/// use doorward_core::is_printable;
///
/// assert!(is_printable('한') && is_printable(' '));
/// assert!(!is_printable('\n') && !is_printable('\u{200b}'));
/// ```
#[must_use]
pub fn is_printable(character: char) -> bool {
    // The last two code points of each plane are noncharacters (Unicode, section 23.7).
    let is_nothing = u32::from(character) & 0xfffe == 0xfffe;
    let is_hidden =
        |ranges: &[RangeInclusive<char>]| ranges.iter().any(|it| it.contains(&character));
    !character.is_control() && !is_nothing && !is_hidden(&INVISIBLE) && !is_hidden(&NOWHERE)
}

/// Returns `true` if a line of text, such as a name, is visible as a whole and not blank.
///
/// Such a line contains no control character, no filler, and no character that changes the
/// direction of text. Characters that join others, as in emoji and in Persian, are allowed where
/// they join something.
///
/// # Examples
/// ```
/// use doorward_core::is_visible_line;
///
/// assert!(is_visible_line("Alice 👩\u{200d}💻"));
/// for nothing in ["", "  ", "\u{200b}", "\u{3164}", "\u{2800}", "a\u{202e}b", "a\nb", "a\u{200d}"] {
///     assert!(!is_visible_line(nothing), "{nothing:?}");
/// }
/// ```
#[must_use]
pub fn is_visible_line(text: &str) -> bool {
    is_visible(text, "")
}

/// Returns `true` if a text is visible as a whole and not blank. It may contain the characters that
/// [`is_visible_line`] allows, line breaks (`\n`) and tabs.
///
/// # Examples
/// ```
/// use doorward_core::is_visible_text;
///
/// assert!(is_visible_text("one\n\ttwo"));
/// assert!(!is_visible_text("\n\u{200b}\n") && !is_visible_text("one\r\u{2028}two"));
/// ```
#[must_use]
pub fn is_visible_text(text: &str) -> bool {
    is_visible(text, "\n\t")
}

fn is_visible(text: &str, breaks: &str) -> bool {
    let (mut before, mut has_seen, mut tags) = (' ', false, 0);
    for character in text.chars() {
        // Tags are invisible, so a run that is too long for a flag could hide a message.
        tags = if TAGS.contains(&character) { tags + 1 } else { 0 };
        if tags > MOST_TAGS {
            return false;
        }
        let is_break = breaks.contains(character);
        if !is_printable(character) && !is_break && !joins(before, character) {
            return false;
        }
        has_seen |= !is_break && is_seen(character);
        before = character;
    }
    // A joiner at the end joins nothing, so its only effect would be to make two texts look alike.
    has_seen && !JOINERS.contains(&before)
}

/// Returns `true` if an unprintable character changes how the character before it is drawn. Other
/// unprintable characters are invisible fillers, which are not allowed.
fn joins(before: char, character: char) -> bool {
    match character {
        // The flags of England, Scotland and Wales are a black flag and a region code in tags.
        tag if TAGS.contains(&tag) => before == '\u{1f3f4}' || TAGS.contains(&before),
        // A variation selector draws the character before it as text, or as emoji.
        '\u{fe0e}' | '\u{fe0f}' => is_seen(before),
        joiner if JOINERS.contains(&joiner) => {
            before == '\u{fe0f}' || (is_seen(before) && !before.is_ascii())
        }
        _ => false,
    }
}

fn is_seen(character: char) -> bool {
    is_printable(character) && !character.is_whitespace() && !BLANK.contains(&character)
}

/// Blank characters that are neither spaces nor ignorable, from Braille, musical notation, and the
/// Egyptian and Khitan scripts.
const BLANK: [char; 5] = ['\u{2800}', '\u{13441}', '\u{13442}', '\u{16fe4}', '\u{1d159}'];

/// Tag characters, from which flags of regions are made.
const TAGS: RangeInclusive<char> = '\u{e0020}'..='\u{e007f}';

/// Maximum number of consecutive tags. A region has at most six characters (Unicode Technical
/// Standard 51), and a terminator follows them.
const MOST_TAGS: usize = 7;

/// Noncharacters and private use characters.
const NOWHERE: [RangeInclusive<char>; 4] = [
    '\u{e000}'..='\u{f8ff}',
    '\u{fdd0}'..='\u{fdef}',
    '\u{f0000}'..='\u{ffffd}',
    '\u{100000}'..='\u{10fffd}',
];

/// Zero width non-joiner and joiner.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// The general categories Cf (format), Zl and Zp (line and paragraph separator), and the property
/// `Default_Ignorable_Code_Point`, of Unicode 16.
const INVISIBLE: [RangeInclusive<char>; 25] = [
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
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_visible() {
        for line in [
            "a",
            "Alice Liddell",
            "山田\u{3000}太郎",
            "می\u{200c}خواهم",
            "हिन्दी",
            "שלום",
            "❤\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "👨\u{200d}👩\u{200d}👧",
            "🏳\u{fe0f}\u{200d}🌈",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            // A region of six characters, the longest there may be.
            "🏴\u{e0067}\u{e0062}\u{e0061}\u{e0062}\u{e0063}\u{e0064}\u{e007f}",
            "⠓⠑⠇⠇⠕\u{2800}⠺",
        ] {
            assert!(is_visible_line(line) && is_visible_text(line), "{line:?}");
            assert!(is_visible_text(&format!("{line}\n\t{line}")), "{line:?}");
        }
    }

    #[test]
    fn text_that_no_reader_can_see_is_not_visible() {
        for text in [
            "a\u{fffe}",
            "a\u{1ffff}",
            "a\u{fdd0}",
            "a\u{e000}",
            "a\u{10fffd}",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e0067}\u{e0067}\u{e0067}",
            "",
            " ",
            "\u{a0}\u{3000}",
            "\u{200b}",
            "\u{3164}",
            "\u{ffa0}",
            "\u{115f}",
            "\u{2800}\u{2800}",
            "\u{fe0f}",
            "\u{200d}\u{200d}",
            " \u{fe0f}",
            "\u{e0061}",
            "Ali\u{200d}ce",
            "한\u{200d}",
            "한\u{200d}\u{200d}글",
        ] {
            assert!(!is_visible_line(text) && !is_visible_text(text), "{text:?}");
        }
    }

    /// Attack 14.
    #[test]
    fn no_character_changes_the_direction_of_the_text_around_it() {
        let marks = ['\u{61c}', '\u{200e}', '\u{200f}'];
        for control in
            marks.into_iter().chain('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}')
        {
            assert!(!is_visible_text(&format!("a{control}b")), "{control:?}");
        }
    }

    #[test]
    fn only_line_breaks_and_tabs_are_good_among_control_characters() {
        for control in ('\0'..='\u{1f}').chain('\u{7f}'..='\u{9f}') {
            assert!(!is_visible_line(&format!("a{control}b")), "{control:?}");
            let is_break = matches!(control, '\n' | '\t');
            assert_eq!(is_visible_text(&format!("a{control}b")), is_break, "{control:?}");
        }
    }
}
