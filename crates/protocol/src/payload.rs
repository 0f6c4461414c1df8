//! Payloads of HTTP long polling: several messages in the body of one request or response.
//!
//! Messages are separated by the control character `\x1e`, which JSON escapes in every text. A
//! binary message is a `b` and its bytes in base64 (Engine.IO v4, "Packet encoding"). Start reading
//! at [`messages`].

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Message of a payload.
///
/// # Examples
/// See [`messages`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A text message, which is one Engine.IO packet.
    Text(&'a str),
    /// A binary message, which is one attachment of a packet.
    Binary(Vec<u8>),
}

/// Error returned when a message of a payload cannot be decoded. The client is at fault.
///
/// # Examples
/// ```
/// use doorward_protocol::payload::{PayloadError, messages};
///
/// assert_eq!(messages("b?").next(), Some(Err(PayloadError::Base64)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// A binary message is not base64 (RFC 4648, section 4).
    #[error("a binary message is not base64")]
    Base64,
}

/// Returns the messages in the body of a request.
///
/// # Errors
/// [`PayloadError`] for a message that cannot be decoded. The iterator can go on behind it.
///
/// # Examples
/// ```
/// use doorward_protocol::payload::{Part, messages};
///
/// let parts: Result<Vec<_>, _> = messages("42[\"hi\"]\x1ebAQID").collect();
/// assert_eq!(parts?, [Part::Text("42[\"hi\"]"), Part::Binary(vec![1, 2, 3])]);
/// # Ok::<_, doorward_protocol::payload::PayloadError>(())
/// ```
pub fn messages(body: &str) -> impl Iterator<Item = Result<Part<'_>, PayloadError>> {
    body.split(SEPARATOR).map(decode)
}

/// Splits the first message from the body of a request. Returns the message and the rest of the
/// body, which is `None` after the last message.
///
/// # Errors
/// [`PayloadError`] if the message cannot be decoded.
///
/// # Examples
/// ```
/// use doorward_protocol::payload::{Part, first};
///
/// assert_eq!(first("3\x1e1")?, (Part::Text("3"), Some("1")));
/// assert_eq!(first("1")?, (Part::Text("1"), None));
/// # Ok::<_, doorward_protocol::payload::PayloadError>(())
/// ```
pub fn first(body: &str) -> Result<(Part<'_>, Option<&str>), PayloadError> {
    let (message, rest) = match body.split_once(SEPARATOR) {
        Some((message, rest)) => (message, Some(rest)),
        None => (body, None),
    };
    Ok((decode(message)?, rest))
}

fn decode(message: &str) -> Result<Part<'_>, PayloadError> {
    match message.strip_prefix('b') {
        Some(encoded) => {
            STANDARD.decode(encoded).map(Part::Binary).map_err(|_malformed| PayloadError::Base64)
        }
        None => Ok(Part::Text(message)),
    }
}

/// Appends a text message to a payload.
///
/// # Examples
/// ```
/// use doorward_protocol::payload::{push_binary, push_text};
///
/// let mut body = Vec::new();
/// push_text(&mut body, b"2");
/// push_binary(&mut body, &[1, 2, 3]);
/// assert_eq!(body, b"2\x1ebAQID");
/// ```
pub fn push_text(body: &mut Vec<u8>, message: &[u8]) {
    separate(body);
    body.extend_from_slice(message);
}

/// Appends a binary message to a payload.
///
/// # Examples
/// See [`push_text`].
pub fn push_binary(body: &mut Vec<u8>, message: &[u8]) {
    separate(body);
    body.push(b'b');
    let start = body.len();
    body.resize(start + message.len().div_ceil(3) * 4, 0);
    let written = STANDARD.encode_slice(message, &mut body[start..]);
    debug_assert_eq!(written, Ok(body.len() - start));
}

fn separate(body: &mut Vec<u8>) {
    if !body.is_empty() {
        body.push(SEPARATOR as u8);
    }
}

/// Separator of messages (Engine.IO v4, "Packet encoding").
const SEPARATOR: char = '\x1e';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_messages_are_kept_so_that_the_link_rejects_them() {
        for (body, expected) in [("", 1), ("\x1e", 2), ("3\x1e", 2), ("\x1e3", 2)] {
            let parts: Vec<_> = messages(body).map(Result::unwrap).collect();
            assert_eq!(parts.len(), expected, "{body:?}");
            assert!(parts.contains(&Part::Text("")), "{body:?}");
        }
    }

    #[test]
    fn only_padded_base64_of_the_usual_alphabet_is_a_binary_message() {
        for body in ["bAQI", "bAQID\n", "bAQ-_", "bA", "b=", "bAQIDBB=="] {
            assert_eq!(first(body), Err(PayloadError::Base64), "{body:?}");
        }
        assert_eq!(first("b"), Ok((Part::Binary(Vec::new()), None)));
    }

    #[test]
    fn what_is_pushed_is_read_again() {
        for length in 0..10 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte * 29).collect();
            let mut body = Vec::new();
            push_text(&mut body, "451-[\"é\"]".as_bytes());
            push_binary(&mut body, &bytes);
            push_text(&mut body, b"2");

            let body = String::from_utf8(body).unwrap();
            let parts: Result<Vec<_>, _> = messages(&body).collect();

            let expected = [Part::Text("451-[\"é\"]"), Part::Binary(bytes), Part::Text("2")];
            assert_eq!(parts.unwrap(), expected);
        }
    }

    #[test]
    fn ten_thousand_messages_are_no_more_than_their_bytes() {
        let body = ["3"; 10_000].join("\x1e");
        assert_eq!(messages(&body).filter(|part| *part == Ok(Part::Text("3"))).count(), 10_000);
    }
}
