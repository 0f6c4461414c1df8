//! The connection below a link, whatever it is made of.
//!
//! A link has one wire at a time. The wire knows how messages are carried and nothing of what they mean: it
//! shows each to a [`Receiver`], and sends what waits in the link's [`Outbox`], which stays with the link
//! when the wire is exchanged. Start reading at [`Wire`].

use std::{
    io,
    task::{Context, Poll},
};

use doorward_protocol::{Message, ws::FrameError};

use crate::transport::outbox::Outbox;

/// The connection below a link.
pub(crate) trait Wire: Unpin {
    /// Shows what the client has sent to `receiver`, as long as that wants more.
    ///
    /// Returns [`ReadEnd::Dry`] when nothing is left; `cx` is woken when there is more.
    fn read(&mut self, cx: &mut Context<'_>, receiver: &mut impl Receiver) -> ReadEnd;

    /// Drops what has been read and not shown yet: the link ends.
    fn stop_reading(&mut self);

    /// Sends all that waits; `Pending` while the client takes no more. What was sent leaves the outbox.
    ///
    /// # Errors
    /// The connection is broken.
    fn poll_flush(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<io::Result<()>>;

    /// Sends what is left and ends the connection; `Ready` when the client has ended its side too.
    fn poll_close(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<()>;

    /// Returns `true` if the client is known to send no more, although not all was read.
    fn is_closed_by_peer(&self) -> bool;
}

/// The side of a link that takes in what its client sends.
pub(crate) trait Receiver {
    /// Returns `true` while more may be shown. It is asked before each frame.
    fn is_ready(&self) -> bool;

    /// Returns how many bytes the next message may have.
    fn message_limit(&self) -> usize;

    /// Takes one thing that has arrived.
    fn receive(&mut self, received: Received<'_>);
}

/// Something that has arrived on a wire.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Received<'a> {
    /// A whole message.
    Message(Message<'a>),
    /// A part of a message, of which more is to come.
    Part,
    /// A question for a pong with the same bytes.
    Ping(&'a [u8]),
    /// A pong that was not asked for.
    Pong,
    /// The client ends the connection.
    Close,
    /// A message beyond the limit, which was not read. As much of it as shows whether it is a CONNECT.
    TooLarge { beginning: &'a str },
    /// Bytes that are not the wire's protocol.
    Broken(FrameError),
    /// So many bytes have been read, and the frames in them shown.
    Bytes(usize),
    /// The connection is gone.
    Lost,
}

/// The reason why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadEnd {
    /// Nothing more is there.
    Dry,
    /// More may be there, but it must wait.
    NotReading,
}
