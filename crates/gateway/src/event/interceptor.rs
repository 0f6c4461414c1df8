//! What runs around a handler.

pub(crate) mod max_payload;

use std::{fmt, future::Future, sync::Arc};

use doorward_core::BoxFuture;
use doorward_protocol::RawArguments;

use crate::{
    event::{
        context::EventContext,
        handler::AnyHandler,
        reply::{Outcome, Reply},
    },
    room::error::EmitError,
    runtime::catch::Caught,
};

/// Runs around the handlers of events: before the payload is read, and after the answer is known.
///
/// It sees no event that a guard has denied, and every failure of what is inside, a panic included,
/// before the exception filters see it. It may change the outcome, or not run the handler at all. With
/// an [`Ack`](crate::Ack) the outcome is known, and sent, when the handler is done.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
/// use doorward::{EventContext, Interceptor, Next, Outcome};
///
/// struct Timing;
///
/// impl<P: Send + Sync + 'static> Interceptor<P> for Timing {
///     async fn intercept(&self, context: &EventContext<'_, P>, next: Next<'_, P>) -> Outcome {
///         let start = std::time::Instant::now();
///         let outcome = next.run(context).await;
///         println!("{} took {:?}", context.name(), start.elapsed());
///         outcome
///     }
/// }
///
/// let gateway: Gateway<Claims> = Gateway::at("/")
///     .intercept(Timing)
///     .on("echo", |Payload(text): Payload<String>| async move { text });
/// # drop(gateway);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no interceptor for clients known as `{P}`",
    note = "implement `Interceptor<{P}>`: `async fn intercept(&self, context: &EventContext<'_, {P}>, \
            next: Next<'_, {P}>) -> Outcome`"
)]
pub trait Interceptor<P>: Send + Sync + 'static {
    /// Runs around one event.
    ///
    /// # Errors
    /// Whatever the client is to read as an error; filters may still change it.
    ///
    /// # Cancel safety
    /// The future is dropped when the handler is over its time.
    fn intercept(
        &self,
        context: &EventContext<'_, P>,
        next: Next<'_, P>,
    ) -> impl Future<Output = Outcome> + Send;
}

/// An [`Interceptor`] whose type is forgotten.
pub(crate) trait AnyInterceptor<P>: Send + Sync {
    fn intercept<'a>(
        &'a self,
        context: &'a EventContext<'_, P>,
        next: Next<'a, P>,
    ) -> BoxFuture<'a, Outcome>;
}

impl<P: Send + Sync + 'static, I: Interceptor<P>> AnyInterceptor<P> for I {
    fn intercept<'a>(
        &'a self,
        context: &'a EventContext<'_, P>,
        next: Next<'a, P>,
    ) -> BoxFuture<'a, Outcome> {
        Box::pin(Interceptor::intercept(self, context, next))
    }
}

/// What is further inside: the next interceptor, and in the end the handler.
///
/// # Examples
/// See [`Interceptor`].
/// ```
/// fn is_send<T: Send>() {}
/// is_send::<doorward::Next<'_, doorward::Anonymous>>();
/// ```
#[must_use = "without it the handler does not run"]
pub struct Next<'a, P> {
    pub(crate) interceptors: &'a [Arc<dyn AnyInterceptor<P>>],
    pub(crate) handler: &'a dyn AnyHandler<P>,
}

impl<P: Send + Sync + 'static> Next<'_, P> {
    /// Goes on inwards and returns what became of it.
    ///
    /// # Errors
    /// What the handler, or an extractor or interceptor before it, failed with.
    pub async fn run(self, context: &EventContext<'_, P>) -> Outcome {
        match self.interceptors.split_first() {
            Some((first, rest)) => {
                first.intercept(context, Next { interceptors: rest, ..self }).await
            }
            None if context.connection().is_closed() => Err(EmitError::Ended.into()),
            // A panic is an outcome too, for whatever must be put back in order behind it.
            None => Caught::new(self.handler.call(context))
                .await
                .unwrap_or_else(|panicked| Err(panicked.into())),
        }
    }
}

impl<P> fmt::Debug for Next<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("interceptors", &self.interceptors.len()).finish()
    }
}

/// A reply as interceptors see it.
impl Reply {
    /// Replaces the answer.
    ///
    /// # Errors
    /// When `value` cannot be written as JSON.
    pub fn new(value: impl serde::Serialize) -> Result<Self, serde_json::Error> {
        RawArguments::new(&value).map(Self::Value)
    }
}
