//! Implements [`Wire`] for a WebSocket, which carries frames on a byte stream (RFC 6455, section
//! 5).

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use doorward_protocol::ws::{self, FrameError, Incoming, Read};
use tokio::io::ReadBuf;

use crate::transport::{
    buffer,
    outbox::Outbox,
    stream::ByteStream,
    wire::{BEGINNING, ReadEnd, Received, Receiver, Wire},
};

/// A WebSocket after its handshake.
pub(crate) struct WebSocket<S> {
    io: S,
    reader: ws::Reader,
    /// Bytes that were read and not handled yet. They are an incomplete frame, or input that waits
    /// until the receiver is ready.
    rest: Vec<u8>,
    /// Number of bytes in `rest` that were not reported as [`Received::Bytes`] yet, because they
    /// arrived with the handshake.
    uncounted: usize,
    /// `true` once all packets are sent and the server has shut down its side of the connection.
    is_shut: bool,
}

impl<S: ByteStream> WebSocket<S> {
    /// Creates a WebSocket on the stream of an upgraded connection. `early` holds the bytes that
    /// the client has sent right after its upgrade request, and that the HTTP server has already
    /// read.
    pub(crate) fn new(io: S, early: &[u8]) -> Self {
        let (rest, uncounted) = (early.to_vec(), early.len());
        Self { io, reader: ws::Reader::default(), rest, uncounted, is_shut: false }
    }

    /// Handles bytes that have just arrived.
    fn take_in(&mut self, bytes: &mut [u8], receiver: &mut impl Receiver) {
        let length = bytes.len();
        if self.rest.is_empty() {
            let used = self.show_frames(bytes, receiver);
            self.rest.extend_from_slice(bytes.get(used..).unwrap_or_default());
        } else {
            let mut rest = std::mem::take(&mut self.rest);
            rest.extend_from_slice(bytes);
            self.show_rest(rest, receiver);
        }
        // The bytes are counted after the frames, so that a CONNECT that is too long is answered
        // before the link closes because of the count.
        receiver.receive(Received::Bytes(length));
    }

    /// Passes the complete frames of `rest` to the receiver. Keeps the remaining bytes until more
    /// arrive or the receiver is ready.
    fn show_rest(&mut self, mut rest: Vec<u8>, receiver: &mut impl Receiver) {
        let used = self.show_frames(&mut rest, receiver);
        rest.drain(..used);
        // An idle link keeps no memory for its input.
        self.rest = if rest.is_empty() { Vec::new() } else { rest };
    }

    /// Passes the complete frames in `bytes` to the receiver while it is ready. Returns the number
    /// of bytes in these frames.
    fn show_frames(&mut self, bytes: &mut [u8], receiver: &mut impl Receiver) -> usize {
        let mut used_up = 0;
        while receiver.is_ready() {
            let limit = receiver.message_limit();
            match self.reader.read(&mut bytes[used_up..], limit) {
                Ok(Read::Incomplete) => break,
                Ok(Read::Frame { used, item }) => {
                    used_up += used;
                    receiver.receive(match item {
                        Some(Incoming::Message(message)) => Received::Message(message),
                        Some(Incoming::Ping(payload)) => Received::Ping(payload),
                        Some(Incoming::Pong) => Received::Pong,
                        Some(Incoming::Close) => Received::Close,
                        None => Received::Part,
                    });
                }
                // If too few bytes have arrived to recognise a CONNECT, the decision waits for
                // more.
                Err(FrameError::TooLarge) => {
                    let Some(beginning) = ws::beginning(&bytes[used_up..], BEGINNING) else {
                        break;
                    };
                    receiver.receive(Received::TooLarge { beginning: &beginning });
                }
                Err(error) => {
                    let code = error.close_code();
                    receiver.receive(Received::Broken { code, error: &error });
                }
            }
        }
        used_up
    }
}

impl<S: ByteStream> Wire for WebSocket<S> {
    fn read(&mut self, cx: &mut Context<'_>, receiver: &mut impl Receiver) -> ReadEnd {
        if !self.rest.is_empty() && receiver.is_ready() {
            let rest = std::mem::take(&mut self.rest);
            self.show_rest(rest, receiver);
            if self.uncounted > 0 {
                receiver.receive(Received::Bytes(std::mem::take(&mut self.uncounted)));
            }
        }
        buffer::with(|buffer| {
            while receiver.is_ready() {
                let mut read = ReadBuf::new(buffer);
                match Pin::new(&mut self.io).poll_read(cx, &mut read) {
                    Poll::Pending => return ReadEnd::Dry,
                    Poll::Ready(Ok(())) if !read.filled().is_empty() => {
                        self.take_in(read.filled_mut(), receiver);
                    }
                    Poll::Ready(_) => receiver.receive(Received::Lost),
                }
            }
            ReadEnd::NotReading
        })
    }

    fn stop_reading(&mut self) {
        self.rest = Vec::new();
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<io::Result<()>> {
        loop {
            // TLS holds records that the connection does not accept yet. Until it accepts them, the
            // next packets wait in the outbox, where they are counted and can be cut.
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            if outbox.is_empty() {
                return Poll::Ready(Ok(()));
            }
            match ready!(outbox.poll_write(&mut self.io, cx))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => outbox.advance(count),
            }
        }
    }

    /// Shuts down the server's side of the connection, and then reads until the client has closed
    /// its side. If a TCP socket is closed while bytes of the peer are unread, the kernel resets
    /// the connection (RFC 1122, section 4.2.2.13), and the client may lose the last packets.
    fn poll_close(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<()> {
        if !self.is_shut {
            if ready!(self.poll_flush(cx, outbox)).is_err() {
                return Poll::Ready(());
            }
            if ready!(Pin::new(&mut self.io).poll_shutdown(cx)).is_err() {
                return Poll::Ready(());
            }
            self.is_shut = true;
        }
        buffer::with(|buffer| {
            loop {
                let mut read = ReadBuf::new(buffer);
                match ready!(Pin::new(&mut self.io).poll_read(cx, &mut read)) {
                    Ok(()) if !read.filled().is_empty() => {}
                    _ => return Poll::Ready(()),
                }
            }
        })
    }

    fn is_closed_by_peer(&self) -> bool {
        self.io.is_closed_by_peer()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufStream, DuplexStream};

    use super::*;

    /// A stream that keeps bytes back until it is flushed, as TLS may do.
    impl ByteStream for BufStream<DuplexStream> {
        fn is_closed_by_peer(&self) -> bool {
            false
        }
    }

    /// Attack 110. Otherwise each small packet would count as progress of a client that reads nothing.
    #[tokio::test]
    async fn packets_wait_in_the_outbox_while_the_stream_holds_others_back() {
        // The pipe is full.
        let (mut server, _client) = tokio::io::duplex(1);
        server.write_all(b"x").await.unwrap();
        let mut socket = WebSocket::new(BufStream::new(server), &[]);
        let mut outbox = Outbox::default();
        let mut flush = async |outbox: &mut Outbox| {
            poll_fn(|cx| Poll::Ready(socket.poll_flush(cx, outbox).is_pending())).await
        };

        outbox.engine(|out| out.push(b'2'));
        assert!(flush(&mut outbox).await);
        assert_eq!(outbox.len(), 0);
        outbox.engine(|out| out.push(b'2'));
        assert!(flush(&mut outbox).await);

        assert_eq!(outbox.len(), 3);
    }

    #[tokio::test]
    async fn nothing_is_kept_back_in_the_stream() {
        let (server, mut client) = tokio::io::duplex(1024);
        let mut socket = WebSocket::new(BufStream::new(server), &[]);
        let mut outbox = Outbox::default();
        outbox.engine(|out| out.push(b'2'));

        poll_fn(|cx| socket.poll_flush(cx, &mut outbox)).await.unwrap();

        let mut frame = [0; 3];
        client.read_exact(&mut frame).await.unwrap();
        assert_eq!(frame, *b"\x81\x012");
    }
}
