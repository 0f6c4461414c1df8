//! Tells the application about requests that were refused.

use std::{net::IpAddr, sync::Arc};

use doorward_core::Headers;
use http::{Response, request::Parts};

use crate::{
    http::{handshake::Rejection, response_body::ResponseBody},
    presence::{client::client, services::Services},
    runtime::{catch::catch, metrics::Metrics},
};

/// Request that the server has refused: it opened no link, belongs to no link, or its link has ended.
///
/// [`Builder::on_connection_error`](crate::Builder::on_connection_error) sets a listener. Refused
/// CONNECT packets are not reported here. The audit records them.
///
/// # Examples
/// ```
/// fn line(error: &doorward::server::ConnectionError<'_>) -> String {
///     format!("{} {} ({:?})", error.status, error.message, error.client)
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct ConnectionError<'a> {
    /// Status code of the response.
    pub status: u16,
    /// Code of the response, as in the JavaScript server:
    ///
    /// | code | meaning |
    /// |---|---|
    /// | 0 | unknown transport |
    /// | 1 | unknown session id |
    /// | 2 | bad handshake method |
    /// | 3 | bad request |
    /// | 4 | forbidden |
    /// | 5 | unsupported protocol version |
    pub code: u8,
    /// Message of the response, for people.
    pub message: &'a str,
    /// Address of the client. `None` if the HTTP server does not provide it.
    pub client: Option<IpAddr>,
    /// Headers of the request without credentials.
    pub headers: &'a Headers,
}

/// Function of the application that is called for each refused request.
pub(crate) type ConnectionErrorListener = Arc<dyn Fn(&ConnectionError<'_>) + Send + Sync>;

/// Returns the response to a refused request, and tells the application.
pub(super) fn refuse(
    listener: Option<&ConnectionErrorListener>,
    services: &Services,
    parts: &Parts,
    rejection: Rejection,
) -> Response<ResponseBody> {
    Metrics::http_rejected(rejection.label());
    if let Some(listener) = listener {
        let (status, code, message) = rejection.answer();
        let (headers, _credentials) = Headers::split(&parts.headers);
        let client = client(services, parts).map(|peer| peer.ip());
        let (status, headers) = (status.as_u16(), &headers);
        let error = ConnectionError { status, code, message, client, headers };
        if catch(|| listener(&error)).is_err() {
            tracing::error!("The on_connection_error listener panicked.");
        }
    }
    rejection.response()
}
