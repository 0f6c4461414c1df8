//! Errors of sending to clients and of joining rooms.

use doorward_core::{
    Exception, Refusal,
    wire::{ErrorAnswer, Expiring, Refreshed, SessionEnded},
};
use doorward_protocol::{DecodeError, packet};

/// Failure to send an event.
///
/// # Examples
/// ```
/// assert_eq!(doorward::event::EmitError::Ended.to_string(), "the socket has ended");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The socket has ended, or it ends now because its client does not read.
    #[error("the socket has ended")]
    Ended,
    /// An event on behalf of a client has a room as its target that the client is not in.
    #[error("the client is not in the room")]
    NotThere,
    /// The argument cannot be written as JSON. A mistake of the program.
    #[error("the argument cannot be written as JSON")]
    Payload(#[from] serde_json::Error),
    /// The name of the event is reserved: choose another one.
    ///
    /// The client library sends `connect`, `connect_error`, `disconnect`, `disconnecting`,
    /// `newListener` and `removeListener` itself. Doorward sends `session_ended`, `exception`,
    /// `auth:expiring` and `auth:refresh`. An [exception filter](crate::event::ExceptionFilter) may
    /// send `exception` as its answer.
    #[error(
        "the event name is one that Doorward or the client library sends by itself, such as exception or connect: \
         choose another name"
    )]
    Reserved,
    /// The event is larger than half of [`Limits::outbox`](crate::Limits::outbox). It could end the
    /// link of every receiver.
    #[error("the event is too large")]
    TooLarge,
}

/// Refuses event names that Doorward or the client library sends itself: clients would mistake the
/// event for one of theirs.
pub(crate) fn check_event(event: &str) -> Result<(), EmitError> {
    let own = [SessionEnded::EVENT, ErrorAnswer::EVENT, Expiring::EVENT, Refreshed::EVENT];
    if packet::is_reserved(event) || own.contains(&event) {
        Err(EmitError::Reserved)
    } else {
        Ok(())
    }
}

/// Lets handlers use `?` on an emit. A client that sends to a room without being in it reads
/// `forbidden`; every other failure is `internal`.
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

/// Failure to join or to leave a room.
///
/// # Examples
/// ```
/// assert_eq!(doorward::room::JoinError::Full.to_string(), "the client is in too many rooms");
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The socket is in a public namespace. Its clients are not authenticated and join no rooms.
    #[error("clients of public namespaces cannot join rooms")]
    Anonymous,
    /// A guard or the policy of the room has denied it. It is also denied if the rights of the
    /// client or its rooms changed during each of three attempts.
    #[error("not allowed")]
    Denied(#[source] Refusal),
    /// The socket has ended.
    #[error("the socket has ended")]
    Ended,
    /// The socket is in as many rooms as [`Limits::max_rooms`](crate::Limits::max_rooms) allows.
    #[error("the client is in too many rooms")]
    Full,
    /// The name is not valid: it is empty, longer than 255 bytes, contains control characters,
    /// begins with `user:`, `session:` or `socket:`, or matches a pattern in too many ways.
    #[error("the name of the room is not valid")]
    Name,
    /// No policy covers the room, so no client may join it. Often a mistake of the program: add a
    /// policy with [`Gateway::room`](crate::Gateway::room).
    #[error("no policy covers this room")]
    NoPolicy,
}

/// Lets handlers use `?` on a join. The client receives the refusal of the guard, `too_many_rooms`,
/// `forbidden`, or `internal` if the socket has ended.
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

/// Failure to get the ack of a client.
///
/// # Examples
/// ```
/// assert_eq!(doorward::event::AckError::Timeout.to_string(), "the client did not answer in time");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AckError {
    /// The answer of the client has another type than the caller expects.
    #[error("the answer is not what was expected")]
    Answer(#[from] DecodeError),
    /// The event could not be sent.
    #[error("the event could not be sent")]
    Emit(#[from] EmitError),
    /// The socket has ended, or a [volatile](crate::Broadcast::volatile) event was not queued for
    /// it.
    #[error("the socket has ended")]
    Ended,
    /// The admission of the client has not completed, so it cannot answer. In a connect hook, ask
    /// after the hook has returned.
    #[error("the client is not connected yet")]
    NotYetIn,
    /// The client did not answer within [`Limits::ack_timeout`](crate::Limits::ack_timeout), or
    /// within the [timeout](crate::Broadcast::timeout) of the broadcast.
    #[error("the client did not answer in time")]
    Timeout,
    /// As many events to this client wait for an ack as
    /// [`Limits::open_acks`](crate::Limits::open_acks) allows.
    #[error("too many events to this client wait for an ack")]
    TooMany,
}
