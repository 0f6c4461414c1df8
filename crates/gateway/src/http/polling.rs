//! Serves clients that poll.
//!
//! The first GET opens a link, whose task is the same as that of a WebSocket. Each request finds the
//! desk of its link by the secret id (`sid`), and waits there for its answer. Before anything of the
//! body is read, the origin of the page and the binding of the link are checked. Start reading at
//! [`serve`].

pub(crate) mod binding;
pub(crate) mod node_cookie;
pub(crate) mod upgrade;

use std::{
    future::{Future as _, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::{Buf as _, BufMut as _, Bytes};
use doorward_core::{BoxError, BoxFuture};
use doorward_protocol::polling::{PollingConfig, RequestError};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header, request::Parts};
use http_body_util::BodyExt as _;
use hyper::body::Body;

use crate::{
    http::{
        connection_error,
        handshake::{Rejection, Wanted},
        opening::opening,
        place::RequestPlace,
        polling::binding::{Binding, Origin},
        response_body::ResponseBody,
        server::Server,
    },
    link::task::LinkTask,
    presence::{client::Client, services::Services},
    transport::polled::{
        Polled,
        desk::{
            Desk, GetReply, Posted,
            waiting::{WaitingGet, WaitingPost},
        },
        table::Found,
    },
};

/// Answers a request of a client that polls.
pub(super) async fn serve<B>(
    server: &Arc<Server>,
    wanted: Wanted,
    mut parts: Parts,
    body: B,
) -> Response<ResponseBody>
where
    B: Body<Error: Into<BoxError>>,
{
    let now = server.services.clock.now();
    let origin = match Origin::of(&server.services, &parts) {
        Ok(origin) => origin,
        Err(rejection) => {
            return connection_error::refuse(
                server.connection_errors.as_ref(),
                &server.services,
                &parts,
                rejection,
            );
        }
    };
    let answered = match &wanted {
        Wanted::Preflight => Ok(preflight(&parts.headers)),
        Wanted::Open => open(server, &parts, origin.clone(), now).await,
        Wanted::Get { sid } | Wanted::Post { sid } | Wanted::Upgrade { sid, .. } => {
            match find(server, sid, &origin, &parts).await {
                Err(rejection) => Err(rejection),
                Ok(desk) => match wanted {
                    Wanted::Upgrade { offer, .. } => {
                        upgrade::begin(&desk, server, &mut parts, offer)
                    }
                    Wanted::Post { .. } => post(&desk, &server.services, &parts, body).await,
                    _ => get(&desk, &server.services, &parts, now).await,
                },
            }
        }
        Wanted::Socket(_) => Err(Rejection::UnknownTransport),
    };
    let mut response = answered.unwrap_or_else(|rejection| {
        connection_error::refuse(
            server.connection_errors.as_ref(),
            &server.services,
            &parts,
            rejection,
        )
    });
    if origin.is_named()
        && let Some(page) = parts.headers.remove(header::ORIGIN)
    {
        allow(response.headers_mut(), page);
    }
    response
}

/// Opens a link, and answers with its first packets.
async fn open(
    server: &Arc<Server>,
    parts: &Parts,
    origin: Origin,
    now: Instant,
) -> Result<Response<ResponseBody>, Rejection> {
    // The place of the address is taken first, so that it limits the look-ups too.
    let opening = opening(server, parts, &["websocket"]).await?;
    let services = &server.services;
    let binding = Binding::open(services, &server.binding, origin, parts).await?;
    let limits = &services.limits;
    let hold = limits.request_timeout.mul_f64(PATIENCE);
    let config = PollingConfig { hold, ..PollingConfig::default() };
    let desk = Desk::new(config, limits.max_connect, limits.inbox_bytes);
    let found = Found { desk: Arc::clone(&desk), binding: Arc::new(binding) };
    let entry = server.polled.add(&opening.id.encode(), found, limits.max_connections);
    let entry = entry.ok_or(Rejection::NotNow)?;
    let waiting = WaitingGet::begin(&desk, now).map_err(|_ended| LINK_HAS_ENDED)?;
    tokio::spawn(LinkTask::new(Polled::new(Arc::clone(&desk), entry), opening));
    let mut opened = answer(&desk, waiting, services).await?;
    if let Some(cookie) = &server.node_cookie {
        opened.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    Ok(opened)
}

/// Polls `answer` until it is ready. While it is pending, it returns the time at which it must be
/// polled again, or `None` if it will be woken.
async fn until_answered<T>(
    services: &Services,
    mut answer: impl FnMut(&Context<'_>, Instant) -> Result<T, Option<Instant>>,
) -> T {
    let mut timer: Option<(Instant, BoxFuture<'static, ()>)> = None;
    poll_fn(|cx| {
        loop {
            let until = match answer(cx, services.clock.now()) {
                Ok(answer) => return Poll::Ready(answer),
                Err(None) => return Poll::Pending,
                Err(Some(until)) => until,
            };
            let sleep = match &mut timer {
                Some((at, sleep)) if *at == until => sleep,
                timer => &mut timer.insert((until, services.clock.sleep_until(until))).1,
            };
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            timer = None;
        }
    })
    .await
}

async fn get(
    desk: &Arc<Desk>,
    services: &Services,
    parts: &Parts,
    now: Instant,
) -> Result<Response<ResponseBody>, Rejection> {
    let waiting = WaitingGet::begin(desk, now).map_err(refuse)?;
    let place = parts.extensions.get::<RequestPlace>().filter(|_| desk.is_known());
    if let Some(place) = place {
        place.release();
    }
    let answered = answer(desk, waiting, services).await;
    if let Some(place) = place {
        place.restore(&services.connections);
    }
    answered
}

/// Waits until a GET is answered.
async fn answer(
    desk: &Desk,
    mut waiting: WaitingGet,
    services: &Services,
) -> Result<Response<ResponseBody>, Rejection> {
    let reply = until_answered(services, |cx, now| waiting.poll(cx, now));
    match reply.await {
        GetReply::Packets(payload, cuts) => {
            Ok(text(ResponseBody::delivering(payload, waiting.deliver(cuts))))
        }
        GetReply::Engine(packet) => Ok(text(packet.into())),
        GetReply::Refused => Err(ended(desk)),
    }
}

/// Passes the packets of a POST to the link, and waits until they were handled.
async fn post<B>(
    desk: &Arc<Desk>,
    services: &Services,
    parts: &Parts,
    body: B,
) -> Result<Response<ResponseBody>, Rejection>
where
    B: Body<Error: Into<BoxError>>,
{
    // Every error below drops the POST, which ends the link.
    let mut waiting = WaitingPost::begin(desk).map_err(refuse)?;
    // Engine.IO v4 has no binary bodies.
    let kind = parts.headers.get(header::CONTENT_TYPE);
    if kind.is_some_and(|kind| kind == "application/octet-stream") {
        return Err(Rejection::BadRequest("Binary bodies are not supported: send base64 packets"));
    }
    // A binary message is base64, which has four bytes for three. Clients also send several packets
    // in one body.
    let limits = &services.limits;
    let several = if desk.is_known() { limits.inbox_bytes } else { limits.max_unauthenticated };
    let limit = (desk.message_limit() / 3 * 4).max(several) + SLACK;
    let mut collecting = pin!(collect(body, limit));
    let collected = poll_fn(|cx| match collecting.as_mut().poll(cx) {
        Poll::Ready(collected) => Poll::Ready(Some(collected)),
        Poll::Pending => waiting.poll_end(cx).map(|()| None),
    });
    // The server limits the time of each request that it reads itself.
    let is_own = parts.extensions.get::<Client>().is_some();
    let time = if is_own { services.limits.request_timeout } else { BODY_TIMEOUT };
    let collected = services.within(time, collected).await.flatten();
    let late = Rejection::BadRequest("The body did not arrive in time");
    let body = collected.unwrap_or(Err(late))?;
    let is_whole = body.is_whole;
    waiting.pass(body);
    let since = services.clock.now();
    let is_accepted = until_answered(services, |cx, now| waiting.poll(cx, since, now));
    match is_accepted.await {
        true => Ok(text(Bytes::from_static(b"ok").into())),
        false if is_whole => Err(ended(desk)),
        false => Err(Rejection::TooLarge),
    }
}

/// Returns the rejection of a request whose link has ended. The developer of the client can read the
/// reason, which a WebSocket has in its close frame.
fn ended(desk: &Desk) -> Rejection {
    desk.reason().map_or(LINK_HAS_ENDED, Rejection::Ended)
}

/// Reads a body. What exceeds `limit` is read and dropped, because most clients send their whole body
/// before they read a response.
async fn collect<B: Body>(body: B, limit: usize) -> Result<Posted, Rejection> {
    let mut body = pin!(body);
    let (mut bytes, mut dropped) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(Rejection::BadRequest("The body is incomplete"));
        };
        let Ok(data) = frame.into_data() else { continue };
        let mut kept = data.take(limit - bytes.len());
        bytes.put(&mut kept);
        dropped += kept.into_inner().remaining();
        if dropped > MAX_DROPPED {
            break;
        }
    }
    if dropped > 0 {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        return Ok(Posted { text, is_whole: false });
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Posted { text, is_whole: true }),
        Err(_) => Err(Rejection::BadRequest("The body is not UTF-8")),
    }
}

/// Returns the desk of the link with this id, if the request belongs to the link. A link of another
/// client is reported like an unknown id.
async fn find(
    server: &Server,
    sid: &str,
    origin: &Origin,
    parts: &Parts,
) -> Result<Arc<Desk>, Rejection> {
    let Some(found) = server.polled.find(sid) else {
        if !server.polled.has_ended(sid) {
            server.services.warn_of_astray_poll();
        }
        return Err(Rejection::UnknownSid);
    };
    found.binding.allows(&server.services, &server.binding, origin, parts).await?;
    Ok(found.desk)
}

fn refuse(error: RequestError) -> Rejection {
    match error {
        RequestError::Ended => Rejection::UnknownSid,
        _ => Rejection::BadRequest("A client may have one GET and one POST at a time"),
    }
}

/// Returns a text response that no cache may store.
fn text(body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/plain; charset=UTF-8");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Answers a CORS preflight request. Allows all requested headers, because applications may send
/// their own.
fn preflight(request: &HeaderMap) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::from(Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("GET, POST");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    if let Some(asked) = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Allows a page of a named origin to send cookies and to read the response (Fetch standard, "CORS
/// protocol and credentials"). A page of the server's own host needs no permission.
fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    let yes = HeaderValue::from_static("true");
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
}

/// Rejection of a request whose link has ended for a reason that its client need not read.
const LINK_HAS_ENDED: Rejection = Rejection::BadRequest("The connection has ended");

/// Fraction of `request_timeout` for which a GET waits for packets.
const PATIENCE: f64 = 0.9;

/// Number of bytes that a body may have in addition to its largest message.
const SLACK: usize = 1024;

/// Maximum number of bytes that are read beyond the limit of a body.
const MAX_DROPPED: usize = 256 * 1024;

/// Maximum time in which the body of a POST must arrive, if another HTTP server reads it.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
