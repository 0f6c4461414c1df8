//! Compares entity tags (RFC 9110, section 8.8.3).

use axum::http::{HeaderMap, header};

/// Returns the tag of a file with this hash. `filled` contains the words that were inserted into
/// the file.
pub(crate) fn of(sha256: &[u8; 32], filled: &str) -> String {
    use std::fmt::Write as _;

    let mut tag = String::from("\"");
    for byte in sha256.iter().take(SHOWN) {
        write!(tag, "{byte:02x}").expect("a string takes everything");
    }
    for word in filled.split_whitespace() {
        tag.extend(["-", word]);
    }
    tag.push('"');
    tag
}

/// Returns `true` if the `If-None-Match` of a request lists the tag `own` or `*` (RFC 9110, section
/// 13.1.2, weak comparison).
pub(crate) fn is_known(request: &HeaderMap, own: &str) -> bool {
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim())
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == own)
}

/// Number of bytes of the hash in a tag, enough to make collisions practically impossible.
const SHOWN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = "\"4.8.4\"";

    #[test]
    fn a_browser_that_has_this_version_is_recognised() {
        let is_known = |tags: &[&str]| {
            let mut headers = HeaderMap::new();
            for tag in tags {
                headers.append(header::IF_NONE_MATCH, tag.parse().unwrap());
            }
            is_known(&headers, ETAG)
        };

        for tags in [&[ETAG][..], &["W/\"4.8.4\""], &["*"], &["\"1\", \"4.8.4\""], &["\"1\"", ETAG]]
        {
            assert!(is_known(tags), "{tags:?}");
        }
        for tags in [&[][..], &["\"4.8.3\""], &["4.8.4"], &[""]] {
            assert!(!is_known(tags), "{tags:?}");
        }
    }

    #[test]
    fn another_file_has_another_tag() {
        assert_ne!(of(&[1; 32], ""), of(&[2; 32], ""));
        assert_ne!(of(&[1; 32], "chat"), of(&[1; 32], "chat mole"));
        assert_eq!(of(&[0xab; 32], "").len(), 34);
        assert!(of(&[0xab; 32], "chat mole").ends_with("ab-chat-mole\""));
    }
}
