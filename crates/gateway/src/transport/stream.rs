//! The streams of bytes that carry HTTP requests or a WebSocket.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::FutureExt as _;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::server::TlsStream;

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
        is_read_closed(self.ready(Interest::READABLE).now_or_never())
    }
}

impl ByteStream for UnixStream {
    fn is_closed_by_peer(&self) -> bool {
        is_read_closed(self.ready(Interest::READABLE).now_or_never())
    }
}

impl ByteStream for TlsStream<Connection> {
    fn is_closed_by_peer(&self) -> bool {
        self.get_ref().0.is_closed_by_peer()
    }
}

/// Interprets what one poll of `ready` has returned, which is the state that is already known. The
/// future is dropped after the poll, so it needs no waker.
fn is_read_closed(ready: Option<io::Result<Ready>>) -> bool {
    ready.is_some_and(|ready| ready.map_or(true, Ready::is_read_closed))
}

/// The stream of another HTTP server does not show that the peer has closed the connection. Reads
/// and writes fail instead.
impl ByteStream for TokioIo<Upgraded> {
    fn is_closed_by_peer(&self) -> bool {
        false
    }
}

/// Connection that Doorward has accepted. Plain TCP, the most common kind, has its own variant, so
/// that its links use static dispatch.
pub(crate) enum Connection {
    Tcp(TcpStream),
    Other(AnyStream),
}

impl Connection {
    fn stream(self: Pin<&mut Self>) -> Pin<&mut dyn ByteStream> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream),
            Self::Other(stream) => Pin::new(&mut **stream),
        }
    }
}

impl ByteStream for Connection {
    fn is_closed_by_peer(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_closed_by_peer(),
            Self::Other(stream) => stream.is_closed_by_peer(),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Other(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(cx, slices)
    }
}
