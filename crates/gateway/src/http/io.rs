//! The stream that the HTTP server reads and writes, until it becomes a link or ends.
//!
//! hyper bounds how long headers may take and not how long an answer may: whoever asks for a file and
//! reads nothing would hold a connection for ever. Here a write that makes no progress fails.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use doorward_core::Clock;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::{
    http::{answer_body::Carried, sleep::Sleep},
    limits::capacity::Open,
    presence::services::Services,
};

/// A TCP stream whose writes must go on.
pub(crate) struct HttpIo {
    stream: TokioIo<TcpStream>,
    clock: Arc<dyn Clock>,
    patience: Duration,
    /// The end of patience, while a write waits.
    stalled: Option<Sleep>,
    /// Where the client of a proxied request has its place.
    carried: Option<Carried>,
    /// Last, so that the descriptor is free when it makes room.
    open: Open,
}

impl HttpIo {
    pub(crate) fn new(
        stream: TcpStream,
        open: Open,
        carried: Option<Carried>,
        services: &Services,
    ) -> Self {
        Self {
            stream: TokioIo::new(stream),
            clock: Arc::clone(&services.clock),
            patience: services.limits.write_stall,
            stalled: None,
            carried,
            open,
        }
    }

    /// Gives the stream itself back, with nothing around it.
    pub(crate) fn into_inner(self) -> (TcpStream, Open) {
        (self.stream.into_inner(), self.open)
    }

    /// Passes the result of a write on, unless it has waited too long.
    fn judge<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Sleep::of(&*self.clock, self.patience));
        Pin::new(stalled).poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Read for HttpIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for HttpIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if let (Poll::Ready(Ok(())), Some(carried)) = (&flushed, &self.carried) {
            carried.flushed();
        }
        self.judge(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.judge(cx, shut)
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
        self.judge(cx, written)
    }
}
