//! Errors of sending to clients and of joining rooms.

use doorward_core::{
    Exception, Refusal,
    wire::{ErrorAnswer, Expiring, Refreshed, SessionEnded},
};
use doorward_protocol::{DecodeError, packet};

/// Why an event was not sent.
///
/// # Examples
/// ```
/// assert_eq!(doorward::event::EmitError::Ended.to_string(), "the socket has ended");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The socket has ended.
    #[error("the socket has ended")]
    Ended,
    /// A client speaks to a room that it is not in.
    #[error("the client is not in the room")]
    NotThere,
    /// The argument cannot be written as JSON.
    #[error("the argument cannot be written as JSON")]
    Payload(#[from] serde_json::Error),
    /// The client library, or Doorward, sends events of this name by itself: `connect`, `connect_error`, `disconnect`,
    /// `disconnecting`, `newListener`, `removeListener`; `session_ended`, `exception`, `auth:expiring`,
    /// `auth:refresh`. An [exception filter](crate::event::ExceptionFilter) may send `exception`, in its own place.
    #[error(
        "the event name is one that Doorward or the client library sends by itself, such as exception or connect: \
         choose another name"
    )]
    Reserved,
    /// It is larger than half of what may wait for a client at all ([`Limits::outbox`](crate::Limits)):
    /// whoever it was sent to would be cut off.
    #[error("the event is too large")]
    TooLarge,
}

/// Refuses what clients would take for a word of the library.
pub(crate) fn check_event(event: &str) -> Result<(), EmitError> {
    let own = [SessionEnded::EVENT, ErrorAnswer::EVENT, Expiring::EVENT, Refreshed::EVENT];
    if packet::is_reserved(event) || own.contains(&event) {
        Err(EmitError::Reserved)
    } else {
        Ok(())
    }
}

/// What a client reads when a handler passes it on. Who is no longer there need not be told.
impl From<EmitError> for Exception {
    fn from(error: EmitError) -> Self {
        match error {
            EmitError::NotThere => Self::forbidden(),
            EmitError::Ended
            | EmitError::Payload(_)
            | EmitError::Reserved
            | EmitError::TooLarge => Self::internal(),
        }
    }
}

/// Why a client is not let into a room, or not out of it.
///
/// # Examples
/// ```
/// assert_eq!(doorward::room::JoinError::Full.to_string(), "the client is in too many rooms");
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// Clients of public namespaces are in no rooms.
    #[error("clients of public namespaces are in no rooms")]
    Anonymous,
    /// A guard, or the policy of the room, said no.
    #[error("not allowed")]
    Denied(#[source] Refusal),
    /// The socket has ended.
    #[error("the socket has ended")]
    Ended,
    /// It is in as many rooms as [`Limits::max_rooms`](crate::Limits::max_rooms) allows.
    #[error("the client is in too many rooms")]
    Full,
    /// Empty, longer than 255 bytes, with control characters, or reserved: names that begin with
    /// `user:`, `session:` or `socket:` are nobody's to join.
    #[error("this is no name for a room")]
    Name,
    /// No policy covers the room, so nobody may enter: a mistake of the program. Add one with
    /// [`Gateway::room`](crate::Gateway::room).
    #[error("no policy covers this room")]
    NoPolicy,
}

/// What a client reads when a handler passes it on.
impl From<JoinError> for Exception {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Denied(refusal) => refusal.into(),
            JoinError::Ended => Self::internal(),
            JoinError::Full => Self::too_many_rooms(),
            JoinError::Anonymous | JoinError::Name | JoinError::NoPolicy => Self::forbidden(),
        }
    }
}

/// Why there is no answer from a client.
///
/// # Examples
/// ```
/// assert_eq!(doorward::event::AckError::Timeout.to_string(), "the client did not answer in time");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AckError {
    /// The client has answered something else than what was expected.
    #[error("the answer is not what was expected")]
    Answer(#[from] DecodeError),
    /// The question could not be sent.
    #[error("the question could not be sent")]
    Emit(#[from] EmitError),
    /// The socket has ended.
    #[error("the socket has ended")]
    Ended,
    /// The client is not told yet that it is in, so it cannot answer: ask behind the connect hook.
    #[error("the client is not in yet")]
    NotYetIn,
    /// Nothing came in time.
    #[error("the client did not answer in time")]
    Timeout,
    /// More questions are open than [`Limits::open_acks`](crate::Limits::open_acks) allows.
    #[error("too many questions to this client are open")]
    TooMany,
}
