//! Prints an error together with its causes, as one sentence.

use std::{error::Error, fmt};

/// Displays an error and its causes, separated by colons.
///
/// If the text already ends with a cause, that cause is not printed again. Some libraries repeat the cause in the message of an error
/// and return it as its source too.
///
/// # Examples
/// ```
/// use doorward_core::Causes;
///
/// let error = std::io::Error::other("the disk is full");
/// assert_eq!(Causes(&error).to_string(), "the disk is full");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Causes<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut next = self.0.source();
        while let Some(cause) = next {
            let told = cause.to_string();
            if !ends_with_words(&text, &told) {
                text.push_str(": ");
                text.push_str(&told);
            }
            next = cause.source();
        }
        f.write_str(&text)
    }
}

/// Returns `true` if a text ends with these words, and not in the middle of a longer word.
fn ends_with_words(text: &str, words: &str) -> bool {
    text.strip_suffix(words).is_some_and(|before| !before.ends_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Self>>,
    }

    fn chain(texts: &[&'static str]) -> String {
        let layer = |source, text: &&'static str| Some(Box::new(Layer { text, source }));
        Causes(&*texts.iter().rev().fold(None, layer).unwrap()).to_string()
    }

    #[test]
    fn a_cause_that_the_text_ends_with_is_left_out() {
        let cases: [(&[&'static str], &str); 6] = [
            (
                &["cannot connect", "refused (os error 111)"],
                "cannot connect: refused (os error 111)",
            ),
            (&["no answer: refused", "refused"], "no answer: refused"),
            (&["refused", "refused", "refused"], "refused"),
            (&["a: b: c", "b: c", "c"], "a: b: c"),
            (&["a: c", "b", "c"], "a: c: b: c"),
            // The cause is another word.
            (&["it was unread", "read"], "it was unread: read"),
        ];
        for (texts, expected) in cases {
            assert_eq!(chain(texts), expected, "{texts:?}");
        }
    }

    #[test]
    fn an_error_without_a_cause_is_its_own_text() {
        assert_eq!(Causes(&io::Error::other("the disk is full")).to_string(), "the disk is full");
    }
}
