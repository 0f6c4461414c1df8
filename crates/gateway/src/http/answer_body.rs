//! Holds the place of a request until its response is sent.
//!
//! A connection of a trusted proxy carries requests of many clients, so each request takes a place of its
//! client. The place is free again when hyper has dropped the body of the response and the stream was flushed
//! after that. A client that does not read its response keeps its place.
//!
//! hyper does not say when a response has left, so two signals are combined. It drops the body when it
//! has taken the last part of it into its buffer: [`Answering`] is part of the body and marks the
//! request then. A flush of the stream completes when that buffer is empty: `HttpIo` reports it to
//! [`Carried`], which frees the place if the request is marked. Start reading at [`Carried`].

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use doorward_core::BoxError;
use doorward_core::lock;
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::limits::addresses::Place;

/// Place held by the client whose request a trusted proxy is forwarding on this connection.
///
/// HTTP/1.1 answers the requests of a connection one after the other, so there is at most one. The
/// stream and the body of the response share it. The mutex protects that one value and is held for one
/// assignment; both sides run in the task of the connection, so it is not contended.
#[derive(Clone, Default)]
pub(crate) struct Carried(Arc<Mutex<Option<Carrying>>>);

struct Carrying {
    place: Place,
    /// The whole response is in the buffer of hyper, or sent.
    is_answered: bool,
}

/// Marks a request as answered when it is dropped.
pub(crate) struct Answering(Carried);

impl Carried {
    /// Keeps the place of a request that begins, and frees that of the request before it.
    pub(crate) fn begin(&self, place: Place) -> Answering {
        *lock(&self.0) = Some(Carrying { place, is_answered: false });
        Answering(self.clone())
    }

    /// Frees the place if the response is complete; all that was written is flushed.
    pub(super) fn flushed(&self) {
        // Taken out first, so that the place is given back without this lock held.
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
    /// Body of a response: of the application, or of the server itself.
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
