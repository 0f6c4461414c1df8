//! Messages on the bus: a header as JSON, and a body that depends on the header.
//!
//! The format has a version. A node drops messages whose format has another version. Start reading at
//! [`Envelope`].

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};
use doorward_core::{Incarnation, NodeId, UserId};
use doorward_protocol::RawArguments;
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{dropped::Dropped, selection::Selection};

/// A message with its sender.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) from: NodeRun,
    pub(crate) content: Content,
    /// Bytes after the header.
    pub(crate) body: Bytes,
}

/// Node that has sent a message. A node that was started again is another sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeRun {
    pub(crate) node: NodeId,
    pub(crate) run: Incarnation,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Content {
    /// Sign of life. `presence` is the number of the last change of the presence on the sender.
    Beat { number: u64, presence: u64 },
    /// Event for sockets. The body is its [`Frame`](doorward_protocol::Frame).
    Emit { namespace: Box<str>, selection: Selection, is_volatile: bool },
    /// Change of a connection, for watches of its user or of all users. The body is the change.
    Connection { is_for_all: bool },
    /// Question to all nodes.
    Question { id: u64, question: Question },
    /// Part of an answer to a question of the receiver. The body is a JSON array.
    Answer { id: u64, part: u32, is_last: bool },
    /// Changes of the presence on the sender. The body is a JSON array.
    Presence { number: u64 },
    /// Request for the whole presence on the receiver.
    PresenceWanted,
    /// Part of the whole presence on the sender, as of a change. The body is a JSON array.
    WholePresence(Whole),
    /// The sender shuts down, and has no client any more.
    Farewell,
}

/// Part of the whole presence on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Whole {
    /// Number of the last change that is contained.
    pub(crate) number: u64,
    /// Number of the sending, so that parts of two sendings are not mixed.
    pub(crate) sending: u64,
    pub(crate) part: u32,
    pub(crate) is_last: bool,
}

/// Question that every node answers with a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    /// Send an event, and collect the acks. The body holds its arguments.
    Acks {
        namespace: Box<str>,
        selection: Selection,
        is_volatile: bool,
        event: Box<str>,
        millis: u64,
    },
    /// Disconnect sockets, and count them.
    Disconnect { namespace: Box<str>, selection: Selection },
    /// Describe sockets of a namespace.
    Fetch { namespace: Box<str>, selection: Selection },
    /// Make sockets join a room, and list those that could not.
    Join { namespace: Box<str>, selection: Selection, room: Box<str> },
    /// Describe the node.
    Nodes,
    /// Remove sockets from a room, and count them.
    Leave { namespace: Box<str>, selection: Selection, room: Box<str> },
    /// Call the listeners of an event of the server. The body holds its arguments.
    ServerEvent { namespace: Box<str>, event: Box<str> },
    /// Describe all sockets of the server, or those of a user.
    Sockets { user: Option<Box<str>> },
}

impl Question {
    /// Returns the question for the sockets of a user, or for all sockets.
    pub(crate) fn sockets(user: Option<&UserId>) -> Self {
        Self::Sockets { user: user.map(|user| user.as_str().into()) }
    }
}

#[derive(Serialize)]
struct Head<'a> {
    v: u8,
    node: &'a str,
    run: String,
    content: &'a Content,
}

#[derive(Deserialize)]
struct ReadHead<'a> {
    v: u8,
    #[serde(borrow)]
    node: Cow<'a, str>,
    #[serde(borrow)]
    run: Cow<'a, str>,
    content: Content,
}

impl Envelope {
    /// Returns the message as bytes.
    pub(crate) fn encode(from: &NodeRun, content: &Content, body: &[&[u8]]) -> Bytes {
        let head = Head { v: VERSION, node: from.node.as_str(), run: from.run.encode(), content };
        let size: usize = body.iter().map(|part| part.len()).sum();
        let mut out = BytesMut::with_capacity(USUAL + size);
        out.put_u32(0);
        let mut writer = out.writer();
        // Only maps with keys that are no strings could fail.
        let written = serde_json::to_writer(&mut writer, &head);
        debug_assert!(written.is_ok());
        let mut out = writer.into_inner();
        let length = u32::try_from(out.len() - LENGTH).unwrap_or(u32::MAX);
        out[..LENGTH].copy_from_slice(&length.to_be_bytes());
        body.iter().for_each(|part| out.extend_from_slice(part));
        out.freeze()
    }

    /// Parses the output of [`encode`](Self::encode).
    pub(crate) fn decode(mut bytes: Bytes) -> Result<Self, Dropped> {
        let (length, rest) = bytes.split_first_chunk::<LENGTH>().ok_or(Dropped::Unreadable)?;
        let length = u32::from_be_bytes(*length) as usize;
        let head = rest.get(..length).ok_or(Dropped::Unreadable)?;
        let head: ReadHead<'_> = match serde_json::from_slice(head) {
            Ok(head) => head,
            Err(_) => {
                return Err(match version_of(head) {
                    Some(version) if version != VERSION => Dropped::Version,
                    _ => Dropped::Unreadable,
                });
            }
        };
        if head.v != VERSION {
            return Err(Dropped::Version);
        }
        let run = head.run.parse().map_err(|_malformed| Dropped::Unreadable)?;
        let from = NodeRun { node: NodeId::new(&*head.node), run };
        let content = head.content;
        Ok(Self { from, content, body: bytes.split_off(LENGTH + length) })
    }
}

/// Returns the version of a header that cannot be parsed otherwise.
fn version_of(head: &[u8]) -> Option<u8> {
    #[derive(Deserialize)]
    struct OnlyVersion {
        v: u8,
    }
    serde_json::from_slice(head).ok().map(|OnlyVersion { v }| v)
}

/// Returns arguments as a body.
pub(crate) fn pack(arguments: &RawArguments) -> Vec<u8> {
    let mut out = Vec::with_capacity(arguments.json().len() + LENGTH);
    let parts = arguments.attachments().iter().map(|bytes| &bytes[..]);
    for part in std::iter::once(arguments.json().as_bytes()).chain(parts) {
        out.put_u32(u32::try_from(part.len()).unwrap_or(u32::MAX));
        out.extend_from_slice(part);
    }
    out
}

/// Parses the output of [`pack`]. Returns `None` if `body` is not such output.
pub(crate) fn unpack(mut body: Bytes) -> Option<RawArguments> {
    let mut parts = Vec::new();
    while !body.is_empty() {
        let length = u32::from_be_bytes(*body.first_chunk::<LENGTH>()?) as usize;
        let mut rest = body.split_off(LENGTH);
        if rest.len() < length {
            return None;
        }
        body = rest.split_off(length);
        parts.push(rest);
    }
    let mut parts = parts.into_iter();
    let json = parts.next()?;
    let json = str::from_utf8(&json).ok()?;
    // The text becomes a part of a packet.
    serde_json::from_str::<Vec<IgnoredAny>>(json).ok()?;
    Some(RawArguments::from_ack(json, parts.collect()))
}

/// Version of the format of messages.
const VERSION: u8 = 1;

/// Size of a length, in bytes.
const LENGTH: usize = 4;

/// Usual size of a header, in bytes.
const USUAL: usize = 256;

#[cfg(test)]
mod tests {
    use doorward_protocol::Binary;

    use super::*;
    use crate::{
        bus::{selection::Named, target::Target},
        runtime::system::OsEntropy,
    };

    fn sender() -> NodeRun {
        NodeRun { node: NodeId::new("eu \"1\""), run: Incarnation::generate(&OsEntropy) }
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let (from, namespace) = (sender(), "/a\u{1f6aa}".into());
        let to = Some(vec![Named::from(&Target::from("a\"b")), Named::User("\0".into())]);
        let selection = Selection { to, except: vec![Named::Socket("x".into())] };
        let content = Content::Emit { namespace, selection: selection.clone(), is_volatile: true };

        let bytes = Envelope::encode(&from, &content, &[b"\x81\x01", b"2"]);
        let read = Envelope::decode(bytes).unwrap();

        assert_eq!((read.from, &read.body[..]), (from, &b"\x81\x012"[..]));
        let Content::Emit { namespace, selection: found, is_volatile: true } = read.content else {
            panic!("it is {:?}", read.content);
        };
        assert_eq!((&*namespace, found), ("/a\u{1f6aa}", selection));
    }

    #[test]
    fn anything_else_is_dropped() {
        let content = Content::Beat { number: 1, presence: 0 };
        let good = Envelope::encode(&sender(), &content, &[]);
        for end in 0..good.len() {
            assert_eq!(
                Envelope::decode(good.slice(..end)).err(),
                Some(Dropped::Unreadable),
                "{end}"
            );
        }
        let other = |head: &str| {
            let length = u32::try_from(head.len()).unwrap().to_be_bytes();
            Envelope::decode([&length, head.as_bytes()].concat().into()).err()
        };
        assert_eq!(other(r#"{"v":2,"content":{"song":{}}}"#), Some(Dropped::Version));
        assert_eq!(other(r#"{"v":1,"content":{"song":{}}}"#), Some(Dropped::Unreadable));
        assert_eq!(
            Envelope::decode(Bytes::from_static(&[255; 9])).err(),
            Some(Dropped::Unreadable)
        );
        let deep = "[".repeat(100_000);
        assert_eq!(other(&deep), Some(Dropped::Unreadable));
    }

    #[test]
    fn arguments_are_read_as_they_were_written() {
        let arguments = (1, Binary(b"ab".as_slice().into()), Binary(Bytes::new()));
        let raw = RawArguments::new(&arguments).unwrap();

        assert_eq!(unpack(pack(&raw).into()), Some(raw));
        for wrong in [&b""[..], b"\0\0\0\x01", b"\0\0\0\x02[}", b"\0\0\0\x04null"] {
            assert_eq!(unpack(Bytes::from_static(wrong)), None, "{wrong:?}");
        }
    }
}
