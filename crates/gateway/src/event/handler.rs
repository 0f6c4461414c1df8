//! Turns async functions into handlers.
//!
//! Every function or closure that takes extractors, and whose future returns a reply, is a handler.
//! Applications implement no trait for it. The arguments are created before the future, directly
//! from the bytes that arrived, so nothing is copied for a handler that is ready at once.

use std::{future::Future, marker::PhantomData};

use doorward_core::{BoxError, BoxFuture, Exception};
use doorward_protocol::{Arguments, RawArguments};

use crate::event::{
    context::{EventContext, FromEvent},
    invocation::{Late, Started, Step, answered_by_hand, begun, run_by_hand},
    reply::{IntoReply, Outcome, Reply},
    sealed::Sealed,
};

/// An async function that handles an event.
///
/// The trait is implemented for every async function and for every closure that returns a future,
/// with up to six arguments. Each argument must implement [`FromEvent`], and the result must
/// implement [`IntoReply`]. The parameter `M` tells these implementations apart. The compiler
/// infers it.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// async fn greet(me: Principal<Claims>, Payload(greeting): Payload<String>) -> String {
///     format!("{greeting}, {}!", me.subject())
/// }
///
/// let gateway: Gateway<Claims> = Gateway::at("/").on("greet", greet);
/// ```
#[diagnostic::on_unimplemented(
    message = "this is not a handler for a namespace of `{P}`",
    note = "a handler is an async function of up to six extractors, such as `Payload<T>`, \
            `Principal<{P}>` and `Socket<{P}>`, that returns something that is `serde::Serialize`",
    note = "each argument must implement `FromEvent<{P}>` and the result `IntoReply`"
)]
pub trait Handler<P, M>: Send + Sync + 'static {
    /// Prevents other crates from implementing the trait, so that methods can be added later.
    #[doc(hidden)]
    const SEALED: Sealed;

    /// Type of the value in the answer.
    type Value: Arguments + Send + 'static;

    /// Creates the arguments and returns the future of the handler.
    ///
    /// # Errors
    /// The exception of the first extractor that failed. The function is then not called.
    fn call(
        &self,
        context: &EventContext<'_, P>,
    ) -> Result<
        impl Future<Output = Result<Reply<Self::Value>, BoxError>> + Send + 'static,
        Exception,
    >;
}

macro_rules! impl_handler {
    ($($argument:ident),*) => {
        impl<P, F, Fut, R, M, $($argument),*> Handler<P, (R, M, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = R> + Send + 'static,
            R: IntoReply<M> + 'static,
            M: 'static,
            $($argument: FromEvent<P>,)*
        {
            const SEALED: Sealed = Sealed;

            type Value = R::Value;

            #[expect(clippy::allow_attributes, reason = "with no arguments the context is unused")]
            #[allow(unused_variables, reason = "with no arguments the context is unused")]
            fn call(
                &self,
                context: &EventContext<'_, P>,
            ) -> Result<
                impl Future<Output = Result<Reply<Self::Value>, BoxError>> + Send + 'static,
                Exception,
            > {
                let future = self($($argument::from_event(context)?),*);
                Ok(async move { future.await.into_reply() })
            }
        }
    };
}

impl_handler!();
impl_handler!(A);
impl_handler!(A, B);
impl_handler!(A, B, C);
impl_handler!(A, B, C, D);
impl_handler!(A, B, C, D, E);
impl_handler!(A, B, C, D, E, G);

/// A [`Handler`] whose type is erased.
///
/// A handler runs in one of two ways. `start` serializes the answer directly into the outbox.
/// `call` returns the answer as JSON for interceptors, and the JSON is copied into the outbox
/// later.
pub(crate) trait AnyHandler<P>: Send + Sync {
    /// Starts the handler. The returned invocation writes the answer.
    fn start(&self, context: &EventContext<'_, P>) -> Started;
    /// Runs the handler and returns its answer to interceptors.
    fn call<'a>(&'a self, context: &'a EventContext<'_, P>) -> BoxFuture<'a, Outcome>;
}

/// A handler without the types of its arguments, which are the parameter `M`.
pub(crate) struct Erased<H, M>(pub(super) H, pub(super) PhantomData<fn() -> M>);

impl<P: Send + Sync + 'static, M, H: Handler<P, M>> AnyHandler<P> for Erased<H, M> {
    fn start(&self, context: &EventContext<'_, P>) -> Started {
        let handler = self.0.call(context)?;
        Ok(match context.take_manual() {
            None => begun(async { Ok(Step::Reply(handler.await?)) }),
            Some(waiter) => {
                let handler = async { handler.await.map(drop) };
                answered_by_hand(handler, waiter, Late::new(context))
            }
        })
    }

    fn call<'a>(&'a self, context: &'a EventContext<'_, P>) -> BoxFuture<'a, Outcome> {
        Box::pin(async {
            let handler = self.0.call(context)?;
            match context.take_manual() {
                None => handler.await?.erase(RawArguments::for_ack),
                Some(waiter) => {
                    let handler = async { handler.await.map(drop) };
                    run_by_hand(handler, waiter, Late::new(context)).await
                }
            }
        })
    }
}
