//! Results of single sockets, as nodes send them to each other.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use doorward_core::{Refusal, SocketId};
use doorward_protocol::RawArguments;
use serde::{Deserialize, Serialize};

use crate::room::error::{AckError, JoinError};

/// Ack of a socket on another node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SentAck {
    socket: Box<str>,
    answer: Result<(Box<str>, Vec<String>), NoAck>,
}

/// Reason why a socket has no ack.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NoAck {
    Ended,
    NotYetIn,
    Timeout,
    TooMany,
}

impl SentAck {
    pub(crate) fn new(socket: SocketId, answer: &Result<RawArguments, AckError>) -> Self {
        let answer = match answer {
            Ok(arguments) => {
                let attachments = arguments.attachments().iter();
                let attachments = attachments.map(|bytes| STANDARD.encode(bytes)).collect();
                Ok((arguments.json().into(), attachments))
            }
            Err(AckError::Timeout) => Err(NoAck::Timeout),
            Err(AckError::TooMany) => Err(NoAck::TooMany),
            Err(AckError::NotYetIn) => Err(NoAck::NotYetIn),
            Err(AckError::Answer(_) | AckError::Emit(_) | AckError::Ended) => Err(NoAck::Ended),
        };
        Self { socket: socket.encode().into(), answer }
    }

    /// Returns the socket and its ack. Returns `None` if they cannot be read.
    pub(crate) fn read(self) -> Option<(SocketId, Result<RawArguments, AckError>)> {
        let answer = match self.answer {
            Ok((json, attachments)) => {
                let decode = |text: &String| STANDARD.decode(text).ok().map(Bytes::from);
                let attachments = attachments.iter().map(decode).collect::<Option<_>>()?;
                Ok(RawArguments::from_ack(&json, attachments))
            }
            Err(NoAck::Ended) => Err(AckError::Ended),
            Err(NoAck::NotYetIn) => Err(AckError::NotYetIn),
            Err(NoAck::Timeout) => Err(AckError::Timeout),
            Err(NoAck::TooMany) => Err(AckError::TooMany),
        };
        Some((self.socket.parse().ok()?, answer))
    }
}

/// Socket on another node that could not join a room.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SentJoin {
    socket: Box<str>,
    error: NotJoined,
}

/// Reason why a socket could not join a room.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NotJoined {
    Anonymous,
    /// Message of the refusal. Its code is a constant of the program that has refused.
    Denied(String),
    Ended,
    Full,
    Name,
    NoPolicy,
}

impl SentJoin {
    pub(crate) fn new(socket: SocketId, error: &JoinError) -> Self {
        let error = match error {
            JoinError::Anonymous => NotJoined::Anonymous,
            JoinError::Denied(refusal) => NotJoined::Denied(refusal.message().to_owned()),
            JoinError::Ended => NotJoined::Ended,
            JoinError::Full => NotJoined::Full,
            JoinError::Name => NotJoined::Name,
            JoinError::NoPolicy => NotJoined::NoPolicy,
        };
        Self { socket: socket.encode().into(), error }
    }

    /// Returns the socket and the error. Returns `None` if they cannot be read.
    pub(crate) fn read(self) -> Option<(SocketId, JoinError)> {
        let error = match self.error {
            NotJoined::Anonymous => JoinError::Anonymous,
            NotJoined::Denied(message) => {
                JoinError::Denied(Refusal::forbidden().with_message(message))
            }
            NotJoined::Ended => JoinError::Ended,
            NotJoined::Full => JoinError::Full,
            NotJoined::Name => JoinError::Name,
            NotJoined::NoPolicy => JoinError::NoPolicy,
        };
        Some((self.socket.parse().ok()?, error))
    }
}
