//! Defines the connection that carries a link, independent of its kind.
//!
//! The wire carries messages and does not interpret them. It passes each message to a [`Receiver`],
//! and sends the packets in the [`Outbox`] of the link. The outbox belongs to the link and not to
//! the wire. Start reading at [`Wire`].

use std::{
    error::Error,
    io,
    task::{Context, Poll},
};

use doorward_protocol::{Message, ws::CloseCode};

use crate::transport::outbox::Outbox;

/// The connection that carries a link.
pub(crate) trait Wire: Unpin {
    /// Passes the input of the client to `receiver`, while `receiver` is ready for more.
    ///
    /// Returns [`ReadEnd::Dry`] if no input is left. The task of `cx` is then woken when more
    /// arrives. Returns [`ReadEnd::NotReading`] if `receiver` is not ready.
    fn read(&mut self, cx: &mut Context<'_>, receiver: &mut impl Receiver) -> ReadEnd;

    /// Drops the input that was read but not passed on yet, because the link ends.
    fn stop_reading(&mut self);

    /// Learns what the client may do next: the maximum size of its next message, in bytes, and if it
    /// has an authenticated socket. A wire that reads only when it is polled asks the receiver
    /// instead.
    fn allow(&mut self, message_limit: usize, is_known: bool) {
        let _ = (message_limit, is_known);
    }

    /// Stops to send what was taken from the outbox and is still on its way, because packets of a
    /// revoked socket may be among it. A wire that takes only what it sends at once does nothing.
    fn cut(&mut self) {}

    /// Sends the packets in the outbox, and removes those that were sent. Returns `Pending` while
    /// the connection accepts no more bytes.
    ///
    /// # Errors
    /// The connection is broken.
    fn poll_flush(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<io::Result<()>>;

    /// Returns `true` if packets that were taken from the outbox have moved on since the last call. A
    /// wire that takes only what it sends at once has none.
    fn has_moved(&mut self) -> bool {
        false
    }

    /// Sends the remaining packets and closes the connection. Returns `Ready` when the client has
    /// closed its side too, or when the connection is broken.
    fn poll_close(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<()>;

    /// Returns `true` if the client is known to send no more, even if some of its input is unread.
    fn is_closed_by_peer(&self) -> bool;
}

/// The side of a link that handles what its client sends.
pub(crate) trait Receiver {
    /// Returns `true` while the receiver accepts more input. A wire calls this method before each
    /// frame.
    fn is_ready(&self) -> bool;

    /// Returns the maximum size of the next message, in bytes.
    fn message_limit(&self) -> usize;

    /// Handles one item that has arrived.
    fn receive(&mut self, received: Received<'_>);
}

/// An item that has arrived on a wire.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Received<'a> {
    /// A whole message.
    Message(Message<'a>),
    /// A frame of a message that is not complete yet.
    Part,
    /// A WebSocket ping, which must be answered by a pong with the same bytes.
    Ping(&'a [u8]),
    /// A WebSocket pong. It answers nothing, because the server sends no WebSocket pings.
    Pong,
    /// The client closes the connection.
    Close,
    /// A message above the size limit, which was not read. `beginning` is long enough to recognise
    /// a CONNECT.
    TooLarge { beginning: &'a [u8] },
    /// Bytes that violate the protocol of the wire, and the code that a WebSocket is closed with.
    Broken { code: CloseCode, error: &'a dyn Error },
    /// Number of bytes that were read, so that the receiver can count them. It is passed on after
    /// the frames in these bytes.
    Bytes(usize),
    /// The client may be gone, so it should be asked for a sign of life.
    Doubt,
    /// The connection is lost.
    Lost,
}

/// Number of bytes that are passed on from the beginning of a message that is too long. If the
/// message is a CONNECT, they show it.
pub(crate) const BEGINNING: usize = 300;

/// The reason why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadEnd {
    /// No input is left.
    Dry,
    /// More may have arrived, but the receiver is not ready for it.
    NotReading,
}
