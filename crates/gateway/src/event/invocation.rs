//! A handler that was started for one event, until its answer is written.

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

/// What an event has come to.
pub(crate) enum Step<V = RawArguments> {
    /// It is answered.
    Reply(Reply<V>),
    /// Everything before the handler is done; the handler remains.
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

    /// Begins with guards; the event itself begins when they have let it through.
    pub(super) fn behind_guards<F, V>(future: F) -> Self
    where
        F: Future<Output = Result<Step<V>, Failure>> + Send + 'static,
        V: Arguments + 'static,
    {
        Self(Box::pin(Running { future, rest: None, begins: false }))
    }

    /// A handler whose answer is given by hand.
    pub(crate) fn by_hand<F>(handler: F, waiter: Waiter) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let waiter = Some(waiter);
        Self(Box::pin(ByHand { handler, waiter, is_done: false, is_answered: false }))
    }

    /// Whether it is past its guards.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.has_begun()
    }

    /// Whether its answer is written, although it is not done.
    pub(crate) fn is_answered(&self) -> bool {
        self.0.is_answered()
    }

    /// Whether there is nothing left of it to be run.
    pub(crate) fn is_done(&self) -> bool {
        self.0.is_done()
    }

    /// Goes on, and writes the answer when it is known.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        answer: &mut Answer<'_>,
    ) -> Poll<Result<(), Failure>> {
        self.0.as_mut().run(cx, answer)
    }

    /// Whether the handler is done and a stream of events goes on.
    pub(crate) fn is_streaming(&self) -> bool {
        self.0.is_streaming()
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invocation")
    }
}

/// A future that writes its output instead of returning it, so that its type can be forgotten.
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
    struct Running<F> {
        #[pin]
        future: F,
        rest: Option<Rest>,
        // The future is the event itself, and not what stands in front of it.
        begins: bool,
    }
}

/// What goes on behind the future.
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

/// Sends the items that are there, as long as the client keeps up and others get their turn.
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
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// An item of a stream is a stream itself.
#[derive(Debug, thiserror::Error)]
#[error("a stream of streams cannot be sent")]
struct Nested;

pin_project! {
    /// A handler beside the answer that it has given away.
    struct ByHand<F> {
        #[pin]
        handler: F,
        // `None` once the answer is written.
        waiter: Option<Waiter>,
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
                // The handler says why it gives up, or has lost its means to answer.
                Poll::Ready(Err(_)) if *this.is_done => {
                    return Poll::Ready(Err(failed.unwrap_or_else(|| Unanswered.into()).into()));
                }
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

/// Waits for the answer behind a handler that takes an `Ack`, for those who want to see the outcome.
pub(super) async fn by_hand(
    handler: impl Future<Output = Result<(), BoxError>>,
    mut waiter: Waiter,
) -> Outcome {
    let finished = handler.await;
    let given = match (waiter.try_recv(), finished) {
        (Ok(given), _) => given,
        (Err(_), Err(error)) => Err(error),
        (Err(_), Ok(())) => waiter.await.unwrap_or_else(|_dropped| Err(Unanswered.into())),
    };
    given.map(Reply::Value)
}

/// The handler lost its `Ack`.
#[derive(Debug, thiserror::Error)]
#[error("the `Ack` of the handler was dropped unused")]
struct Unanswered;

/// Items of one stream before other work of the link has its turn.
const ITEMS_PER_TURN: usize = 64;
