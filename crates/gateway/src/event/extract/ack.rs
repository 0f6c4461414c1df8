//! Lets a handler answer explicitly instead of returning the answer.
//!
//! The event counts as being handled until the handler is done and its [`Ack`] is used or dropped,
//! or until the event times out. So an `Ack` changes neither the order of events nor the limits. As
//! with a returned value, each event is answered exactly once.

use std::{marker::PhantomData, sync::Mutex};

use doorward_core::{BoxError, Exception};
use doorward_protocol::{Arguments, RawArguments};
use tokio::sync::oneshot;

use crate::event::context::{EventContext, FromEvent, Given};

/// Handle with which a handler answers its event, instead of returning the answer. An `Ack` can be
/// moved to another task or thread.
///
/// A handler that takes an `Ack` returns `()` or a `Result`. An error in the `Result` is the
/// answer, unless the `Ack` was used before. If the `Ack` is dropped unused and the handler returns
/// no error, the client receives `internal`.
///
/// The event counts as being handled until the handler is done and the `Ack` is used or dropped, at
/// most for [`Limits::handler_timeout`](crate::Limits::handler_timeout). The next event of the
/// socket waits until then, unless [`Gateway::concurrency`](crate::Gateway::concurrency) allows
/// more than one.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let gateway: Gateway<Claims> = Gateway::at("/").on("render", |ack: Ack<String>| async move {
///     std::thread::spawn(move || ack.send("done".to_owned()));
/// });
/// ```
pub struct Ack<T> {
    answer: Option<oneshot::Sender<Given>>,
    asked: bool,
    value: PhantomData<fn(T)>,
}

impl<T: Arguments> Ack<T> {
    /// Answers with a value, or with several values if `value` is a tuple. The answer is dropped
    /// silently if the event has timed out or the client has disconnected.
    #[expect(clippy::needless_pass_by_value, reason = "an answer is given away")]
    pub fn send(self, value: T) {
        self.answer(RawArguments::for_ack(&value).map_err(BoxError::from));
    }
}

impl<T> Ack<T> {
    /// Answers with an error, which [exception filters](crate::event::ExceptionFilter) translate
    /// for the client.
    pub fn fail(self, error: impl Into<BoxError>) {
        self.answer(Err(error.into()));
    }

    /// Returns `true` if the client asked for an ack. If it did not, a value is dropped, and an
    /// error is sent as the event `exception`.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked
    }

    fn answer(mut self, given: Given) {
        // Sending fails if the event has timed out or the socket has ended. The client cannot
        // receive the answer then.
        self.answer.take().and_then(|answer| answer.send(given).err());
    }
}

doorward_core::debug_fields!(Ack<T> { asked });

impl<P, T> FromEvent<P> for Ack<T> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        let (answer, waiter) = oneshot::channel();
        let first = context.manual.set(Mutex::new(Some(waiter))).is_ok();
        // Two answers to one event would be a violation of the protocol.
        if !first {
            tracing::error!(event = ?context.name, "A handler takes two `Ack`s.");
            return Err(Exception::internal());
        }
        Ok(Self { answer: Some(answer), asked: context.asked, value: PhantomData })
    }
}
