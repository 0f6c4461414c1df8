//! The trait of HTTP applications that a server can serve.

use std::convert::Infallible;

use bytes::Bytes;
use doorward_core::BoxError;
use http::{Request, Response};
use hyper::body::Body;
use tower_service::Service;

use crate::http::request_body::RequestBody;

/// An HTTP application: any cloneable tower service that answers requests and cannot fail.
///
/// This trait is implemented for every such service, including an axum `Router` and a
/// [`DoorwardService`](crate::server::DoorwardService).
///
/// # Examples
/// ```
/// use doorward::{Doorward, server::{HttpService, Listeners, ServeError, ShutdownSignal}};
///
/// async fn run(doorward: &Doorward, app: impl HttpService) -> Result<(), ServeError> {
///     let stop = ShutdownSignal::install().map_err(ServeError::Signals)?;
///     let listeners = Listeners::bind("localhost:3000").await?;
///     doorward.serve_with(listeners, app, stop.received()).await
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be served",
    note = "pass a cloneable tower service from `http::Request<RequestBody>` to \
            `http::Response<_>` whose error is `Infallible`, such as an axum `Router`"
)]
pub trait HttpService:
    Service<Request<RequestBody>, Response = Response<Self::Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static
{
    /// Type of the response bodies.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;
}

impl<A, B> HttpService for A
where
    A: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Body = B;
}
