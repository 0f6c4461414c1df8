//! The streams of bytes that carry a WebSocket.

use std::task::{Context, Poll, Waker};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest},
    net::TcpStream,
};

/// A stream of bytes in both directions.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Unpin {
    /// Whether the peer is known to send no more, although what it has sent is not read yet.
    fn is_closed_by_peer(&self) -> bool;
}

impl ByteStream for TcpStream {
    fn is_closed_by_peer(&self) -> bool {
        // Only asked for what is known already: the future is not kept, so nobody needs waking.
        let mut cx = Context::from_waker(Waker::noop());
        let ready = std::pin::pin!(self.ready(Interest::READABLE)).poll(&mut cx);
        matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed())
            || matches!(ready, Poll::Ready(Err(_)))
    }
}

/// Behind a foreign HTTP server's stream nothing can be seen; its reads and writes will fail.
impl ByteStream for TokioIo<Upgraded> {
    fn is_closed_by_peer(&self) -> bool {
        false
    }
}
