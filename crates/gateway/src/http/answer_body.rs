//! Holds the place of a request until its response is sent.
//!
//! A connection of a trusted proxy carries requests of many clients, so each request takes a place
//! of its client. [`Limits::max_http_connections`](crate::Limits::max_http_connections) is the
//! number of places of a client. The place is free again when hyper has dropped the body of the
//! response and the stream was flushed after that. A client that does not read its response keeps
//! its place.
//!
//! hyper does not report that a response was sent, so two signals are combined. First, hyper drops
//! the body after it has moved the last part of the body into its buffer. [`Answering`] is part of
//! the body, and marks the request as answered when it is dropped. Second, a flush of the stream
//! completes when that buffer is empty. `HttpIo` reports the flush to [`Carried`], which frees the
//! place if the request is marked. Start reading at [`Carried`].

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use doorward_core::{BoxError, lock};
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::limits::addresses::Place;

/// Place of the client whose request a trusted proxy forwards on this connection at the moment.
///
/// HTTP/1.1 answers the requests of a connection one after the other, so there is at most one
/// place. The stream and the body of the response share this value. The mutex protects the place
/// and is held for one assignment. Both sides run in the task of the connection, so the mutex is
/// not contended.
#[derive(Clone, Default)]
pub(crate) struct Carried(Arc<Mutex<Option<Carrying>>>);

struct Carrying {
    place: Place,
    /// `true` once the whole response is in the buffer of hyper, or sent.
    is_answered: bool,
}

/// Marks a request as answered when it is dropped.
pub(crate) struct Answering(Carried);

impl Carried {
    /// Keeps the place of a request that begins, and frees the place of the request before it.
    /// Returns a value that marks the request as answered when it is dropped.
    pub(crate) fn begin(&self, place: Place) -> Answering {
        *lock(&self.0) = Some(Carrying { place, is_answered: false });
        Answering(self.clone())
    }

    /// Frees the place of the request although it is not answered yet.
    pub(super) fn free(&self) {
        let carrying = lock(&self.0).take();
        drop(carrying);
    }

    /// Frees the place if the request is marked as answered. The stream calls this after a flush.
    pub(super) fn flushed(&self) {
        // The value is taken out first, so that the place is freed without this lock held.
        let over = lock(&self.0).take_if(|carrying| carrying.is_answered);
        drop(over.map(|over| over.place));
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(carrying) = &mut *lock(&self.0.0) {
            carrying.is_answered = true;
        }
    }
}

pin_project! {
    /// Body of an HTTP response: the body `B` of the application, or one that Doorward generated.
    pub(crate) struct AnswerBody<B> {
        #[pin]
        body: Either<B, Full<Bytes>>,
        answering: Option<Answering>,
    }
}

impl<B> AnswerBody<B> {
    pub(super) fn new(body: Either<B, Full<Bytes>>, answering: Option<Answering>) -> Self {
        Self { body, answering }
    }
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>>> Body for AnswerBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
