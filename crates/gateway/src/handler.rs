//! Makes handlers out of async functions.
//!
//! A closure or function whose arguments are extractors and whose future gives a reply is a handler;
//! nothing needs to be implemented. Its arguments are made before its future exists, straight from
//! the bytes that arrived, so nothing is copied for a handler that is ready at once.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use doorward_core::Exception;
use pin_project_lite::pin_project;

use crate::{EventContext, FromEvent, IntoReply, pipeline::Answer};

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
    note = "a handler is an async function of up to six extractors; each argument must implement \
            `FromEvent<{P}>` and the result `IntoReply`"
)]
pub trait Handler<P, M>: Send + Sync + 'static {
    /// Makes the arguments and starts the handler, without running it yet.
    ///
    /// # Errors
    /// What an extractor said.
    fn start(&self, context: &EventContext<'_, P>) -> Result<Invocation, Exception>;
}

/// A handler that was started for one event.
///
/// # Examples
/// ```
/// fn is_send<T: Send>() {}
/// is_send::<doorward::Invocation>();
/// ```
pub struct Invocation(Pin<Box<dyn Run>>);

impl Invocation {
    fn new<M: 'static, F>(future: F) -> Self
    where
        F: Future<Output: IntoReply<M>> + Send + 'static,
    {
        Self(Box::pin(Running { future, marker: PhantomData }))
    }

    /// Goes on, and writes the answer when the handler is done.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, answer: &mut Answer<'_>) -> Poll<()> {
        self.0.as_mut().run(cx, answer)
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invocation")
    }
}

/// A future that writes its output instead of returning it, so that its type can be forgotten.
trait Run: Send {
    fn run(self: Pin<&mut Self>, cx: &mut Context<'_>, answer: &mut Answer<'_>) -> Poll<()>;
}

pin_project! {
    struct Running<F, M> {
        #[pin]
        future: F,
        marker: PhantomData<fn() -> M>,
    }
}

impl<F, M> Run for Running<F, M>
where
    F: Future<Output: IntoReply<M>> + Send,
{
    fn run(self: Pin<&mut Self>, cx: &mut Context<'_>, answer: &mut Answer<'_>) -> Poll<()> {
        self.project().future.poll(cx).map(|output| answer.reply(output.into_reply()))
    }
}

macro_rules! impl_handler {
    ($($argument:ident),*) => {
        impl<P, F, Fut, M, $($argument),*> Handler<P, (M, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output: IntoReply<M>> + Send + 'static,
            M: 'static,
            $($argument: FromEvent<P>,)*
        {
            #[expect(clippy::allow_attributes, reason = "with no arguments the context is unused")]
            #[allow(unused_variables, reason = "with no arguments the context is unused")]
            fn start(&self, context: &EventContext<'_, P>) -> Result<Invocation, Exception> {
                Ok(Invocation::new(self($($argument::from_event(context)?),*)))
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
