//! Body of a response, which can be cut while it is sent.
//!
//! The answer of a GET holds packets, and a client that reads slowly takes its time. If a socket of
//! the client is revoked meanwhile, the rest of the answer must not be sent. So the body is passed
//! on in pieces, and the connection is closed if it is cut. Start reading at [`ResponseBody`]'s
//! `poll_frame`.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::transport::polled::desk::waiting::Delivery;

/// Body of the responses of a [`DoorwardService`](crate::server::DoorwardService).
///
/// # Examples
/// ```
/// use doorward::server::ResponseBody;
/// use http::Response;
///
/// fn for_axum(response: Response<ResponseBody>) -> Response<axum::body::Body> {
///     response.map(axum::body::Body::new)
/// }
/// ```
pub struct ResponseBody {
    rest: Bytes,
    /// The packets in this body, if it answers a GET.
    delivery: Option<Delivery>,
}

/// Error of a body that was cut, because its client may not have the rest.
///
/// # Examples
/// ```
/// use doorward::server::ResponseBodyError;
///
/// fn log(error: &ResponseBodyError) {
///     tracing::debug!(%error, "A response was not sent completely.");
/// }
/// ```
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the rest of the response must not be sent")]
#[non_exhaustive]
pub struct ResponseBodyError;

impl ResponseBody {
    /// Creates the body of an answer with packets.
    pub(crate) fn delivering(payload: Bytes, delivery: Delivery) -> Self {
        Self { rest: payload, delivery: Some(delivery) }
    }
}

impl From<Bytes> for ResponseBody {
    fn from(rest: Bytes) -> Self {
        Self { rest, delivery: None }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = ResponseBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ResponseBodyError>>> {
        if self.delivery.as_ref().is_some_and(Delivery::is_cut) {
            self.rest = Bytes::new();
            return Poll::Ready(Some(Err(ResponseBodyError)));
        }
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        if let Some(delivery) = &self.delivery {
            delivery.passed();
        }
        if self.rest.is_empty()
            && let Some(delivery) = self.delivery.take()
        {
            delivery.complete();
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

doorward_core::debug_fields!(ResponseBody { rest });

/// Maximum size of a piece, in bytes. A piece that is passed on cannot be taken back.
const PIECE: usize = 16 * 1024;
