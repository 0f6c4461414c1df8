//! Reads any value in MessagePack, for messages of other servers.

use bytes::Bytes;

use super::{error::MsgpackError, reader::Reader};

/// Translates a value to JSON. Returns the JSON, and the bytes that its placeholders refer to.
///
/// The JSON may have at most `limit` bytes, and the value may contain at most `max_attachments` binary
/// values. Values without a JSON equivalent are converted as by [`decode`](super::decode).
///
/// # Examples
/// ```
/// use doorward_protocol::msgpack;
///
/// let (json, attachments) = msgpack::to_json(b"\x93\xa1a\xc4\x01\xff\xd4\x00\x00", 100, 1)?;
/// assert_eq!(json, r#"["a",{"_placeholder":true,"num":0},null]"#);
/// assert_eq!(attachments, [&b"\xff"[..]]);
/// # Ok::<_, msgpack::MsgpackError>(())
/// ```
///
/// # Errors
/// [`MsgpackError`] if the message is not one value, or exceeds a limit.
pub fn to_json(
    message: &[u8],
    limit: usize,
    max_attachments: usize,
) -> Result<(String, Vec<Bytes>), MsgpackError> {
    let mut reader = Reader::new(message, limit, max_attachments);
    if !reader.value(0)? || !reader.is_at_end() {
        return Err(MsgpackError::Malformed);
    }
    let (json, attachments, has_placeholder) = reader.into_parts();
    // Beside bytes, a map of the sender would stand for them.
    if has_placeholder && !attachments.is_empty() {
        return Err(MsgpackError::Malformed);
    }
    let json = String::from_utf8(json).map_err(|_never| MsgpackError::Malformed)?;
    Ok((json, attachments))
}
