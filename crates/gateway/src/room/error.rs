//! Errors returned when an event is sent or a room is joined.

use doorward_core::{
    Exception, Refusal,
    wire::{ErrorAnswer, Expiring, Refreshed, SessionEnded},
};
use doorward_protocol::{DecodeError, packet};

/// Error returned when an event cannot be sent.
///
/// # Examples
/// ```
/// assert_eq!(doorward::event::EmitError::Ended.to_string(), "the socket has ended");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The socket has ended, or it is ending because too many bytes wait for its client.
    #[error("the socket has ended")]
    Ended,
    /// The event was sent on behalf of a client, to a room that the client has not joined.
    #[error("the client is not in the room")]
    NotThere,
    /// The argument cannot be written as JSON. This is a mistake of the program.
    #[error("the argument cannot be written as JSON")]
    Payload(#[from] serde_json::Error),
    /// The name of the event is reserved. Choose another name.
    ///
    /// The client library uses `connect`, `connect_error`, `disconnect`, `disconnecting`,
    /// `newListener` and `removeListener`. Doorward uses `session_ended`, `exception`,
    /// `auth:expiring` and `auth:refresh`. Only an [exception
    /// filter](crate::event::ExceptionFilter) may send `exception`, as the answer to a failed
    /// event.
    #[error(
        "the event name is one that Doorward or the client library sends by itself, such as exception or connect: \
         choose another name"
    )]
    Reserved,
    /// The event is larger than half of [`Limits::outbox`](crate::Limits::outbox). Such an event
    /// could end the link of every receiver.
    #[error("the event is too large")]
    TooLarge,
}

/// Rejects event names that Doorward or the client library uses itself, because clients could not
/// distinguish the events.
pub(crate) fn check_event(event: &str) -> Result<(), EmitError> {
    let own = [SessionEnded::EVENT, ErrorAnswer::EVENT, Expiring::EVENT, Refreshed::EVENT];
    if packet::is_reserved(event) || own.contains(&event) {
        Err(EmitError::Reserved)
    } else {
        Ok(())
    }
}

/// Allows `?` on an emit in handlers. The client receives `forbidden` if it has not joined the
/// room, and `internal` for every other error.
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

/// Error of a question to one node.
///
/// # Examples
/// ```
/// use doorward::event::AskNodeError;
///
/// assert_eq!(AskNodeError::NoAnswer.to_string(), "the node does not answer");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskNodeError {
    /// The answer is not of the expected type. Nodes of two versions may run.
    #[error("the answer of the node cannot be read")]
    Answer(#[source] serde_json::Error),
    /// The node is silent, has no listener for the event, or has not answered in time.
    #[error("the node does not answer")]
    NoAnswer,
    /// The argument cannot be written as JSON. This is a mistake of the program.
    #[error("the argument cannot be written as JSON")]
    Payload(#[from] serde_json::Error),
}

/// Error returned when a room cannot be joined or left.
///
/// # Examples
/// ```
/// assert_eq!(doorward::room::JoinError::Full.to_string(), "the client is in too many rooms");
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The socket is in a public namespace. Clients of public namespaces are not authenticated and
    /// cannot join rooms.
    #[error("clients of public namespaces cannot join rooms")]
    Anonymous,
    /// A guard or a policy of the room has denied the request. A join is also denied if, during each
    /// of three attempts, the access of the socket was replaced or the socket was removed from a
    /// room.
    #[error("not allowed")]
    Denied(#[source] Refusal),
    /// The socket has ended.
    #[error("the socket has ended")]
    Ended,
    /// The socket is in as many rooms as [`Limits::max_rooms`](crate::Limits::max_rooms) allows.
    #[error("the client is in too many rooms")]
    Full,
    /// The name of the room is not valid. A valid name has 1 to 255 bytes and no control
    /// characters, does not begin with `user:`, `session:` or `socket:`, and does not match a
    /// pattern in too many ways.
    #[error("the name of the room is not valid")]
    Name,
    /// No policy covers the room, so no client may join it. This is often a mistake of the program.
    /// Add a policy with [`Gateway::room`](crate::Gateway::room).
    #[error("no policy covers this room")]
    NoPolicy,
}

/// Allows `?` on a join in handlers. The client receives the refusal of the guard or policy,
/// `too_many_rooms` or `forbidden`. If the socket has ended, the exception is `internal`.
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

/// Error returned when a client does not send its ack.
///
/// # Examples
/// ```
/// assert_eq!(doorward::event::AckError::Timeout.to_string(), "the client did not answer in time");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AckError {
    /// The answer of the client does not have the type that the caller expects.
    #[error("the answer is not what was expected")]
    Answer(#[from] DecodeError),
    /// The event could not be sent.
    #[error("the event could not be sent")]
    Emit(#[from] EmitError),
    /// The socket has ended, or a [volatile](crate::Broadcast::volatile) event was not queued for
    /// the socket.
    #[error("the socket has ended")]
    Ended,
    /// The admission of the client has not completed, so the client cannot answer. A connect hook
    /// cannot wait for an ack. Request it after the hook has returned.
    #[error("the client is not connected yet")]
    NotYetIn,
    /// The client did not answer within [`Limits::ack_timeout`](crate::Limits::ack_timeout), or
    /// within the [timeout](crate::Broadcast::timeout) of the broadcast.
    #[error("the client did not answer in time")]
    Timeout,
    /// The number of events to this client that wait for an ack has reached
    /// [`Limits::open_acks`](crate::Limits::open_acks).
    #[error("too many events to this client wait for an ack")]
    TooMany,
}
