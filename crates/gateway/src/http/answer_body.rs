//! Holds the place of a request until its response was sent.
//!
//! A connection of a trusted proxy carries requests of many clients, so each request takes a place of its
//! client. The place is free again when hyper has dropped the body of the response and the stream was flushed
//! after that. A client that does not read its response keeps its place. Start reading at [`Carried`].

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use doorward_core::BoxError;
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::limits::addresses::Place;

/// The place of the client whose request a connection carries now.
#[derive(Clone, Default)]
pub(crate) struct Carried(Arc<Mutex<Option<Carrying>>>);

struct Carrying {
    place: Place,
    /// The whole response is in hyper's buffers, or sent.
    is_answered: bool,
}

/// Marks a request as answered when it is dropped.
pub(crate) struct Answering(Carried);

impl Carried {
    /// A request begins.
    pub(crate) fn begin(&self, place: Place) -> Answering {
        *self.lock() = Some(Carrying { place, is_answered: false });
        Answering(self.clone())
    }

    /// Everything that was written is flushed.
    pub(super) fn flushed(&self) {
        let over = self.lock().take_if(|carrying| carrying.is_answered);
        drop(over.map(|over| over.place));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Carrying>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(carrying) = &mut *self.0.lock() {
            carrying.is_answered = true;
        }
    }
}

pin_project! {
    /// A response of the application, or of the server itself.
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
