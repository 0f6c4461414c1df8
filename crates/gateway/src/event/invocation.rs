//! A handler that was started for one event, until it is done.
//!
//! An invocation owns everything that its event needs from now on: the future of the handler with its
//! arguments, and before that, if they wait, the guards and interceptors with a copy of the event. It
//! owns no place to write to. The link owns the outbox and lends it for each poll as an [`Answer`], so
//! the value of a handler is serialized once, into its place in the outbox.
//!
//! The future of each handler has its own type and returns its own type of value. [`Run`] erases both
//! without an intermediate value: it writes the output in place of returning it.
//!
//! Dropping an invocation cancels the handler. Start reading at [`Running`]'s `run`.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use doorward_core::BoxError;
use doorward_protocol::{Arguments, RawArguments};
use pin_project_lite::pin_project;

use crate::event::{
    answer::Answer,
    context::Waiter,
    failure::Failure,
    reply::{Outcome, Reply, ReplyStream},
};

/// A handler that was started for one event.
pub(crate) struct Invocation(Pin<Box<dyn Run>>);

/// Result of one part of an event.
pub(crate) enum Step<V = RawArguments> {
    /// The answer.
    Reply(Reply<V>),
    /// The guards have allowed the event; this invocation is the rest of it.
    Run(Invocation),
}

impl Invocation {
    pub(crate) fn new<F, V>(future: F) -> Self
    where
        F: Future<Output = Result<Step<V>, Failure>> + Send + 'static,
        V: Arguments + 'static,
    {
        Self(Box::pin(Running { future, rest: None, begins: true }))
    }

    /// Begins with guards; the event itself begins when they have allowed it.
    pub(super) fn behind_guards<F, V>(future: F) -> Self
    where
        F: Future<Output = Result<Step<V>, Failure>> + Send + 'static,
        V: Arguments + 'static,
    {
        Self(Box::pin(Running { future, rest: None, begins: false }))
    }

    /// Runs a handler that has taken an `Ack`; `waiter` receives the answer.
    pub(crate) fn by_hand<F>(handler: F, waiter: Waiter) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let waiter = Some(waiter);
        Self(Box::pin(ByHand { handler, waiter, is_done: false, is_answered: false }))
    }

    /// Returns `true` if the guards have allowed the event. Until then the link starts no later event
    /// of the socket, and drops this one if the socket ends.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.has_begun()
    }

    /// Returns `true` if the answer is written although the handler still runs. An error after that
    /// is not sent, because each event is answered once.
    pub(crate) fn is_answered(&self) -> bool {
        self.0.is_answered()
    }

    /// Returns `true` if nothing is left to run after a poll that was `Ready`. A handler that has
    /// failed its `Ack` may still be running then.
    pub(crate) fn is_done(&self) -> bool {
        self.0.is_done()
    }

    /// Runs the handler, and writes the answer when it is known.
    ///
    /// # Errors
    /// The handler failed, and its failure is not written yet: the link does that, with the exception
    /// filters.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        answer: &mut Answer<'_>,
    ) -> Poll<Result<(), Failure>> {
        self.0.as_mut().run(cx, answer)
    }

    /// Returns `true` if the handler has returned a stream, which is being sent.
    pub(crate) fn is_streaming(&self) -> bool {
        self.0.is_streaming()
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invocation")
    }
}

/// A future that writes its output instead of returning it, so that its type can be erased.
///
/// The methods are those of [`Invocation`]; the defaults are for a handler whose guards are done and
/// which is answered by its return value.
trait Run: Send {
    fn run(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        answer: &mut Answer<'_>,
    ) -> Poll<Result<(), Failure>>;
    fn is_streaming(&self) -> bool;

    fn has_begun(&self) -> bool {
        true
    }

    fn is_answered(&self) -> bool {
        false
    }

    fn is_done(&self) -> bool {
        true
    }
}

pin_project! {
    // Polls `future` until it returns, and then `rest` if the future returned one. A future must not
    // be polled again after it is ready, so `rest` also marks that.
    struct Running<F> {
        #[pin]
        future: F,
        rest: Option<Rest>,
        // The future is the event itself, and not its guards.
        begins: bool,
    }
}

/// Work that remains after the future has returned.
enum Rest {
    Stream(ReplyStream),
    Run(Invocation),
}

impl<F, V> Run for Running<F>
where
    F: Future<Output = Result<Step<V>, Failure>> + Send,
    V: Arguments,
{
    fn run(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        answer: &mut Answer<'_>,
    ) -> Poll<Result<(), Failure>> {
        let this = self.project();
        let rest = match this.rest {
            Some(rest) => rest,
            None => this.rest.insert(match ready!(this.future.poll(cx))? {
                Step::Reply(Reply::Value(value)) => return Poll::Ready(Ok(answer.value(&value)?)),
                Step::Reply(Reply::Emit { event, data }) => {
                    answer.emit(&event, &data)?;
                    return Poll::Ready(Ok(answer.value(&())?));
                }
                Step::Reply(Reply::Stream(stream)) => Rest::Stream(stream),
                Step::Run(invocation) => Rest::Run(invocation),
            }),
        };
        match rest {
            Rest::Stream(stream) => poll_stream(stream, cx, answer),
            Rest::Run(invocation) => invocation.poll(cx, answer),
        }
    }

    fn is_streaming(&self) -> bool {
        match &self.rest {
            Some(Rest::Stream(_)) => true,
            Some(Rest::Run(invocation)) => invocation.is_streaming(),
            None => false,
        }
    }

    fn has_begun(&self) -> bool {
        self.begins || self.rest.is_some()
    }

    fn is_answered(&self) -> bool {
        matches!(&self.rest, Some(Rest::Run(invocation)) if invocation.is_answered())
    }

    fn is_done(&self) -> bool {
        match &self.rest {
            Some(Rest::Run(invocation)) => invocation.is_done(),
            _ => true,
        }
    }
}

/// Sends the items of a stream that are ready, while the outbox has room.
///
/// The stream pauses above that, so it is no faster than its client reads. It also pauses after
/// [`ITEMS_PER_TURN`] items: a stream that is always ready would keep the link from its other sockets.
fn poll_stream(
    stream: &mut ReplyStream,
    cx: &mut Context<'_>,
    answer: &mut Answer<'_>,
) -> Poll<Result<(), Failure>> {
    for _ in 0..ITEMS_PER_TURN {
        if !answer.has_room() {
            answer.is_blocked = true;
            return Poll::Pending;
        }
        match ready!(stream.as_mut().poll_next(cx)) {
            Some(Ok(Reply::Value(data))) => answer.emit(answer.event, &data)?,
            Some(Ok(Reply::Emit { event, data })) => answer.emit(&event, &data)?,
            Some(Ok(Reply::Stream(_))) => return Poll::Ready(Err(Nested.into())),
            Some(Err(error)) => return Poll::Ready(Err(Failure::Error(error))),
            None => return Poll::Ready(Ok(answer.value(&())?)),
        }
    }
    // The stream was ready, so it has not kept the waker.
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// The item of a stream is a stream.
#[derive(Debug, thiserror::Error)]
#[error("a stream of streams cannot be sent")]
struct Nested;

pin_project! {
    /// A handler with an `Ack`, and the receiver of its answer. Either can finish first.
    struct ByHand<F> {
        #[pin]
        handler: F,
        // `None` once an answer, or an error in its place, was received.
        waiter: Option<Waiter>,
        // The handler has returned and must not be polled again.
        is_done: bool,
        is_answered: bool,
    }
}

impl<F: Future<Output = Result<(), BoxError>> + Send> Run for ByHand<F> {
    fn run(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        answer: &mut Answer<'_>,
    ) -> Poll<Result<(), Failure>> {
        let this = self.project();
        let mut failed = None;
        // The handler first: what it sends in this poll is received below, without another turn. If it
        // returns an error after the answer, the client cannot read that any more.
        if !*this.is_done
            && let Poll::Ready(finished) = this.handler.poll(cx)
        {
            *this.is_done = true;
            failed = finished.err();
        }
        if let Some(waiter) = this.waiter {
            match Pin::new(waiter).poll(cx) {
                Poll::Ready(Ok(given)) => {
                    *this.waiter = None;
                    answer.value(&given?)?;
                    *this.is_answered = true;
                }
                // The `Ack` was dropped, often by the handler as it returned: its error explains why.
                Poll::Ready(Err(_)) if *this.is_done => {
                    return Poll::Ready(Err(failed.unwrap_or_else(|| Unanswered.into()).into()));
                }
                // No answer yet. The `Ack` may be in another task, but an error of the handler is the
                // answer all the same.
                _ => {
                    if let Some(error) = failed {
                        return Poll::Ready(Err(error.into()));
                    }
                    return Poll::Pending;
                }
            }
        }
        if *this.is_done { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn is_streaming(&self) -> bool {
        false
    }

    fn is_answered(&self) -> bool {
        self.is_answered
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}

/// Runs a handler that has taken an `Ack` to its end and returns the answer, for interceptors.
pub(super) async fn by_hand(
    handler: impl Future<Output = Result<(), BoxError>>,
    mut waiter: Waiter,
) -> Outcome {
    let finished = handler.await;
    // An answer that was given counts more than the result of the handler, as in `ByHand`.
    let given = match (waiter.try_recv(), finished) {
        (Ok(given), _) => given,
        (Err(_), Err(error)) => Err(error),
        (Err(_), Ok(())) => waiter.await.unwrap_or_else(|_dropped| Err(Unanswered.into())),
    };
    given.map(Reply::Value)
}

/// The handler dropped its `Ack` without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the `Ack` of the handler was dropped unused")]
struct Unanswered;

/// Items of one stream that are sent before other work of the link gets its turn.
const ITEMS_PER_TURN: usize = 64;
