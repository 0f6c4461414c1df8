//! Events for sockets: `[uid, packet, options]` in MessagePack.
//!
//! The input is hostile. It is translated to JSON within the bounds of the caller, and only then taken apart.

use std::{borrow::Cow, sync::Arc};

use doorward_core::bridge::{Bounds, Broadcast, Unread};
use doorward_protocol::{
    msgpack::{self, MsgpackError},
    packet::{Kind, Packet},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::names::names;

/// Sender of the events of all Doorward nodes. Nodes hear each other over their own bus.
const UID: &str = "doorward";

/// A packet of the servers for Node.js.
#[derive(Deserialize)]
struct ReadPacket<'a> {
    #[serde(rename = "type")]
    kind: u64,
    /// A packet without a namespace is for `/`.
    #[serde(borrow)]
    nsp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Options<'a> {
    #[serde(borrow)]
    rooms: Vec<&'a RawValue>,
    #[serde(borrow)]
    except: Option<Vec<&'a RawValue>>,
    flags: Option<Flags>,
}

#[derive(Deserialize)]
struct Flags {
    volatile: Option<bool>,
}

/// Reads an event of another server. Returns `None` for an event of a Doorward node.
pub(super) fn read(
    namespace: &Arc<str>,
    message: &[u8],
    bounds: Bounds,
) -> Result<Option<Broadcast>, Unread> {
    let (json, attachments) = translate(message, bounds)?;
    let parts: Vec<&RawValue> = parse(&json)?;
    let [uid, packet, options] = parts[..] else { return Err(Unread::Malformed) };
    let uid: Cow<'_, str> = parse(uid.get())?;
    if uid == UID {
        return Ok(None);
    }
    let ReadPacket { kind, nsp, data } = parse(packet.get())?;
    if nsp.as_deref().unwrap_or("/") != &**namespace {
        return Err(Unread::Namespace);
    }
    if kind != u64::from(Kind::Event.number()) && kind != u64::from(Kind::BinaryEvent.number()) {
        return Err(Unread::Malformed);
    }
    let Options { rooms, except, flags } = parse(options.get())?;
    Ok(Some(Broadcast {
        namespace: Arc::clone(namespace),
        data: data.get().into(),
        attachments,
        rooms: names(&rooms)?,
        except: names(&except.unwrap_or_default())?,
        is_volatile: flags.and_then(|flags| flags.volatile).unwrap_or(false),
    }))
}

/// Translates MessagePack to JSON.
pub(super) fn translate(
    message: &[u8],
    bounds: Bounds,
) -> Result<(String, Vec<bytes::Bytes>), Unread> {
    if message.len() > bounds.bytes {
        return Err(Unread::TooLarge);
    }
    msgpack::to_json(message, bounds.bytes, bounds.attachments).map_err(|error| match error {
        MsgpackError::Attachments | MsgpackError::TooLarge => Unread::TooLarge,
        _ => Unread::Malformed,
    })
}

pub(super) fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Unread> {
    serde_json::from_str(json).map_err(|_malformed| Unread::Malformed)
}

/// Writes an event for other servers. Returns `None` if its data cannot be written.
pub(super) fn write(broadcast: &Broadcast) -> Option<Vec<u8>> {
    let Broadcast { namespace, data, attachments, rooms, except, is_volatile } = broadcast;
    let kind = if attachments.is_empty() { Kind::Event } else { Kind::BinaryEvent };
    let (data, number) = (Some(&**data), attachments.len());
    let packet = Packet { kind, namespace, id: None, data, attachments: number };
    let mut out = Vec::with_capacity(USUAL + data.map_or(0, str::len));
    rmp::encode::write_array_len(&mut out, 3).ok()?;
    rmp::encode::write_str(&mut out, UID).ok()?;
    msgpack::encode(&mut out, &packet, attachments).ok()?;
    rmp::encode::write_map_len(&mut out, 3).ok()?;
    for (name, list) in [("rooms", rooms), ("except", except)] {
        rmp::encode::write_str(&mut out, name).ok()?;
        rmp::encode::write_array_len(&mut out, u32::try_from(list.len()).ok()?).ok()?;
        for room in list {
            rmp::encode::write_str(&mut out, room).ok()?;
        }
    }
    rmp::encode::write_str(&mut out, "flags").ok()?;
    rmp::encode::write_map_len(&mut out, u32::from(*is_volatile)).ok()?;
    if *is_volatile {
        rmp::encode::write_str(&mut out, "volatile").ok()?;
        rmp::encode::write_bool(&mut out, true).ok()?;
    }
    Some(out)
}

/// Usual size of everything but the data, in bytes.
const USUAL: usize = 128;
