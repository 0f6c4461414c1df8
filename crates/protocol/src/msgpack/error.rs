//! The error of a packet that cannot be translated.

/// Error returned when a MessagePack message is not a packet. The client is at fault.
///
/// # Examples
/// ```
/// use doorward_protocol::msgpack::{self, MsgpackError};
///
/// assert_eq!(msgpack::decode(b"", 100, 10), Err(MsgpackError::Malformed));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MsgpackError {
    /// More binary values than the limit.
    #[error("too many binary values in a MessagePack packet")]
    Attachments,
    /// The message is not MessagePack, or not a map with the members of a packet.
    #[error("invalid MessagePack packet")]
    Malformed,
    /// The packet would be longer than the limit as JSON.
    #[error("MessagePack packet is too large")]
    TooLarge,
}
