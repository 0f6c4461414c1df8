//! The streams of bytes that carry a WebSocket.

use futures_util::FutureExt as _;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest},
    net::TcpStream,
};

/// A byte stream of any kind.
pub(crate) type AnyStream = Box<dyn ByteStream + Send>;

/// A byte stream in both directions.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Unpin {
    /// Returns `true` if the peer is known to send no more, even if some of its input is unread.
    fn is_closed_by_peer(&self) -> bool;
}

impl ByteStream for AnyStream {
    fn is_closed_by_peer(&self) -> bool {
        (**self).is_closed_by_peer()
    }
}

impl ByteStream for TcpStream {
    fn is_closed_by_peer(&self) -> bool {
        // Polled once to get the state that is already known. The future is dropped, so it needs no
        // waker.
        let ready = self.ready(Interest::READABLE).now_or_never();
        ready.is_some_and(|ready| ready.map_or(true, |ready| ready.is_read_closed()))
    }
}

/// The stream of another HTTP server does not show that the peer has closed the connection. Reads
/// and writes fail instead.
impl ByteStream for TokioIo<Upgraded> {
    fn is_closed_by_peer(&self) -> bool {
        false
    }
}
