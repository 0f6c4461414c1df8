//! Requests of the servers for Node.js, and their answers.
//!
//! A server for Node.js waits for an answer of each subscriber, so every request that wants an answer gets one.
//! Requests are JSON, or MessagePack if they contain an event.

use std::{borrow::Cow, sync::Arc};

use doorward_core::bridge::{Answer, Bounds, Question, Request, Unread};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    event::{parse, translate},
    names::names,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadRequest<'a> {
    #[serde(rename = "type")]
    kind: u64,
    #[serde(borrow)]
    request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    rooms: Option<&'a RawValue>,
    #[serde(borrow)]
    opts: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Options<'a> {
    #[serde(borrow)]
    rooms: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    except: Option<Vec<&'a RawValue>>,
}

/// Reads a request of another server.
pub(super) fn read(
    namespace: &Arc<str>,
    message: &[u8],
    bounds: Bounds,
) -> Result<Request, Unread> {
    let json = if message.first() == Some(&b'{') {
        if message.len() > bounds.bytes {
            return Err(Unread::TooLarge);
        }
        Cow::Borrowed(str::from_utf8(message).map_err(|_not_utf8| Unread::Malformed)?)
    } else {
        Cow::Owned(translate(message, bounds)?.0)
    };
    let ReadRequest { kind, request_id, rooms, opts } = parse(&json)?;
    let question = match kind {
        SOCKETS => {
            let rooms: Vec<&RawValue> =
                rooms.map(|json| parse(json.get())).transpose()?.unwrap_or_default();
            Question::SocketIds { rooms: names(&rooms)? }
        }
        ALL_ROOMS => Question::Rooms,
        REMOTE_FETCH => {
            let opts: Options<'_> =
                opts.map(|json| parse(json.get())).transpose()?.unwrap_or_default();
            let rooms = names(&opts.rooms.unwrap_or_default())?;
            Question::Sockets { rooms, except: names(&opts.except.unwrap_or_default())? }
        }
        SERVER_SIDE_EMIT if request_id.is_some() => Question::ServerEvent,
        BROADCAST => Question::Acks,
        _ => return Err(Unread::Refused),
    };
    let id: Cow<'_, str> = parse(request_id.ok_or(Unread::Malformed)?.get())?;
    if id.len() > MAX_ID {
        return Err(Unread::Malformed);
    }
    Ok(Request { namespace: Arc::clone(namespace), id: id.into(), question })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenAnswer<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<u64>,
    request_id: &'a str,
    #[serde(flatten)]
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Content<'a> {
    ClientCount(u64),
    Data(()),
    Rooms(Vec<&'a str>),
    #[serde(rename = "sockets")]
    SocketIds(Vec<String>),
    Sockets(Vec<WrittenSocket<'a>>),
}

/// A socket of this node. Other servers learn neither its handshake nor its user.
#[derive(Serialize)]
struct WrittenSocket<'a> {
    id: String,
    handshake: Empty,
    rooms: Vec<&'a str>,
    data: Empty,
}

#[derive(Serialize)]
struct Empty {}

/// Writes the answer to a request. An answer to another question is written as an empty list.
pub(super) fn write(request: &Request, answer: &Answer) -> Vec<u8> {
    let sockets = match answer {
        Answer::Sockets(sockets) => &sockets[..],
        Answer::Nothing | Answer::Rooms(_) => &[],
    };
    let rooms = match answer {
        Answer::Rooms(rooms) => &rooms[..],
        Answer::Nothing | Answer::Sockets(_) => &[],
    };
    let (kind, content) = match request.question {
        Question::Acks => (Some(BROADCAST_CLIENT_COUNT), Content::ClientCount(0)),
        Question::Rooms => (None, Content::Rooms(texts(rooms))),
        Question::ServerEvent => (Some(SERVER_SIDE_EMIT), Content::Data(())),
        Question::SocketIds { .. } => {
            (None, Content::SocketIds(sockets.iter().map(|(id, _)| id.encode()).collect()))
        }
        Question::Sockets { .. } => {
            let written = sockets.iter().map(|(id, rooms)| WrittenSocket {
                id: id.encode(),
                handshake: Empty {},
                rooms: texts(rooms),
                data: Empty {},
            });
            (None, Content::Sockets(written.collect()))
        }
    };
    let answer = WrittenAnswer { kind, request_id: &request.id, content };
    // Only maps with keys that are no strings could fail.
    serde_json::to_vec(&answer).unwrap_or_default()
}

fn texts(names: &[Arc<str>]) -> Vec<&str> {
    names.iter().map(|name| &**name).collect()
}

const SOCKETS: u64 = 0;
const ALL_ROOMS: u64 = 1;
const REMOTE_FETCH: u64 = 5;
const SERVER_SIDE_EMIT: u64 = 6;
const BROADCAST: u64 = 7;
const BROADCAST_CLIENT_COUNT: u64 = 8;

/// Maximum length of the id of a request, in bytes. The servers for Node.js draw six characters.
const MAX_ID: usize = 256;
