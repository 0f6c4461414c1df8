//! Parses messages, and rejects those that are not allowed in the current state of the link.
//!
//! Start reading at [`Link::receive`].

use std::{borrow::Cow, time::Instant};

use super::{Ack, Event, Link, Received, Trust, Violation, slots::State};
use crate::{
    JsonError, Message, PacketFormat, engine, msgpack,
    packet::{Kind, Packet},
};

impl Link {
    /// Processes one message of the client.
    ///
    /// A packet with attachments is returned when its last attachment has arrived. Until then the
    /// result is [`Received::Nothing`].
    ///
    /// # Errors
    /// [`Violation`] if the link must be closed.
    pub fn receive<'m>(
        &mut self,
        message: Message<'m>,
        now: Instant,
    ) -> Result<Received<'m>, Violation> {
        let format = self.config.format;
        let text = match (message, format) {
            (Message::Text(text), _) => text,
            (Message::Binary(bytes), PacketFormat::Text) => return self.attachment(bytes),
            (Message::Binary(bytes), PacketFormat::MessagePack) => return self.msgpack(bytes),
        };
        match engine::Packet::decode(text)? {
            engine::Packet::Close => Ok(Received::Closed),
            engine::Packet::Pong => {
                self.heartbeat.pong(&self.config, now);
                Ok(Received::Nothing)
            }
            engine::Packet::Message(_) if format == PacketFormat::MessagePack => {
                Err(Violation::TextPacket)
            }
            engine::Packet::Message(text) => self.message(text, now),
        }
    }

    fn msgpack(&mut self, message: &[u8]) -> Result<Received<'static>, Violation> {
        let (limit, attachments) = (self.message_limit(), self.config.max_attachments);
        let mut translated = msgpack::decode(message, limit, attachments)?;
        let attachments = std::mem::take(&mut translated.attachments);
        let packet = Packet { attachments: attachments.len(), ..translated.packet() };
        packet.check(self.config.max_namespace)?;
        self.check_binary(&packet)?;
        self.packet(packet).map(|received| received.with_attachments(attachments))
    }

    fn message<'m>(&mut self, text: &'m str, now: Instant) -> Result<Received<'m>, Violation> {
        self.check_uninterrupted()?;
        let packet = Packet::decode(text, self.config.max_namespace)?;
        self.check_binary(&packet)?;
        let attachments = packet.attachments;
        let received = self.packet(packet)?;
        if attachments == 0 {
            return Ok(received);
        }
        // The size is that of the whole message, including the digit that the Engine.IO decoder has
        // removed.
        self.keep(received, attachments, 1 + text.len(), now);
        Ok(Received::Nothing)
    }

    fn packet<'m>(&mut self, packet: Packet<'m>) -> Result<Received<'m>, Violation> {
        if packet.kind == Kind::Connect {
            return self.connect(packet);
        }
        let Some(slot) = self.slots.find(packet.namespace) else {
            return if self.may_cross() {
                Ok(Received::Nothing)
            } else {
                Err(Violation::NotAdmitted)
            };
        };
        if packet.kind == Kind::Disconnect {
            return Ok(Received::Left(slot));
        }
        let State::Admitted { trust, events_left } = self.slots.state(slot) else {
            return Err(Violation::NotAdmitted);
        };
        let (trust, left) = (*trust, *events_left);
        if let (Kind::Ack | Kind::BinaryAck, Some(id), Some(data)) =
            (packet.kind, packet.id, packet.data)
        {
            packet.check_ack(self.config.max_depth)?;
            let data = Cow::Borrowed(data);
            return Ok(Received::Ack(Ack { slot, id, data, attachments: Vec::new() }));
        }
        let name = packet.event(self.config.max_depth, self.config.max_event_name)?;
        // Each event runs a handler, so an unauthenticated client may send a fixed number of
        // events.
        if trust == Trust::Anonymous && !self.is_known() {
            let left = left.checked_sub(1).ok_or(Violation::AnonymousBudget)?;
            self.slots.set_events_left(slot, left);
        }
        // The data repeats the name, so it is dropped together with a name that is too long.
        let data = if name.is_empty() { Some(NAMELESS) } else { packet.data };
        let data = Cow::Borrowed(data.ok_or(JsonError::Malformed)?);
        let event = Event { slot, id: packet.id, name, data, attachments: Vec::new() };
        Ok(Received::Event(event))
    }

    /// Returns `true` if a packet without a recipient is ignored, and `false` if it is a violation.
    ///
    /// It is ignored if the client is admitted to a namespace of the link. It is also ignored if a
    /// CONNECT is pending and the server has ended a socket of the link, because packets for that
    /// socket may be in transit.
    pub(super) fn may_cross(&self) -> bool {
        self.slots.any_admitted() || self.has_ended && !self.slots.is_empty()
    }

    fn connect<'m>(&mut self, packet: Packet<'m>) -> Result<Received<'m>, Violation> {
        if packet.check_connect(self.config.max_depth).is_err() {
            self.refusals = self.refusals.saturating_add(1);
            return Ok(Received::TooDeep { namespace: packet.namespace.into() });
        }
        if self.slots.find(packet.namespace).is_some() {
            // A second CONNECT changes nothing for a namespace that is admitted or pending.
            return Ok(Received::Nothing);
        }
        if self.slots.len() >= self.config.max_namespaces {
            self.refusals = self.refusals.saturating_add(1);
            return Ok(Received::Crowded { namespace: packet.namespace.into() });
        }
        // The driver sets a deadline for the admission.
        self.connect_by = None;
        self.slots.insert(packet.namespace, packet.data);
        Ok(Received::Nothing)
    }
}

/// Data of an event whose name is too long or contains a lone surrogate.
const NAMELESS: &str = r#"[""]"#;
