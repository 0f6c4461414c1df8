//! Bridge: shares broadcasts with servers that are no Doorward nodes, such as Socket.IO servers for
//! Node.js.
//!
//! A bridge translates. It does not decide which events reach a socket: the caller checks everything
//! that it reads. Start reading at [`Bridge`].

use std::{fmt, sync::Arc};

use bytes::Bytes;

use crate::{SocketId, StoreFuture, bus::Message};

/// Event for the sockets of a namespace, or for those in some of its rooms.
///
/// # Examples
/// ```
/// use doorward_core::bridge::Broadcast;
///
/// let broadcast = Broadcast {
///     namespace: "/".into(),
///     data: r#"["news","hello"]"#.into(),
///     attachments: Vec::new(),
///     rooms: vec!["lobby".into()],
///     except: Vec::new(),
///     is_volatile: false,
/// };
/// assert_eq!(broadcast.rooms.len(), 1);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Broadcast {
    /// Namespace, with its leading slash.
    pub namespace: Arc<str>,
    /// Name of the event and its arguments, as a JSON array with placeholders for the attachments.
    pub data: Box<str>,
    /// Bytes that the placeholders refer to.
    pub attachments: Vec<Bytes>,
    /// Rooms of the receivers. An empty list selects the whole namespace.
    pub rooms: Vec<Box<str>>,
    /// Rooms whose sockets are left out.
    pub except: Vec<Box<str>>,
    /// `true` if clients that do not keep up are skipped.
    pub is_volatile: bool,
}

/// Prints only the size of the event, because its content is private to the clients.
impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast")
            .field("namespace", &self.namespace)
            .field("data", &self.data.len())
            .field("attachments", &self.attachments.len())
            .finish_non_exhaustive()
    }
}

/// Request of another server. It waits for an answer, even if there is nothing to say.
///
/// # Examples
/// ```
/// use doorward_core::bridge::{Question, Request};
///
/// let request = Request { namespace: "/".into(), id: "r1".into(), question: Question::Rooms };
/// assert_eq!(request.question, Question::Rooms);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Namespace, with its leading slash.
    pub namespace: Arc<str>,
    /// Id that the other server has chosen.
    pub id: Box<str>,
    /// What the other server asks.
    pub question: Question,
}

/// Question of another server.
///
/// # Examples
/// ```
/// use doorward_core::bridge::Question;
///
/// let all = Question::Sockets { rooms: Vec::new(), except: Vec::new() };
/// assert_ne!(all, Question::Rooms);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Number of clients from which acks are to be expected.
    Acks,
    /// Names of all rooms.
    Rooms,
    /// Result of an event between servers.
    ServerEvent,
    /// Ids of the sockets in some rooms. An empty list selects the whole namespace.
    SocketIds {
        /// Rooms of the sockets.
        rooms: Vec<Box<str>>,
    },
    /// Sockets in some rooms. An empty list selects the whole namespace.
    Sockets {
        /// Rooms of the sockets.
        rooms: Vec<Box<str>>,
        /// Rooms whose sockets are left out.
        except: Vec<Box<str>>,
    },
}

/// Answer of this node to a question.
///
/// # Examples
/// ```
/// use doorward_core::bridge::Answer;
///
/// assert_ne!(Answer::Rooms(vec!["lobby".into()]), Answer::Nothing);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing: no acks, or no result.
    Nothing,
    /// Names of rooms.
    Rooms(Vec<Arc<str>>),
    /// Ids of sockets, and the rooms that each has joined.
    Sockets(Vec<(SocketId, Vec<Arc<str>>)>),
}

/// Message of another server.
///
/// # Examples
/// ```
/// use doorward_core::bridge::{Heard, Unread};
///
/// assert_ne!(Heard::Unread(Unread::Malformed), Heard::Unread(Unread::TooLarge));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Event for sockets.
    Broadcast(Broadcast),
    /// Request that waits for an answer.
    Request(Request),
    /// Message that is dropped.
    Unread(Unread),
}

/// Reason why a message of another server is dropped.
///
/// # Examples
/// ```
/// assert_eq!(format!("{:?}", doorward_core::bridge::Unread::Refused), "Refused");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It cannot be read.
    Malformed,
    /// It names another namespace than its channel.
    Namespace,
    /// It demands what other servers may not do, such as moving or disconnecting sockets.
    Refused,
    /// It is larger than [`Bounds::bytes`].
    TooLarge,
}

/// Messages that a bridge has received.
///
/// # Examples
/// ```
/// let nothing = doorward_core::bridge::Received::default();
/// assert_eq!((nothing.messages.len(), nothing.dropped), (0, 0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Messages, in the order in which they have arrived. The messages of Doorward nodes are left out.
    pub messages: Vec<Heard>,
    /// Number of messages that were dropped since the last call, because they were not taken fast
    /// enough.
    pub dropped: u64,
}

/// Limits of a message of another server.
///
/// # Examples
/// ```
/// let bounds = doorward_core::bridge::Bounds { bytes: 65_536, attachments: 16 };
/// assert!(bounds.bytes > bounds.attachments);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Maximum size of a message, and of its content as JSON, in bytes.
    pub bytes: usize,
    /// Maximum number of binary values.
    pub attachments: usize,
}

/// Connection of one node to servers that are no Doorward nodes.
///
/// Like a [bus](crate::bus), a bridge promises nothing: a message may be lost. Each node hears the other
/// servers by itself, and no node hears the messages of another node.
///
/// # Errors
/// The methods that return a future fail with [`StoreError::Unavailable`](crate::StoreError::Unavailable)
/// if the connection does not answer. The caller then opens another one.
///
/// # Cancel safety
/// Dropping the future of [`receive`](Bridge::receive) loses no message. If another future is dropped, its
/// change may have happened or not.
///
/// # Examples
/// ```
/// use doorward_core::{StoreError, bridge::{Answer, Bounds, Bridge, Heard}};
///
/// async fn answer_nothing(bridge: &dyn Bridge) -> Result<(), StoreError> {
///     bridge.open(&["/".into()], Bounds { bytes: 65_536, attachments: 16 }).await?;
///     loop {
///         for message in bridge.receive().await?.messages {
///             if let Heard::Request(request) = message {
///                 bridge.publish(&[bridge.answer(&request, &Answer::Nothing)]).await?;
///             }
///         }
///     }
/// }
/// ```
pub trait Bridge: Send + Sync + 'static {
    /// Opens a new connection, and hears the other servers in these namespaces. An earlier connection
    /// is closed, and its messages that were not received are dropped.
    fn open<'a>(&'a self, namespaces: &'a [Arc<str>], bounds: Bounds) -> StoreFuture<'a, ()>;

    /// Writes an event for the other servers. Returns `None` if its data cannot be written.
    fn broadcast(&self, broadcast: &Broadcast) -> Option<Message>;

    /// Writes the answer to a request.
    fn answer(&self, request: &Request, answer: &Answer) -> Message;

    /// Publishes messages, in this order.
    fn publish<'a>(&'a self, messages: &'a [Message]) -> StoreFuture<'a, ()>;

    /// Waits for messages. Fails when the connection has ended.
    fn receive(&self) -> StoreFuture<'_, Received>;
}
