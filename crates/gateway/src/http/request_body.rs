//! Limits the time in which the body of a request must arrive.
//!
//! hyper limits the time for the headers of a request, but not for its body. A body that is
//! announced and never sent would hold its connection for ever. So each body has the deadline of
//! its request, and a minimum rate.
//!
//! For the rate, only time in which the application waits for the client counts. A slow application
//! must not fail the request of its client. A late body is dropped, and hyper closes the connection
//! after the response. Start reading at [`RequestBody`]'s `poll_frame`.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use doorward_core::Clock;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::{http::sleep::Sleep, runtime::metrics::Metrics};

/// Body of a request that [`Doorward::serve_with`](crate::Doorward::serve_with) serves.
///
/// Reading the body fails if the client takes too long to send it: see
/// [`Limits::request_timeout`](crate::Limits::request_timeout) and
/// [`Limits::min_body_rate`](crate::Limits::min_body_rate).
///
/// # Examples
/// ```
/// use std::convert::Infallible;
/// use doorward::server::RequestBody;
/// use http::{Request, Response};
///
/// async fn answer(_: Request<RequestBody>) -> Result<Response<String>, Infallible> {
///     Ok(Response::new("Hello".to_owned()))
/// }
/// ```
pub struct RequestBody {
    /// Rest of the body; `None` once the body was late.
    incoming: Option<Incoming>,
    clock: Arc<dyn Clock>,
    terms: Terms,
    /// Number of bytes of the body that have arrived.
    received: usize,
    /// Time that the application has waited for the client, without the current wait.
    waited: Duration,
    /// Current wait for the client; `None` while the application does not wait.
    waiting: Option<Waiting>,
    /// Dropped at the end of the body. `Requests::answer` holds a clone of the `Arc`, and its
    /// strong count shows if the body is complete.
    unfinished: Option<Arc<()>>,
}

/// Deadline and minimum rate of a body.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    /// Time at which the whole body must have arrived.
    pub(crate) deadline: Instant,
    /// Minimum rate in bytes per second.
    pub(crate) min_rate: usize,
}

/// A period in which the application waits for the client to send more of the body.
struct Waiting {
    since: Instant,
    /// Completes when the client is late.
    until_late: Sleep,
}

/// Reason why a body did not arrive.
///
/// # Examples
/// ```
/// use doorward::server::RequestBodyError;
///
/// assert_eq!(RequestBodyError::TimedOut.to_string(), "the body of the request took too long");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestBodyError {
    /// The body is malformed, or the connection has failed.
    #[error("the body of the request is broken")]
    Broken(#[source] hyper::Error),
    /// The body was not complete in time, or arrived too slowly.
    #[error("the body of the request took too long")]
    TimedOut,
}

impl RequestBody {
    /// Creates a body. Also returns an `Arc` that the body shares until the body has been read to
    /// its end or is dropped. The strong count of the `Arc` is 1 after that.
    pub(crate) fn new(incoming: Incoming, clock: Arc<dyn Clock>, terms: Terms) -> (Self, Arc<()>) {
        let unfinished = Arc::new(());
        let body = Self {
            unfinished: (!incoming.is_end_stream()).then(|| Arc::clone(&unfinished)),
            incoming: Some(incoming),
            clock,
            terms,
            received: 0,
            waited: Duration::ZERO,
            waiting: None,
        };
        (body, unfinished)
    }

    /// Completes when the client is late. The client is late at the deadline of the request, or
    /// earlier if it has used up its time.
    ///
    /// The client has [`BODY_GRACE`], plus the time that the bytes received so far take at the
    /// minimum rate, minus the time that the application has already waited. Nothing arrives during
    /// a wait, so this time does not change and one timer serves the whole wait.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (clock, terms) = (&self.clock, self.terms);
        let earned = Duration::from_secs_f64(self.received as f64 / terms.min_rate as f64);
        let left = (BODY_GRACE + earned).saturating_sub(self.waited);
        let waiting = self.waiting.get_or_insert_with(|| {
            let since = clock.now();
            let late = since.checked_add(left).unwrap_or(terms.deadline).min(terms.deadline);
            Waiting { since, until_late: Sleep::until(&**clock, late) }
        });
        Pin::new(&mut waiting.until_late).poll(cx)
    }

    /// Drops the rest of the body, so that hyper closes the connection, and returns the error.
    fn give_up(&mut self) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        Metrics::http_timed_out();
        self.incoming = None;
        Poll::Ready(Some(Err(RequestBodyError::TimedOut)))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let this = &mut *self;
        let Some(incoming) = &mut this.incoming else { return Poll::Ready(None) };
        // A frame that has arrived is checked before the timer, because the client is not late with
        // it.
        let Poll::Ready(frame) = Pin::new(incoming).poll_frame(cx) else {
            ready!(this.poll_late(cx));
            return this.give_up();
        };
        let now = this.clock.now();
        if let Some(waiting) = this.waiting.take() {
            this.waited += now.saturating_duration_since(waiting.since);
        }
        match frame {
            // The timer runs only while the application waits, so an endless body that never pauses
            // must be stopped here.
            Some(Ok(_)) if now >= this.terms.deadline => this.give_up(),
            Some(Ok(frame)) => {
                this.received += frame.data_ref().map_or(0, Bytes::len);
                if this.is_end_stream() {
                    this.unfinished = None;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(RequestBodyError::Broken(error)))),
            None => {
                this.unfinished = None;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

doorward_core::debug_fields!(RequestBody { received });

/// Time that the application waits for the client before the rate counts. A mobile network may be
/// silent for as long.
const BODY_GRACE: Duration = Duration::from_secs(10);
