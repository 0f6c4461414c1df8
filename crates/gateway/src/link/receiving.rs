//! Handles the messages that a client sends.

use std::sync::Arc;

use doorward_core::{
    Decision, DisconnectReason, Fault, Part, Problem, Refusal, wire::ConnectError,
};
use doorward_protocol::{
    Ack, Message, PacketFormat, RawArguments, Received as Understood, Violation, msgpack, packet,
    ws::{CloseCode, FrameError},
};

use crate::{
    link::{state::LinkState, turn::Turn},
    runtime::metrics::Metrics,
    transport::wire::{Received, Receiver},
};

/// Receiver of the messages that the wire of a link passes on.
pub(super) struct Receiving<'a, 'b> {
    pub(super) state: &'a mut LinkState,
    pub(super) turn: &'a mut Turn<'b>,
}

impl Receiver for Receiving<'_, '_> {
    fn is_ready(&self) -> bool {
        self.state.is_reading() && self.turn.budget > 0
    }

    fn message_limit(&self) -> usize {
        self.state.protocol.message_limit()
    }

    fn receive(&mut self, received: Received<'_>) {
        let Self { state, turn } = self;
        match received {
            Received::Bytes(count) => return state.count(count, turn),
            Received::Doubt => return state.ping(turn),
            Received::Lost => return state.abort(DisconnectReason::TransportClosed, turn),
            Received::TooLarge { beginning } => return state.oversized(beginning, turn),
            Received::Broken { code, error } => {
                tracing::debug!(%error, "Link closed: the client violated its transport.");
                return state.violated(code, &error, turn);
            }
            _ => {}
        }
        turn.budget -= 1;
        if state.probing.is_some() && !matches!(received, Received::Part) {
            state.is_alive();
        }
        match received {
            Received::Message(message) => state.message(message, turn),
            Received::Ping(payload) => state.outbox.pong(payload),
            Received::Close => state.end_link(DisconnectReason::ClientLeft, turn),
            _ => {}
        }
    }
}

impl LinkState {
    /// Counts bytes that have arrived. Closes the link if an unauthenticated client has sent more
    /// than `Limits::max_unauthenticated` bytes.
    fn count(&mut self, bytes: usize, turn: &Turn<'_>) {
        if let Err(violation) = self.protocol.count(bytes) {
            self.violated(CloseCode::Policy, &violation, turn);
        }
    }

    fn message(&mut self, message: Message<'_>, turn: &Turn<'_>) {
        if self.services.is_echo && self.outbox.echo(message) {
            return;
        }
        match self.protocol.receive(message, turn.now) {
            // The admission of a CONNECT starts only after everything that arrived with it was
            // read. So an event that was sent before the answer is always recognised as too early,
            // even if the admission is decided at once.
            Ok(Understood::Nothing) => {}
            Ok(Understood::Ack(ack)) => self.acknowledged(ack),
            Ok(Understood::Event(event)) => self.event(event, turn),
            Ok(Understood::Left(slot)) => self.client_left(slot, turn),
            Ok(Understood::Closed) => self.end_link(DisconnectReason::ClientLeft, turn),
            Ok(Understood::Crowded { namespace }) => {
                self.refuse_unseen(&namespace, &Refusal::too_many_namespaces(), turn);
            }
            Ok(Understood::TooDeep { namespace }) => {
                self.refuse_unseen(&namespace, &Refusal::bad_handshake(), turn);
            }
            Err(violation) => {
                tracing::debug!(%violation, "Link closed.");
                let is_known = self.protocol.is_known();
                if let (Violation::TextPacket, Message::Text(text)) = (violation, message)
                    && self.refuse_text(text)
                    && !is_known
                {
                    // A client that polls must not read an error of its POST before the refusal.
                    return self.close_for_good(turn);
                }
                self.violated(CloseCode::Policy, &violation, turn);
            }
        }
    }

    /// Answers a CONNECT that is text, where clients use MessagePack. The answer is text too, so that
    /// a stock client reads it and does not reconnect. Returns `false` if the text is no CONNECT.
    fn refuse_text(&mut self, text: &str) -> bool {
        let Some(namespace) = packet::connects_to(text) else { return false };
        let refusal = Refusal::bad_handshake();
        let id = self.services.said_no(Decision::Refused, &refusal, self.connecting(None));
        Metrics::refused(refusal.code());
        let refusal = self.services.worded(&refusal);
        self.outbox.engine(|out| {
            packet::write_connect_error(out, namespace, &ConnectError::new(&refusal, id));
        });
        true
    }

    /// Closes the link because of a message that is too long. A CONNECT is recognised by its
    /// beginning and refused first, so that a stock client does not reconnect and send the CONNECT
    /// again.
    fn oversized(&mut self, beginning: &[u8], turn: &Turn<'_>) {
        let is_known = self.protocol.is_known();
        let text = String::from_utf8_lossy(beginning);
        let namespace = match self.services.link_config.format {
            PacketFormat::Text => packet::connects_to(&text),
            PacketFormat::MessagePack => msgpack::is_connect(beginning).then_some("/"),
        };
        if let Some(namespace) = namespace {
            let fault = Fault::new(Part::Member, "auth", Problem::TooLong);
            self.tell_refused(namespace, &Refusal::bad_handshake().about(fault));
            if !is_known {
                return self.close_for_good(turn);
            }
        }
        self.violated(CloseCode::TooBig, &FrameError::TooLarge, turn);
    }

    /// Refuses a CONNECT before it takes one of the link's places for namespaces. Closes the link
    /// if the client has no other namespace on it, or if the client was refused too often.
    fn refuse_unseen(&mut self, namespace: &str, refusal: &Refusal, turn: &Turn<'_>) {
        self.tell_refused(namespace, refusal);
        if self.protocol.is_refused() {
            self.close_for_good(turn);
        }
    }

    fn tell_refused(&mut self, namespace: &str, refusal: &Refusal) {
        // The name of a namespace that does not exist is input of the client, and is not recorded.
        let namespaces = Arc::clone(&self.namespaces);
        let known = namespaces.known(namespace);
        let id = self.services.said_no(Decision::Refused, refusal, self.connecting(known));
        Metrics::refused(refusal.code());
        let refusal = self.services.worded(refusal);
        self.outbox.control(|out| {
            packet::write_connect_error(out, namespace, &ConnectError::new(&refusal, id));
        });
    }

    /// Passes an ack to the caller that waits for it. An ack does not wait for earlier events of
    /// the client, because the handler of such an event may be waiting for the ack.
    fn acknowledged(&mut self, ack: Ack<'_>) {
        // An ack that no caller waits for is dropped before it is copied.
        if self.handle.has_pending_acks()
            && let Some(live) = self.sockets.live(ack.slot)
        {
            let arguments = RawArguments::from_ack(&ack.data, ack.attachments);
            live.socket.acknowledge(ack.id, arguments);
        }
    }
}
