//! An answer that a handler gives by hand.
//!
//! The event stays the one that its socket is busy with until the answer is given, dropped or over its
//! time, so order, limits and "answered exactly once" hold as they do for values that are returned.

use std::{fmt, marker::PhantomData, sync::Mutex};

use doorward_core::{BoxError, Exception};
use doorward_protocol::{Arguments, RawArguments};
use tokio::sync::oneshot;

use crate::event::context::{EventContext, FromEvent, Given};

/// Answers the event in place of the handler's return value, once, from wherever it is moved to.
///
/// A handler that takes it returns `()`, or a `Result` whose error is answered when nothing else was.
/// Until the handler is done, and this is used or dropped, the next event of the socket waits, at most
/// for [`Limits::handler_timeout`](crate::Limits::handler_timeout); dropped without an answer it is
/// `internal`.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let gateway: Gateway<Claims> = Gateway::at("/").on("render", |ack: Ack<String>| async move {
///     std::thread::spawn(move || ack.send("done".to_owned()));
/// });
/// # drop(gateway);
/// ```
pub struct Ack<T> {
    answer: Option<oneshot::Sender<Given>>,
    asked: bool,
    value: PhantomData<fn(T)>,
}

impl<T: Arguments> Ack<T> {
    /// Answers with a value. Nobody is told when the client has left.
    #[expect(clippy::needless_pass_by_value, reason = "an answer is given away")]
    pub fn send(self, value: T) {
        self.answer(RawArguments::new(&value).map_err(BoxError::from));
    }
}

impl<T> Ack<T> {
    /// Answers with an error.
    pub fn fail(self, error: impl Into<BoxError>) {
        self.answer(Err(error.into()));
    }

    /// Whether the client asked for an ack. If not, a value goes nowhere, and an error becomes the
    /// event `exception`.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked
    }

    fn answer(mut self, given: Given) {
        // Whoever waits may have given up.
        self.answer.take().and_then(|answer| answer.send(given).err());
    }
}

impl<T> fmt::Debug for Ack<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl<P, T> FromEvent<P> for Ack<T> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        let (answer, waiter) = oneshot::channel();
        let first = context.manual.set(Mutex::new(Some(waiter))).is_ok();
        // A second one could not be told from the first.
        if !first {
            tracing::error!(event = ?context.name, "A handler takes two `Ack`s.");
            return Err(Exception::internal());
        }
        Ok(Self { answer: Some(answer), asked: context.asked, value: PhantomData })
    }
}
