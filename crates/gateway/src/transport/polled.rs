//! Implements [`Wire`] for a client that polls, and that may upgrade to a WebSocket.
//!
//! The requests of the client come to the [`Desk`]. The packets of a POST are read like those of any
//! other connection. The payload of a GET is made from the outbox when a GET waits, so packets have
//! one queue and one writer at each time, also during an upgrade. Start reading at [`Polled`].

pub(crate) mod desk;
pub(crate) mod table;

use std::{
    io,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use doorward_core::DisconnectReason;
use doorward_protocol::{
    Message,
    payload::{self, Part},
    polling::{GetAnswer, Waiting},
    ws::{CloseCode, Opcode},
};

use self::{
    desk::{Desk, GetReply, Posted, UpgradedSocket},
    table::Entry,
};
use crate::transport::{
    outbox::{Outbox, QueuedFrame},
    stream::AnyStream,
    websocket::WebSocket,
    wire::{BEGINNING, ReadEnd, Received, Receiver, Wire},
};

/// Connection of a client that polls.
pub(crate) struct Polled {
    desk: Arc<Desk>,
    post: Post,
    /// WebSocket to which the client has upgraded. Boxed to keep links that still poll small.
    socket: Option<Box<WebSocket<AnyStream>>>,
    /// `true` once the packet that closes the link was sent. The client sends no more requests then.
    is_closed: bool,
    /// `true` once the client has closed the link while the server closes it too.
    has_left: bool,
    /// Number of pieces of answers that were passed on before the link last asked.
    pieces: usize,
    /// Makes requests find the desk until the link has ended.
    _entry: Entry,
}

/// POST of the client.
enum Post {
    /// There is none, or its body has not arrived.
    None,
    /// The first `used` bytes of the body were handled.
    Handling { body: Posted, used: usize },
    /// The whole body was handled, and the POST is not answered yet.
    Handled,
}

/// Packets in the outbox.
struct Output {
    waiting: Option<Waiting>,
    /// Way in which the link ends, if it does.
    end: Option<End>,
}

/// Way in which a link ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The client has done nothing wrong, and reads what waits.
    Orderly,
    /// The client has violated the protocol.
    Violation,
    /// The client did not answer a ping, so it counts as dead.
    Dead,
}

impl Polled {
    pub(crate) fn new(desk: Arc<Desk>, entry: Entry) -> Self {
        Self {
            desk,
            post: Post::None,
            socket: None,
            is_closed: false,
            has_left: false,
            pieces: 0,
            _entry: entry,
        }
    }

    /// Passes the messages of a POST to the receiver while it is ready.
    fn show_post(&mut self, receiver: &mut impl Receiver) {
        let Post::Handling { body: Posted { text, is_whole }, used } = &mut self.post else {
            return;
        };
        while receiver.is_ready() {
            let rest = text.get(*used..).unwrap_or_default();
            let next = payload::first(rest).map(|(part, next)| {
                // The end of the last packet is missing.
                let is_cut = next.is_none() && !*is_whole;
                receive(&part, is_cut, receiver);
                next
            });
            match next {
                Ok(Some(next)) => *used = text.len() - next.len(),
                Ok(None) => {
                    receiver.receive(Received::Bytes(text.len()));
                    self.post = Post::Handled;
                    return;
                }
                Err(error) => {
                    let code = CloseCode::InvalidPayload;
                    receiver.receive(Received::Broken { code, error: &error });
                }
            }
        }
    }

    /// Answers the POST if its body was handled or the link has ended.
    fn answer_post(&mut self, end: Option<End>) {
        let is_handled = matches!(self.post, Post::Handled);
        let is_cut = matches!(self.post, Post::Handling { .. }) && end.is_some();
        if is_cut && let Post::Handling { body, .. } = &self.post {
            self.has_left |= body.text.as_bytes() == CLOSE;
        }
        if is_handled || is_cut {
            self.post = Post::None;
            self.desk.answer_post(end.is_none_or(|end| end == End::Orderly));
        }
    }

    /// Makes the WebSocket of an upgrade the connection of the link.
    fn take_socket(&mut self) {
        if let Some(UpgradedSocket { stream, early }) = self.desk.take_socket() {
            self.socket = Some(Box::new(WebSocket::new(stream, &early)));
        }
    }

    /// Answers the waiting GET with the packets in the outbox.
    fn flush(&mut self, outbox: &mut Outbox) -> Output {
        let output = Output::of(outbox);
        let reason = outbox.end().and_then(|(_, reason)| std::str::from_utf8(reason).ok());
        if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
            self.desk.explain(reason);
        }
        self.answer_post(output.end);
        if output.end == Some(End::Dead) {
            return Output { waiting: None, ..output };
        }
        let answer =
            output.waiting.and_then(|waiting| self.desk.rules(|rules| rules.answer(Some(waiting))));
        match answer {
            Some(GetAnswer::Packets) => {
                let (body, frames) = body(outbox);
                outbox.advance_frames(frames);
                self.desk.reply_with(body);
                Output::of(outbox)
            }
            Some(GetAnswer::Close) => {
                self.is_closed = true;
                outbox.advance_frames(1);
                self.desk.reply(GetReply::Engine(Bytes::from_static(b"1")));
                Output::of(outbox)
            }
            Some(GetAnswer::Noop) => {
                self.desk.reply(GetReply::Engine(Bytes::from_static(b"6")));
                output
            }
            Some(GetAnswer::Refused) => {
                self.desk.reply(GetReply::Refused);
                output
            }
            None => output,
        }
    }
}

/// Passes one message to the receiver. `is_cut` is `true` if the end of the message was not read,
/// because the body is too long.
fn receive(part: &Part<'_>, is_cut: bool, receiver: &mut impl Receiver) {
    let (message, length) = match part {
        Part::Text(text) => (Message::Text(text), text.len()),
        Part::Binary(bytes) => (Message::Binary(bytes), bytes.len()),
    };
    if !is_cut && length <= receiver.message_limit() {
        return receiver.receive(Received::Message(message));
    }
    let bytes = match message {
        Message::Text(text) => text.as_bytes(),
        Message::Binary(bytes) => bytes,
    };
    let beginning = bytes.get(..BEGINNING).unwrap_or(bytes);
    receiver.receive(Received::TooLarge { beginning });
}

/// Makes the body of a GET from the first packets of the outbox. Returns the body and the number of
/// its frames. A packet and its attachments are in the same body.
fn body(outbox: &Outbox) -> (Bytes, usize) {
    let (mut body, mut frames) = (Vec::new(), 0);
    // Length and number of frames at the end of the last whole packet.
    let mut whole = (0, 0);
    for QueuedFrame { opcode, is_attachment, payload } in outbox.frames() {
        if !is_attachment {
            whole = (body.len(), frames);
        }
        if frames >= MAX_FRAMES && whole.1 > 0 {
            body.truncate(whole.0);
            return (body.into(), whole.1);
        }
        if !is_attachment && frames > 0 && (body.len() >= BODY || payload == CLOSE) {
            break;
        }
        match opcode {
            Opcode::Binary => payload::push_binary(&mut body, &payload),
            Opcode::Text => payload::push_text(&mut body, &payload),
            _ => break,
        }
        frames += 1;
    }
    (body.into(), frames)
}

impl Output {
    fn of(outbox: &Outbox) -> Self {
        let waiting = match outbox.front() {
            None | Some((Opcode::Close, _)) => None,
            Some((_, CLOSE)) => Some(Waiting::Close),
            Some(_) => Some(Waiting::Packets),
        };
        let end = outbox.end().map(|(code, reason)| match code {
            _ if reason == DisconnectReason::PingTimeout.as_str().as_bytes() => End::Dead,
            code if ORDERLY.iter().any(|orderly| *orderly as u16 == code) => End::Orderly,
            _ => End::Violation,
        });
        Self { waiting, end }
    }
}

impl Wire for Polled {
    fn read(&mut self, cx: &mut Context<'_>, receiver: &mut impl Receiver) -> ReadEnd {
        self.desk.register(cx);
        self.take_socket();
        if self.desk.take_doubt() {
            receiver.receive(Received::Doubt);
        }
        loop {
            if matches!(self.post, Post::None)
                && let Some(body) = self.desk.take_posted()
            {
                self.post = Post::Handling { body, used: 0 };
            }
            self.show_post(receiver);
            // The packets of earlier POSTs are handled before those of the WebSocket.
            match (&self.post, &mut self.socket) {
                (Post::Handled, Some(_)) => self.answer_post(None),
                (Post::None, Some(socket)) => return socket.read(cx, receiver),
                (Post::Handling { .. }, Some(_)) => return ReadEnd::NotReading,
                (_, None) => break,
            }
        }
        if self.desk.rules(|rules| rules.has_ended()) {
            if !receiver.is_ready() {
                return ReadEnd::NotReading;
            }
            receiver.receive(Received::Lost);
        }
        match self.post {
            Post::Handling { .. } => ReadEnd::NotReading,
            Post::None | Post::Handled => ReadEnd::Dry,
        }
    }

    fn cut(&mut self) {
        self.desk.cut();
    }

    /// The body of the next POST may be read before the link is polled again, so its limit must be
    /// that of an admitted client as soon as the client is admitted.
    fn allow(&mut self, message_limit: usize, is_known: bool) {
        self.desk.allow(message_limit, is_known);
    }

    fn stop_reading(&mut self) {
        if let Some(socket) = &mut self.socket {
            socket.stop_reading();
        }
        if !matches!(std::mem::replace(&mut self.post, Post::None), Post::None) {
            self.desk.answer_post(false);
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<io::Result<()>> {
        // The outbox may have to become shorter before the link reads.
        self.take_socket();
        if let Some(socket) = &mut self.socket {
            let flushed = socket.poll_flush(cx, outbox);
            self.desk.register(cx);
            self.answer_post(None);
            return flushed;
        }
        self.desk.register(cx);
        self.flush(outbox);
        if outbox.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<()> {
        self.take_socket();
        if let Some(socket) = &mut self.socket {
            return socket.poll_close(cx, outbox);
        }
        self.desk.register(cx);
        let output = self.flush(outbox);
        let (has_ended, has_get) =
            self.desk.rules(|rules| (rules.has_ended(), rules.is_get_waiting()));
        // The GET of a client that has closed the link itself may be on its way. A client that was
        // sent the close packet may be about to say the same with a POST, as socket.io-client does
        // after a refusal. The caller limits this wait.
        let is_orderly = output.end.is_none_or(|end| end == End::Orderly);
        let is_expected = output.end == Some(End::Orderly) && !has_get;
        let waits = output.waiting.is_some() || is_expected || self.desk.is_delivering();
        if !has_ended && !self.has_left && waits {
            return Poll::Pending;
        }
        // Without a close packet, clients reconnect when their next request fails. After one,
        // python-socketio does not reconnect.
        let is_explained = self.is_closed || self.desk.reason().is_some();
        let answer = if is_orderly && !is_explained { GetAnswer::Noop } else { GetAnswer::Refused };
        self.desk.end(answer);
        Poll::Ready(())
    }

    fn has_moved(&mut self) -> bool {
        let pieces = self.desk.pieces();
        std::mem::replace(&mut self.pieces, pieces) != pieces
    }

    fn is_closed_by_peer(&self) -> bool {
        match &self.socket {
            Some(socket) => socket.is_closed_by_peer(),
            None => self.desk.rules(|rules| rules.has_ended()),
        }
    }
}

impl Drop for Polled {
    fn drop(&mut self) {
        self.desk.end(GetAnswer::Noop);
        // No revocation finds the link any more.
        self.desk.cut();
    }
}

/// Codes with which a link ends although its client has done nothing wrong.
const ORDERLY: [CloseCode; 3] = [CloseCode::Normal, CloseCode::GoingAway, CloseCode::TryAgainLater];

/// Packet that closes a link.
const CLOSE: &[u8] = b"1";

/// Size in bytes from which a body takes no more packets. The rest is in the next body. While a
/// client reads a body, its link cannot tell if it makes progress, so bodies are small.
const BODY: usize = 64 * 1024;

/// Maximum number of frames in a body, unless one packet has more. python-engineio rejects bodies with
/// more than 16.
const MAX_FRAMES: usize = 16;
