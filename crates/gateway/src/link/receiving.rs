//! Takes in what a client sends.

use doorward_core::{
    Action, Decision, DisconnectReason, Fault, Part, Problem, Refusal, wire::ConnectError,
};
use doorward_protocol::{
    Ack, Message, RawArguments, Received as Understood, packet,
    ws::{CloseCode, FrameError},
};

use crate::{
    link::{state::LinkState, turn::Turn},
    presence::services::Subject,
    runtime::metrics::Metrics,
    transport::wire::{Received, Receiver},
};

/// A link while its wire shows it what has arrived.
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
            Received::Lost => return state.abort(DisconnectReason::TransportClosed, turn),
            Received::TooLarge { beginning } => return state.oversized(beginning, turn),
            Received::Broken(error) => {
                tracing::debug!(%error, "Link closed: not a WebSocket frame.");
                return state.violated(error.close_code(), &error, turn);
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
    /// Counts bytes that have arrived: a client that is not authenticated may send only so many.
    fn count(&mut self, bytes: usize, turn: &Turn<'_>) {
        if let Err(violation) = self.protocol.count(bytes) {
            self.violated(CloseCode::Policy, &violation, turn);
        }
    }

    fn message(&mut self, message: Message<'_>, turn: &Turn<'_>) {
        match self.protocol.receive(message, turn.now) {
            // An admission is started when everything that came with its CONNECT has been read, so
            // that what was sent ahead of the answer is always seen as such.
            Ok(Understood::Nothing) => {}
            Ok(Understood::Ack(ack)) => self.acknowledged(ack),
            Ok(Understood::Event(event)) => self.event(event, turn),
            Ok(Understood::Left(slot)) => self.client_left(slot, turn),
            Ok(Understood::Closed) => self.end_link(DisconnectReason::ClientLeft, turn),
            Ok(Understood::Crowded { namespace }) => {
                self.refuse_unseen(namespace, &Refusal::too_many_namespaces(), turn);
            }
            Ok(Understood::TooDeep { namespace }) => {
                self.refuse_unseen(namespace, &Refusal::bad_handshake(), turn);
            }
            Err(violation) => {
                tracing::debug!(%violation, "Link closed.");
                self.violated(CloseCode::Policy, &violation, turn);
            }
        }
    }

    /// Closes the link for a message that is too long. A CONNECT is answered from its beginning
    /// before that, so that a stock client does not come back with the same one.
    fn oversized(&mut self, beginning: &str, turn: &Turn<'_>) {
        let is_known = self.protocol.is_known();
        if let Some(namespace) = packet::connects_to(beginning) {
            let fault = Fault::new(Part::Member, "auth", Problem::TooLong);
            self.tell_refused(namespace, &Refusal::bad_handshake().about(fault));
            if !is_known {
                return self.close_for_good(turn);
            }
        }
        self.violated(CloseCode::TooBig, &FrameError::TooLarge, turn);
    }

    /// Refuses a CONNECT of which the link keeps nothing.
    fn refuse_unseen(&mut self, namespace: &str, refusal: &Refusal, turn: &Turn<'_>) {
        self.tell_refused(namespace, refusal);
        if self.protocol.is_refused() {
            self.close_for_good(turn);
        }
    }

    fn tell_refused(&mut self, namespace: &str, refusal: &Refusal) {
        // The name of a namespace that does not exist is the client's word.
        let known = self.namespaces.get_key_value(namespace).map(|(name, _)| &**name);
        let subject = Subject {
            action: Some(Action::Connect),
            namespace: known,
            peer: self.peer(),
            ..Subject::default()
        };
        let id = self.services.said_no(Decision::Refused, refusal, subject);
        Metrics::refused(refusal.code());
        self.outbox.text(|out| {
            packet::write_connect_error(out, namespace, &ConnectError::new(refusal, id));
        });
    }

    /// Hands an answer of the client to whoever has asked, never behind the client's events.
    fn acknowledged(&mut self, ack: Ack<'_>) {
        // An answer that nobody waits for is not even copied.
        if self.handle.has_questions()
            && let Some(live) = self.sockets.live(ack.slot)
        {
            let arguments = RawArguments::from_ack(&ack.data, ack.attachments);
            live.socket.acknowledge(ack.id, arguments);
        }
    }
}
