//! Answers the requests of one connection. Limits the time of each request, and the number of
//! requests of each client behind a proxy.
//!
//! The connection of a client is counted when it is accepted. Its requests come one after the
//! other, so they are not counted again. A connection of a trusted proxy carries requests of many
//! clients, so each request takes a place of the client that `X-Forwarded-For` names.
//!
//! The body of a request has the deadline of the request: see [`RequestBody`]. If the answer of the
//! application has not begun at that deadline, the server answers with an error, and the connection
//! ends. Start reading at [`Requests::answer`].

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;

use crate::{
    http::{
        answer_body::{AnswerBody, Answering, Carried},
        app::HttpService,
        place::{ConnectionPlace, RequestPlace},
        request_body::{RequestBody, Terms},
    },
    peer::addr::PeerAddr,
    presence::{client::Client, services::Services},
    runtime::metrics::Metrics,
};

/// Answers the requests of one connection.
#[derive(Clone)]
pub(crate) struct Requests<A> {
    pub(crate) app: A,
    pub(crate) services: Arc<Services>,
    /// Address of the client or of a proxy. With the PROXY protocol, the address that the header
    /// names.
    pub(crate) peer: SocketAddr,
    /// Place of the client whose request a trusted proxy forwards at the moment. `None` if the peer
    /// is not a trusted proxy.
    pub(crate) carried: Option<Carried>,
    /// `true` if `peer` is the client, and `X-Forwarded-For` is not read.
    pub(crate) is_final: bool,
    /// Place of the connection.
    pub(crate) place: ConnectionPlace,
}

impl<A: HttpService> Requests<A> {
    /// Lets the application answer one request. The server answers instead if the client has too
    /// many requests (429), if the body is late (408), or if the application is late (503).
    pub(crate) async fn answer(
        mut self,
        mut request: Request<Incoming>,
    ) -> Result<Response<AnswerBody<A::Body>>, Infallible> {
        let services = &*self.services;
        let client =
            if self.is_final { self.peer } else { services.client(self.peer, request.headers()) };
        let Ok(answering) = self.begin(client) else { return Ok(Own::TooMany.response(None)) };
        // `PeerAddr` is for the application. Another HTTP server may set `PeerAddr` too, to an
        // address for which `X-Forwarded-For` must still be read. `Client` is set only here and is
        // final.
        request.extensions_mut().insert(PeerAddr(client));
        request.extensions_mut().insert(Client(client));
        let (connection, carried) = (self.place.clone(), self.carried.clone());
        let address = self.peer.ip();
        request.extensions_mut().insert(RequestPlace { connection, address, carried });
        let time = services.limits.request_timeout;
        let now = services.clock.now();
        let terms = Terms {
            deadline: now.checked_add(time).unwrap_or(now),
            min_rate: services.limits.min_body_rate,
        };
        let (parts, incoming) = request.into_parts();
        let (body, unfinished) = RequestBody::new(incoming, Arc::clone(&services.clock), terms);
        // The call is borrowed and not moved into `within`, because it may own the body. If
        // `within` dropped it at the timeout, the body would look complete below.
        let mut call = pin!(self.app.call(Request::from_parts(parts, body)));
        Ok(match services.within(time, call.as_mut()).await {
            Some(Ok(answer)) => answer.map(|body| AnswerBody::new(Either::Left(body), answering)),
            None => {
                Metrics::http_timed_out();
                // If the body is complete, the application is late: 503. Otherwise the client is
                // late: 408.
                let is_complete = Arc::strong_count(&unfinished) == 1;
                let own = if is_complete { Own::NoAnswer } else { Own::Late };
                own.response(answering)
            }
        })
    }

    /// Takes a place of the client if a trusted proxy has forwarded the request. Fails if the
    /// client has no place left. Returns `None` if the client is connected directly.
    fn begin(&self, client: SocketAddr) -> Result<Option<Answering>, TooMany> {
        let Some(carried) = &self.carried else {
            // Only a request of an authenticated client has given the place up, and its next request
            // must not be refused because of others at its address.
            self.place.take_again(|| self.services.connections.take(Some(self.peer.ip())));
            return Ok(None);
        };
        let Some(place) = self.services.connections.try_take(Some(client.ip())) else {
            Metrics::http_refused("client");
            tracing::debug!(client = %client.ip(), "Request refused: its client has too many requests at once.");
            return Err(TooMany);
        };
        Ok(Some(carried.begin(place)))
    }
}

/// The client has too many requests at once.
struct TooMany;

/// Response that the server generates in place of the application.
#[derive(Clone, Copy)]
enum Own {
    /// The body did not arrive in time.
    Late,
    /// The application did not answer in time.
    NoAnswer,
    /// The client has too many requests at once.
    TooMany,
}

impl Own {
    fn response<B>(self, answering: Option<Answering>) -> Response<AnswerBody<B>> {
        let (status, text, retry) = match self {
            Self::Late => (StatusCode::REQUEST_TIMEOUT, "The request took too long.\n", false),
            Self::NoAnswer => (StatusCode::SERVICE_UNAVAILABLE, "No answer in time.\n", false),
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, "Too many requests at once.\n", true),
        };
        let body = Full::new(Bytes::from_static(text.as_bytes()));
        let mut response = Response::new(AnswerBody::new(Either::Right(body), answering));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        if retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        } else {
            // The rest of a late body is not read, so the connection cannot be used again.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
