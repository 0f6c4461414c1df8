//! The stream that the HTTP server reads and writes, until it becomes a link or ends.
//!
//! hyper limits the time for the headers of a request, but not for its response. A client that asks
//! for a file and reads nothing would hold a connection for ever. So a write fails if it makes no
//! progress for [`Limits::write_stall`](crate::Limits::write_stall).

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use doorward_core::Clock;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    http::{answer_body::Carried, sleep::Sleep},
    limits::capacity::Open,
    presence::services::Services,
    transport::stream::{ByteStream, Connection},
};

/// Connection that fails if a write makes no progress for `write_stall`.
pub(crate) struct HttpIo {
    stream: TokioIo<Connection>,
    clock: Arc<dyn Clock>,
    /// Maximum time that a write may wait without progress.
    patience: Duration,
    /// Timeout of the waiting write; `None` while no write waits.
    stalled: Option<Sleep>,
    /// `true` if a request is expected or has begun, and `false` after a response. A connection that is
    /// kept open for the next request is not late.
    is_awaited: Arc<AtomicBool>,
    /// Place of the client whose request a trusted proxy forwards at the moment. `None` if the peer
    /// is not a trusted proxy.
    carried: Option<Carried>,
    /// Place among all connections of the server. It is the last field: fields are dropped in
    /// order, so the descriptor is closed before another connection may take the place.
    open: Open,
}

impl HttpIo {
    pub(crate) fn new(
        stream: Connection,
        open: Open,
        carried: Option<Carried>,
        services: &Services,
    ) -> Self {
        let (clock, patience) = (Arc::clone(&services.clock), services.limits.write_stall);
        let (stream, is_awaited) = (TokioIo::new(stream), Arc::new(AtomicBool::new(true)));
        Self { stream, clock, patience, stalled: None, is_awaited, carried, open }
    }

    /// Returns the flag that says if a request is expected or has begun.
    pub(crate) fn is_awaited(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_awaited)
    }

    /// Returns the connection, and its place among all connections of the server, for a link. The
    /// write timeout no longer applies, because a link has a timeout of its own.
    pub(crate) fn into_inner(self) -> (Connection, Open) {
        (self.stream.into_inner(), self.open)
    }

    /// Returns the result of a write, or an error if writes have waited for too long.
    ///
    /// The timeout begins when a write has to wait, and ends with the first write that does not
    /// wait. So a slow client is served as long as it reads at all.
    fn limit_wait<T>(&mut self, cx: &mut Context<'_>, written: Polled<T>) -> Polled<T> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Sleep::of(&*self.clock, self.patience));
        Pin::new(stalled).poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// The stream of a WebSocket to which a client has upgraded, and its place among all connections of
/// the server.
pub(super) struct Counted {
    pub(super) stream: Connection,
    /// Dropped after the stream, so that the descriptor is closed before another connection may take
    /// the place.
    pub(super) _open: Open,
}

impl ByteStream for Counted {
    fn is_closed_by_peer(&self) -> bool {
        self.stream.is_closed_by_peer()
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Polled<()> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Polled<usize> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled<()> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled<()> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Polled<usize> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }
}

/// Progress of reading or writing.
type Polled<T> = Poll<io::Result<T>>;

impl Read for HttpIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() {
            self.is_awaited.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl Write for HttpIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Polled<usize> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.is_awaited.store(false, Ordering::Relaxed);
        self.limit_wait(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        // hyper has written its whole buffer. So if the response is complete, it is sent.
        if let (Poll::Ready(Ok(())), Some(carried)) = (&flushed, &self.carried) {
            carried.flushed();
        }
        self.limit_wait(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.limit_wait(cx, shut)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.is_awaited.store(false, Ordering::Relaxed);
        self.limit_wait(cx, written)
    }
}
