//! Servers that are no nodes, as a hub sends to them and hears them.
//!
//! What comes in is hostile: every program that may publish to the channels of the bridge has written it. Events
//! reach only sockets of this node, because each node hears the other servers by itself. Namespaces that a
//! pattern opens have no bridge. Start reading at [`Hub::take_bridged`].

use std::sync::Arc;

use doorward_core::bridge::{Answer, Broadcast as Bridge, Question};
use doorward_protocol::{
    Arguments, JsonError, RawArguments,
    packet::{Kind, Packet},
};

use crate::{
    bus::{bridged::Unbridged, target::Target},
    room::{
        error::{EmitError, check_event},
        hub::{Hub, broadcast::Broadcast},
        pattern::is_room_name,
        socket::Socket,
    },
};

impl<P> Hub<P> {
    /// Sends an event to servers that are no nodes, if it is for the namespace or for rooms. Users and
    /// sockets of this server do not exist there. Does not wait, and does not fail: an event that
    /// cannot be sent is counted.
    pub(super) fn bridge_event(
        &self,
        to: Option<&[Target]>,
        except: &[Target],
        event: &str,
        arguments: &impl Arguments,
        is_volatile: bool,
    ) {
        let Some(bridged) = &self.services().bridged else { return };
        let rooms = rooms_of(to.unwrap_or_default());
        if (to.is_some() && rooms.is_empty()) || self.0.opened.is_some() || !bridged.accepts() {
            return;
        }
        let written = RawArguments::new(arguments).and_then(|raw| {
            let name = serde_json::to_string(event)?;
            let items = raw.json().strip_prefix('[').unwrap_or("]");
            let comma = if items == "]" { "" } else { "," };
            Ok((format!("[{name}{comma}{items}"), raw.attachments().to_vec()))
        });
        let Ok((data, attachments)) = written else { return Unbridged::Malformed.count(1) };
        bridged.send(&Bridge {
            namespace: Arc::clone(&self.0.namespace),
            data: data.into(),
            attachments,
            rooms,
            except: rooms_of(except),
            is_volatile,
        });
    }

    /// Sends an event of another server to sockets of this node.
    pub(super) fn take_bridged(&self, event: &Bridge) -> Result<(), Unbridged> {
        let services = self.services();
        let config = &services.link_config;
        let Bridge { data, attachments, rooms, except, is_volatile, .. } = event;
        if attachments.len() > config.max_attachments {
            return Err(Unbridged::TooLarge);
        }
        let packet = Packet {
            kind: Kind::Event,
            namespace: self.namespace(),
            id: None,
            data: Some(data),
            attachments: 0,
        };
        let name = packet.event(config.max_depth, config.max_event_name).map_err(unreadable)?;
        if name.is_empty() {
            return Err(Unbridged::Malformed);
        }
        if name.starts_with(OWN) {
            return Err(Unbridged::Reserved);
        }
        check_event(&name)?;
        let sockets = self.selected(rooms, except);
        if sockets.is_empty() {
            return Ok(());
        }
        let arguments = RawArguments::from_event(data, attachments.clone());
        let frame = self.encode(&name, None, &arguments)?;
        for socket in sockets {
            socket.deliver(frame.clone(), *is_volatile);
        }
        Ok(())
    }

    /// Answers another server. It learns ids of sockets and names of rooms, and nothing about users.
    pub(super) fn answer_bridged(&self, question: &Question) -> Answer {
        match question {
            // Clients of this node are not asked for acks, and its listeners are not called.
            Question::Acks | Question::ServerEvent => Answer::Nothing,
            Question::Rooms => Answer::Rooms(self.rooms().names()),
            Question::SocketIds { rooms } => {
                let sockets = self.selected(rooms, &[]);
                Answer::Sockets(sockets.iter().map(|socket| (socket.id(), Vec::new())).collect())
            }
            Question::Sockets { rooms, except } => {
                let sockets = self.selected(rooms, except);
                Answer::Sockets(
                    sockets.iter().map(|socket| (socket.id(), socket.rooms())).collect(),
                )
            }
        }
    }

    /// Returns the sockets of this node that another server selects. A name that is not valid names
    /// no room.
    fn selected(&self, rooms: &[Box<str>], except: &[Box<str>]) -> Vec<Socket<P>> {
        let targets = |names: &[Box<str>]| -> Vec<Target> {
            let valid = names.iter().filter(|name| is_room_name(name));
            valid.map(|name| Target::from(&**name)).collect()
        };
        let all = match rooms {
            [] => self.all(),
            rooms => Broadcast::to_each(self.clone(), targets(rooms)),
        };
        targets(except).into_iter().fold(all, Broadcast::except).local_sockets()
    }
}

/// Returns the names of the rooms among targets.
fn rooms_of(targets: &[Target]) -> Vec<Box<str>> {
    let name = |target: &Target| match target {
        Target::Room(room) => Some((&**room).into()),
        Target::Socket(_) | Target::User(_) => None,
    };
    targets.iter().filter_map(name).collect()
}

fn unreadable(error: JsonError) -> Unbridged {
    match error {
        JsonError::Name => Unbridged::Reserved,
        _ => Unbridged::Malformed,
    }
}

impl From<EmitError> for Unbridged {
    fn from(error: EmitError) -> Self {
        match error {
            EmitError::Reserved => Self::Reserved,
            EmitError::TooLarge => Self::TooLarge,
            EmitError::Ended | EmitError::NotThere | EmitError::Payload(_) => Self::Malformed,
        }
    }
}

/// Beginning of the names of events about the credential of a client. Only this server sends them.
const OWN: &str = "auth:";
