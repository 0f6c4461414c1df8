//! Makes handlers out of async functions.
//!
//! A closure or function whose arguments are extractors and whose future gives a reply is a handler;
//! nothing needs to be implemented. Its arguments are made before its future exists, straight from
//! the bytes that arrived, so nothing is copied for a handler that is ready at once.

use std::future::Future;

use doorward_core::{BoxError, Exception};
use doorward_protocol::Arguments;

use crate::event::{
    extract::{EventContext, FromEvent},
    reply::{IntoReply, Reply},
};

/// An async function that handles an event.
///
/// It is implemented for every function and closure of up to six arguments that each implement
/// [`FromEvent`] and that returns something that implements [`IntoReply`]. `M` keeps these apart and
/// is never written.
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
/// # drop(gateway);
/// ```
#[diagnostic::on_unimplemented(
    message = "this is not a handler for a namespace of `{P}`",
    note = "a handler is an async function of up to six extractors, such as `Payload<T>`, \
            `Principal<{P}>` and `Connection<{P}>`, that returns something that is `serde::Serialize`",
    note = "each argument must implement `FromEvent<{P}>` and the result `IntoReply`"
)]
pub trait Handler<P, M>: Send + Sync + 'static {
    /// What it answers with.
    type Value: Arguments + Send + 'static;

    /// Makes the arguments and starts the handler, without running it yet.
    ///
    /// # Errors
    /// What an extractor said.
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
