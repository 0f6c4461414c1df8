//! Takes in what a client sends.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use doorward_core::{
    Action, Decision, DisconnectReason, Fault, Part, Problem, Refusal, wire::ConnectError,
};
use doorward_protocol::{
    Ack, Message, RawArguments, Received, packet,
    ws::{self, CloseCode, FrameError, Incoming, Read},
};
use tokio::io::ReadBuf;

use crate::{
    link::task::LinkTask,
    presence::services::Subject,
    runtime::metrics::Metrics,
    transport::{buffer, stream::Transport},
};

/// Why reading stopped.
#[derive(PartialEq, Eq)]
pub(super) enum ReadEnd {
    /// Nothing more is there.
    Dry,
    /// More may be there, but it must wait.
    NotReading,
}

impl<S: Transport> LinkTask<S> {
    /// Reads until nothing is left, or until what was read must be worked off first.
    pub(super) fn read(&mut self, cx: &mut Context<'_>, now: Instant) -> ReadEnd {
        if !self.rest.is_empty() && self.is_reading() && self.budget > 0 {
            let mut rest = std::mem::take(&mut self.rest);
            let used = self.consume(cx, &mut rest, now);
            rest.drain(..used);
            self.keep(rest);
        }
        buffer::with(|buffer| {
            while self.is_reading() && self.budget > 0 {
                let mut read = ReadBuf::new(buffer);
                match Pin::new(&mut self.io).poll_read(cx, &mut read) {
                    Poll::Pending => return ReadEnd::Dry,
                    Poll::Ready(Err(_)) => self.abort(DisconnectReason::TransportClosed, now),
                    Poll::Ready(Ok(())) if read.filled().is_empty() => {
                        self.abort(DisconnectReason::TransportClosed, now);
                    }
                    Poll::Ready(Ok(())) => self.take_in(cx, read.filled_mut(), now),
                }
            }
            ReadEnd::NotReading
        })
    }

    /// Takes in bytes that have just arrived.
    fn take_in(&mut self, cx: &mut Context<'_>, bytes: &mut [u8], now: Instant) {
        let length = bytes.len();
        if self.rest.is_empty() {
            let used = self.consume(cx, bytes, now);
            if let Some(rest) = bytes.get(used..)
                && self.closing.is_none()
            {
                self.rest.extend_from_slice(rest);
            }
        } else {
            let mut rest = std::mem::take(&mut self.rest);
            rest.extend_from_slice(bytes);
            let used = self.consume(cx, &mut rest, now);
            rest.drain(..used);
            self.keep(rest);
        }
        // A CONNECT that is too long was answered by now.
        if let Err(violation) = self.link.count(length) {
            self.violated(CloseCode::Policy, &violation, now);
        }
    }

    /// Keeps bytes for later, and no memory when there are none.
    fn keep(&mut self, rest: Vec<u8>) {
        self.rest = if rest.is_empty() || self.closing.is_some() { Vec::new() } else { rest };
    }

    /// Works off whole frames and returns how many bytes they were.
    fn consume(&mut self, cx: &mut Context<'_>, bytes: &mut [u8], now: Instant) -> usize {
        // The reader lends out what it has put together, so it cannot stay in `self` meanwhile.
        let mut reader = std::mem::take(&mut self.reader);
        let mut consumed = 0;
        while self.is_reading() && self.budget > 0 {
            let limit = self.link.message_limit();
            match reader.read(&mut bytes[consumed..], limit) {
                Ok(Read::Incomplete) => break,
                Ok(Read::Frame { used, item }) => {
                    consumed += used;
                    self.budget -= 1;
                    if let Some(item) = item {
                        self.incoming(cx, item, now);
                    }
                }
                Err(FrameError::TooLarge) => {
                    let Some(beginning) = ws::beginning(&bytes[consumed..], HEAD) else { break };
                    self.oversized(&beginning, now);
                }
                Err(error) => {
                    tracing::debug!(%error, "Link closed: not a WebSocket frame.");
                    self.violated(error.close_code(), &error, now);
                }
            }
        }
        self.reader = reader;
        consumed
    }

    fn incoming(&mut self, cx: &mut Context<'_>, item: Incoming<'_>, now: Instant) {
        if self.probing.is_some() {
            self.is_alive();
        }
        match item {
            Incoming::Message(message) => self.message(cx, message, now),
            Incoming::Ping(payload) => ws::append_pong(self.outbox.tail(), payload),
            Incoming::Pong => {}
            Incoming::Close => self.end_link(DisconnectReason::ClientLeft, now),
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, message: Message<'_>, now: Instant) {
        match self.link.receive(message, now) {
            // An admission is started when everything that came with its CONNECT has been read, so
            // that what was sent ahead of the answer is always seen as such.
            Ok(Received::Nothing) => {}
            Ok(Received::Ack(ack)) => self.acknowledged(ack),
            Ok(Received::Event(event)) => self.event(cx, event, now),
            Ok(Received::Left(slot)) => self.client_left(slot, now),
            Ok(Received::Closed) => self.end_link(DisconnectReason::ClientLeft, now),
            Ok(Received::Crowded { namespace }) => {
                self.refuse_unseen(namespace, &Refusal::too_many_namespaces(), now);
            }
            Ok(Received::TooDeep { namespace }) => {
                self.refuse_unseen(namespace, &Refusal::bad_handshake(), now);
            }
            Err(violation) => {
                tracing::debug!(%violation, "Link closed.");
                self.violated(CloseCode::Policy, &violation, now);
            }
        }
    }

    /// Closes the link for a message that is too long. A CONNECT is answered from its beginning before that, so that a
    /// stock client does not come back with the same one.
    fn oversized(&mut self, beginning: &str, now: Instant) {
        let is_known = self.link.is_known();
        if let Some(namespace) = packet::connects_to(beginning) {
            let fault = Fault::new(Part::Member, "auth", Problem::TooLong);
            self.tell_refused(namespace, &Refusal::bad_handshake().about(fault));
            if !is_known {
                return self.close_for_good(now);
            }
        }
        self.violated(CloseCode::TooBig, &FrameError::TooLarge, now);
    }

    /// Refuses a CONNECT of which the link keeps nothing.
    fn refuse_unseen(&mut self, namespace: &str, refusal: &Refusal, now: Instant) {
        self.tell_refused(namespace, refusal);
        if self.link.is_refused() {
            self.close_for_good(now);
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
        self.send(|out| {
            packet::write_connect_error(out, namespace, &ConnectError::new(refusal, id));
        });
    }

    /// Hands an answer of the client to whoever has asked, never behind the client's events.
    fn acknowledged(&mut self, ack: Ack<'_>) {
        // An answer that nobody waits for is not even copied.
        if self.handle.has_questions()
            && let Some(live) = self.live(ack.slot)
        {
            let arguments = RawArguments::from_ack(&ack.data, ack.attachments);
            live.socket.acknowledge(ack.id, arguments);
        }
    }
}

/// Bytes of a message that is too long in which its namespace stands, if it is a CONNECT.
const HEAD: usize = 300;
