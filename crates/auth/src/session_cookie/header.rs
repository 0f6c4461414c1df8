//! Finds the one cookie of a name in what a browser sent.
//!
//! Pairs are split at each `;`, whatever stands between quotes: that is how browsers write them
//! (RFC 6265 section 5.4), and a reader that took quotes for more could be made to see a cookie
//! inside another one. Nothing is decoded.

use doorward_core::Headers;

/// What stands in the `Cookie` headers under one name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Nothing,
    One(&'a [u8]),
    /// One of them was planted, and nobody can tell which.
    Several,
}

/// Looks through all `Cookie` headers, of which there may be several.
pub(super) fn find<'a>(credentials: &'a Headers, name: &str) -> Found<'a> {
    let headers = credentials.iter().filter(|(header, _)| *header == "cookie");
    let pairs = headers.flat_map(|(_, value)| value.split(|byte| *byte == b';'));
    let mut values = pairs.filter_map(|pair| {
        // The name ends at the `=`: one with a blank behind it is another name.
        let (before, value) = split_once(pair.trim_ascii())?;
        (before == name.as_bytes()).then_some(value)
    });
    match (values.next(), values.next()) {
        (None, _) => Found::Nothing,
        (Some(value), None) => Found::One(value),
        (Some(_), Some(_)) => Found::Several,
    }
}

fn split_once(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = pair.split_at_checked(pair.iter().position(|byte| *byte == b'=')?)?;
    Some((name, value.strip_prefix(b"=")?))
}

#[cfg(test)]
mod tests;
