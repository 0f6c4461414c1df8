//! The connection below a link, independent of its kind.
//!
//! A link has one wire at a time. The wire knows how messages are carried, and not what they mean:
//! it passes each to a [`Receiver`], and sends the packets in the [`Outbox`] of the link. The
//! outbox stays with the link when the wire is exchanged. Start reading at [`Wire`].

use std::{
    io,
    task::{Context, Poll},
};

use doorward_protocol::{Message, ws::FrameError};

use crate::transport::outbox::Outbox;

/// The connection below a link.
pub(crate) trait Wire: Unpin {
    /// Passes what the client has sent to `receiver`, as long as that is ready for more.
    ///
    /// Returns [`ReadEnd::Dry`] when nothing is left; the task of `cx` is woken when more arrives.
    fn read(&mut self, cx: &mut Context<'_>, receiver: &mut impl Receiver) -> ReadEnd;

    /// Drops what was read and not passed on yet, because the link ends.
    fn stop_reading(&mut self);

    /// Sends the packets in the outbox, and removes those that were sent. Returns `Pending` while
    /// the client accepts no more.
    ///
    /// # Errors
    /// The connection is broken.
    fn poll_flush(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<io::Result<()>>;

    /// Sends the remaining packets and closes the connection. Returns `Ready` when the client has
    /// closed its side too, or when the connection is broken.
    fn poll_close(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<()>;

    /// Returns `true` if the client is known to send no more, even if not everything was read.
    fn is_closed_by_peer(&self) -> bool;
}

/// The side of a link that handles what its client sends.
pub(crate) trait Receiver {
    /// Returns `true` while it accepts more. It is called before each frame.
    fn is_ready(&self) -> bool;

    /// Returns the maximum number of bytes of the next message.
    fn message_limit(&self) -> usize;

    /// Handles one item that has arrived.
    fn receive(&mut self, received: Received<'_>);
}

/// An item that has arrived on a wire.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Received<'a> {
    /// A whole message.
    Message(Message<'a>),
    /// A part of a message that is not complete.
    Part,
    /// A ping, to be answered by a pong with the same bytes.
    Ping(&'a [u8]),
    /// A pong; the server sends no pings on this level.
    Pong,
    /// The client closes the connection.
    Close,
    /// A message above the limit, which was not read. `beginning` is enough of it to recognise a
    /// CONNECT.
    TooLarge { beginning: &'a str },
    /// Bytes that violate the protocol of the wire.
    Broken(FrameError),
    /// Number of bytes that were read. It follows the frames in them.
    Bytes(usize),
    /// The connection is lost.
    Lost,
}

/// The reason why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadEnd {
    /// Nothing more has arrived.
    Dry,
    /// More may have arrived, but the receiver is not ready for it.
    NotReading,
}
