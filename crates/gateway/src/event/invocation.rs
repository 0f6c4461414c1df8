//! Runs the handler of one event until it is done.
//!
//! An invocation owns all that its event needs: the future of the handler with its arguments, or
//! the guards and interceptors with a copy of the event. It does not own the outbox. The link lends
//! the outbox for each poll as an [`Answer`], so the value of a handler is serialized once,
//! directly into the outbox.
//!
//! Each handler has its own type of future and its own type of value. [`Run`] erases both: it
//! writes the value to the outbox instead of returning it.
//!
//! Dropping an invocation cancels the handler. Start reading at [`Running`]'s `run`.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use doorward_core::{BoxError, DecisionId};
use doorward_protocol::{Arguments, RawArguments};
use pin_project_lite::pin_project;
use tokio::sync::oneshot::error::TryRecvError;
use tracing::error;

use crate::event::{
    answer::Answer,
    context::{EventContext, Waiter},
    failure::Failure,
    reply::{Outcome, Reply, ReplyStream},
};

/// A handler that was started for one event.
pub(crate) type Invocation = Pin<Box<dyn Run>>;

/// Result of starting an event: its invocation, or the failure that the client receives.
pub(crate) type Started = Result<Invocation, Failure>;

/// Progress of an invocation. `Ready(Ok(()))` means that the answer is written and the handler is
/// done. On `Ready(Err(_))` the link calls the exception filters and writes the answer.
type Progress = Poll<Result<(), Failure>>;

/// Result of the future of an invocation.
pub(crate) enum Step<V = RawArguments> {
    /// The answer of the event.
    Reply(Reply<V>),
    /// The guards have allowed the event. The invocation runs its remaining steps.
    Run(Invocation),
}

/// Creates an invocation of an event that its guards have already allowed.
pub(crate) fn begun<V: Arguments + 'static>(
    future: impl Future<Output = Result<Step<V>, Failure>> + Send + 'static,
) -> Invocation {
    Box::pin(Running { future, rest: None, begins: true })
}

/// Creates an invocation whose future calls the guards first. The event itself begins when the
/// guards have allowed it.
pub(super) fn behind_guards<V: Arguments + 'static>(
    future: impl Future<Output = Result<Step<V>, Failure>> + Send + 'static,
) -> Invocation {
    Box::pin(Running { future, rest: None, begins: false })
}

/// Creates an invocation of a handler that takes an `Ack`. The answer that `waiter` receives is
/// sent to the client at once, while the handler keeps running. If the handler fails before
/// that, its error is the answer.
pub(super) fn answered_by_hand(
    handler: impl Future<Output = Result<(), BoxError>> + Send + 'static,
    waiter: Waiter,
    late: Late,
) -> Invocation {
    let (waiter, is_done, is_answered) = (Some(waiter), false, false);
    Box::pin(ByHand { handler, waiter, late, is_done, is_answered, is_dropped: false })
}

/// A future that writes its output instead of returning it, so that its type can be erased.
///
/// The default methods fit a handler that the guards have allowed and that answers by its return
/// value.
pub(crate) trait Run: Send {
    /// Runs the handler, and writes the answer when it is known.
    fn run(self: Pin<&mut Self>, cx: &mut Context<'_>, answer: &mut Answer<'_>) -> Progress;

    /// Returns `true` if the handler has returned a stream, which is being sent.
    fn is_streaming(&self) -> bool;

    /// Returns `true` if the guards have allowed the event. Until then, the link starts no later
    /// event of the socket, and drops this invocation if the socket ends.
    fn has_begun(&self) -> bool {
        true
    }

    /// Returns `true` if the answer is written, although the handler may still run. A later error
    /// of the handler is not sent, because each event is answered once.
    fn is_answered(&self) -> bool {
        false
    }

    /// Returns `true` if the handler has returned. The link calls this method after `run` was
    /// `Ready`. A handler whose `Ack` was answered with an error may still be running then.
    fn is_done(&self) -> bool {
        true
    }
}

pin_project! {
    // Polls `future` until it is ready, and then `rest`, if the future returned more work. A future
    // must not be polled again after it is ready, so `rest` also marks that the future is done.
    struct Running<F> {
        #[pin]
        future: F,
        rest: Option<Rest>,
        // `true` if the future is the event itself, and `false` if it begins with the guards.
        begins: bool,
    }
}

/// Work that remains after the future of an invocation has returned.
enum Rest {
    Stream(ReplyStream),
    Run(Invocation),
}

impl<V: Arguments, F: Future<Output = Result<Step<V>, Failure>> + Send> Run for Running<F> {
    fn run(self: Pin<&mut Self>, cx: &mut Context<'_>, answer: &mut Answer<'_>) -> Progress {
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
            Rest::Run(invocation) => invocation.as_mut().run(cx, answer),
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
/// The stream pauses while the outbox has no room, so it is no faster than its client reads. It
/// also pauses after [`ITEMS_PER_TURN`] items, because a stream that is always ready would block
/// the other sockets of the link.
fn poll_stream(items: &mut ReplyStream, cx: &mut Context<'_>, answer: &mut Answer<'_>) -> Progress {
    for _ in 0..ITEMS_PER_TURN {
        if !answer.has_room() {
            answer.is_blocked = true;
            return Poll::Pending;
        }
        match ready!(items.0.as_mut().poll_next(cx)) {
            Some(Ok(Reply::Value(data))) => answer.emit(answer.event, &data)?,
            Some(Ok(Reply::Emit { event, data })) => answer.emit(&event, &data)?,
            Some(Ok(Reply::Stream(_))) => return Poll::Ready(Err(Nested.into())),
            Some(Err(error)) => return Poll::Ready(Err(Failure::Error(error))),
            None => return Poll::Ready(Ok(answer.value(&())?)),
        }
    }
    // The stream was ready, so it has not registered the waker.
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Error for a stream whose item is itself a stream.
#[derive(Debug, thiserror::Error)]
#[error("a stream of streams cannot be sent")]
struct Nested;

pin_project! {
    /// A handler with an `Ack`, and the receiver of its answer. Either can finish first.
    struct ByHand<F> {
        #[pin]
        handler: F,
        // `None` once an answer was received or the `Ack` was dropped: a receiver that has returned
        // must not be polled again.
        waiter: Option<Waiter>,
        late: Late,
        // `true` if the handler has returned. It must not be polled again then.
        is_done: bool,
        is_answered: bool,
        // `true` if the `Ack` was dropped unused. The error of the handler is the answer then, so
        // the answer waits until the handler returns.
        is_dropped: bool,
    }
}

impl<F: Future<Output = Result<(), BoxError>> + Send> Run for ByHand<F> {
    fn run(self: Pin<&mut Self>, cx: &mut Context<'_>, answer: &mut Answer<'_>) -> Progress {
        let this = self.project();
        let mut failed = None;
        // The handler is polled first, so that an answer that it gives in this poll is received
        // below.
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
                    let written = given.and_then(|value| answer.value(&value));
                    *this.is_answered = written.is_ok();
                    if let Some(error) = failed.take() {
                        this.late.log(error);
                    }
                    written?;
                }
                Poll::Ready(Err(_dropped)) => {
                    *this.waiter = None;
                    *this.is_dropped = true;
                }
                // No answer was given yet. The `Ack` may still be in another task, but an error of
                // the handler is the answer now.
                Poll::Pending => {
                    return failed.map_or(Poll::Pending, |error| Poll::Ready(Err(error.into())));
                }
            }
        }
        if !*this.is_done {
            return Poll::Pending;
        }
        if *this.is_dropped {
            return Poll::Ready(Err(failed.unwrap_or_else(|| Unanswered.into()).into()));
        }
        if let Some(error) = failed {
            this.late.log(error);
        }
        Poll::Ready(Ok(()))
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

/// Runs a handler that has taken an `Ack` until it returns. Returns its answer, for interceptors.
pub(super) async fn run_by_hand(
    handler: impl Future<Output = Result<(), BoxError>>,
    mut waiter: Waiter,
    late: Late,
) -> Outcome {
    let finished = handler.await;
    // An answer that was given takes precedence over the result of the handler, as in `ByHand`. A
    // receiver must not be polled again after it has returned, so only an empty receiver is
    // awaited.
    let given = match (waiter.try_recv(), finished) {
        (Ok(given), finished) => {
            finished.unwrap_or_else(|error| late.log(error));
            given
        }
        (Err(_), Err(error)) => Err(error),
        (Err(TryRecvError::Closed), Ok(())) => Err(Unanswered.into()),
        (Err(TryRecvError::Empty), Ok(())) => {
            waiter.await.unwrap_or_else(|_dropped| Err(Unanswered.into()))
        }
    };
    given.map(Reply::Value)
}

/// Logs the error of a handler whose event was already answered. Each event is answered once, so
/// the client does not receive this error.
pub(crate) struct Late {
    event: Arc<str>,
    id: DecisionId,
}

impl Late {
    pub(super) fn new<P>(context: &EventContext<'_, P>) -> Self {
        let new = || DecisionId::generate(&*context.socket().hub().services().entropy);
        Self { event: Arc::clone(context.name), id: context.id.unwrap_or_else(new) }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "the error is dropped where panics are caught"
    )]
    fn log(&self, error: BoxError) {
        let Self { event, id } = self;
        error!(event = &**event, error = &*error as &dyn std::error::Error, %id, "Handler failed after its answer.");
    }
}

/// Error for a handler that dropped its `Ack` without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the `Ack` of the handler was dropped unused")]
struct Unanswered;

/// Maximum number of items of one stream that are sent before other work of the link runs.
const ITEMS_PER_TURN: usize = 64;
