//! Interceptors, which run around a handler and may change its outcome.

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

/// Runs around the handlers of events, before the payload is decoded and after the answer is known.
///
/// An interceptor runs after the guards, so it does not see events that the guards deny. It sees
/// every failure of the handler and of the inner interceptors before the exception filters do. A
/// panic of the handler is such a failure. A timeout is not, because it drops the interceptor
/// together with the handler. An interceptor may change the outcome, or answer without running the
/// handler.
///
/// If the handler takes an [`Ack`](crate::Ack), the outcome is known only when the handler is done
/// and the `Ack` is used or dropped. The answer is sent only then.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
/// use doorward::event::{EventContext, Interceptor, Next, Outcome};
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
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no interceptor for clients known as `{P}`",
    note = "implement `Interceptor<{P}>`: `async fn intercept(&self, context: &EventContext<'_, {P}>, \
            next: Next<'_, {P}>) -> Outcome`"
)]
pub trait Interceptor<P>: Send + Sync + 'static {
    /// Runs around the handler of one event.
    ///
    /// # Errors
    /// The error that exception filters translate for the client.
    ///
    /// # Cancel safety
    /// The future is dropped when the event exceeds
    /// [`Limits::handler_timeout`](crate::Limits::handler_timeout), and may be dropped when the socket ends.
    fn intercept(
        &self,
        context: &EventContext<'_, P>,
        next: Next<'_, P>,
    ) -> impl Future<Output = Outcome> + Send;
}

/// An [`Interceptor`] whose type is erased.
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

/// Rest of the chain that handles an event, which is the inner interceptors and the handler.
///
/// # Examples
/// See [`Interceptor`]. An interceptor that drops its `Next` answers instead of the handler:
/// ```
/// use doorward::{Exception, event::{EventContext, Interceptor, Next, Outcome}};
///
/// struct Maintenance;
///
/// impl<P: Send + Sync + 'static> Interceptor<P> for Maintenance {
///     async fn intercept(&self, _: &EventContext<'_, P>, _: Next<'_, P>) -> Outcome {
///         Err(Exception::new("maintenance", "Try again later").into())
///     }
/// }
/// ```
#[must_use = "without it the handler does not run"]
pub struct Next<'a, P> {
    pub(crate) interceptors: &'a [Arc<dyn AnyInterceptor<P>>],
    pub(crate) handler: &'a dyn AnyHandler<P>,
}

impl<P: Send + Sync + 'static> Next<'_, P> {
    /// Runs the rest of the chain and returns its outcome.
    ///
    /// # Errors
    /// The error of the handler, of one of its extractors, or of an inner interceptor. A panic of
    /// the handler is an error too. If the socket has ended before the handler runs, the error is
    /// [`EmitError::Ended`].
    pub async fn run(self, context: &EventContext<'_, P>) -> Outcome {
        match self.interceptors.split_first() {
            Some((first, rest)) => {
                first.intercept(context, Next { interceptors: rest, ..self }).await
            }
            // The socket may have ended while an outer interceptor waited. The handler must not run
            // after `on_disconnect`, for a client that is gone.
            None if context.socket().is_closed() => Err(EmitError::Ended.into()),
            // A panic becomes an error here, so that an interceptor can release its resources.
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

/// Replies that interceptors create.
impl Reply {
    /// Creates a reply that sends `value` as the ack, as if a handler had returned it. A tuple is
    /// sent as several values.
    ///
    /// # Errors
    /// The value cannot be written as JSON.
    pub fn new(value: impl serde::Serialize) -> Result<Self, serde_json::Error> {
        RawArguments::for_ack(&value).map(Self::Value)
    }
}
