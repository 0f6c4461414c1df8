//! Exception filters, which translate errors of the application into answers for clients.

use std::{borrow::Cow, error::Error, marker::PhantomData, sync::Arc};

use doorward_core::{BoxError, Exception};
use doorward_protocol::{Arguments, RawArguments};

use crate::{
    event::{reply::Emit, sealed::Sealed},
    room::socket::Socket,
};

/// Translates the error of a failed event into the answer for the client.
///
/// A function of one error type is a filter for errors of that type, such as
/// `|error: &StoreError| Exception::new(..)`. Implement the trait for a filter that also needs the
/// [`FilterContext`].
///
/// The filters of the handler are called first, then the filters of its gateway, then the filters
/// of the server. The first answer that a filter returns is sent. Filters are called for every
/// failure. They receive a refusal of a guard or of an extractor as an [`Exception`], and a panic
/// as [`Exception::internal`].
///
/// If no filter returns an answer, errors of these types are sent to the client: [`Exception`],
/// [`Refusal`](crate::Refusal), [`JoinError`](crate::room::JoinError) and
/// [`EmitError::NotThere`](crate::event::EmitError::NotThere). Any other error is logged, and the
/// client receives `internal`.
///
/// If a filter emits to the socket of the event, the client receives the emitted event before the
/// answer.
///
/// # Examples
/// ```
/// use doorward::{BoxError, event::{ErrorReply, ExceptionFilter, FilterContext}, prelude::*};
///
/// /// Answers every error with an event of the application's own, instead of `exception`.
/// struct OwnEvent;
///
/// impl<P: Send + Sync + 'static> ExceptionFilter<P> for OwnEvent {
///     fn catch(&self, error: &BoxError, context: &FilterContext<'_, P>) -> Option<ErrorReply> {
///         let code = error.downcast_ref().map_or("internal", Exception::code);
///         Some(Emit::new("failed", (context.event.to_owned(), code)).into())
///     }
/// }
///
/// let gateway: Gateway<Claims> = Gateway::at("/").filter(OwnEvent);
/// ```
pub trait ExceptionFilter<P>: Send + Sync + 'static {
    /// Returns the answer for the client, or `None` to leave the error to the next filter.
    fn catch(&self, error: &BoxError, context: &FilterContext<'_, P>) -> Option<ErrorReply>;
}

/// Argument of the `filter` methods: an [`ExceptionFilter`], or a function from a reference to an
/// error type to an [`Exception`] or an [`Emit`].
///
/// The parameter `M` tells these implementations apart. The compiler infers it.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("out of stock")]
/// struct OutOfStock;
///
/// async fn order(_: Payload<u32>) -> Result<(), OutOfStock> { Err(OutOfStock) }
///
/// let gateway: Gateway<Claims> = Gateway::at("/")
///     .filter(|_: &OutOfStock| Exception::new("out_of_stock", "There is none left"))
///     .on("order", order);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no exception filter",
    note = "write a function of an error type, `|error: &StoreError| Exception::new(\"busy\", \
            \"Try again\")`, or implement `ExceptionFilter<{P}>`"
)]
pub trait IntoExceptionFilter<P, M> {
    /// Prevents other crates from implementing the trait, so that methods can be added later.
    #[doc(hidden)]
    const SEALED: Sealed;

    /// Converts the argument into a filter.
    fn into_filter(self) -> Arc<dyn ExceptionFilter<P>>;
}

impl<P, F: ExceptionFilter<P>> IntoExceptionFilter<P, ()> for F {
    const SEALED: Sealed = Sealed;

    fn into_filter(self) -> Arc<dyn ExceptionFilter<P>> {
        Arc::new(self)
    }
}

impl<P, E, R, F> IntoExceptionFilter<P, fn(&E) -> R> for F
where
    P: 'static,
    E: Error + 'static,
    R: Into<ErrorReply> + 'static,
    F: Fn(&E) -> R + Send + Sync + 'static,
{
    const SEALED: Sealed = Sealed;

    fn into_filter(self) -> Arc<dyn ExceptionFilter<P>> {
        Arc::new(OfError(self, PhantomData))
    }
}

/// Filter that calls a function of one error type.
struct OfError<F, E, R>(F, PhantomData<fn(&E) -> R>);

impl<P, E, R, F> ExceptionFilter<P> for OfError<F, E, R>
where
    E: Error + 'static,
    R: Into<ErrorReply> + 'static,
    F: Fn(&E) -> R + Send + Sync + 'static,
{
    fn catch(&self, error: &BoxError, _: &FilterContext<'_, P>) -> Option<ErrorReply> {
        error.downcast_ref().map(|error| (self.0)(error).into())
    }
}

/// Answer to a client whose event failed.
///
/// An [`Exception`] is sent as the ack. If the client did not ask for an ack, it is sent as the
/// event `exception`.
///
/// An [`Emit`] is sent instead of the event `exception`. Its name may be `exception` too, with
/// another payload. If the client asked for an ack, it receives the ack as well, because its
/// callback waits for the ack. The ack contains the error if it is one that clients can read (see
/// [`ExceptionFilter`]), and `internal` otherwise.
///
/// # Examples
/// ```
/// use doorward::{event::ErrorReply, prelude::*};
///
/// let reply = ErrorReply::from(Emit::new("room:error", "The room is full"));
/// ```
#[derive(Debug)]
pub struct ErrorReply(pub(crate) Replied);

#[derive(Debug)]
pub(crate) enum Replied {
    Exception(Exception),
    Event { event: Cow<'static, str>, data: serde_json::Result<RawArguments> },
}

impl From<Exception> for ErrorReply {
    fn from(exception: Exception) -> Self {
        Self(Replied::Exception(exception))
    }
}

impl<T: Arguments> From<Emit<T>> for ErrorReply {
    fn from(emit: Emit<T>) -> Self {
        Self(Replied::Event { event: emit.event, data: RawArguments::new(&emit.data) })
    }
}

/// The failed event that an [`ExceptionFilter`] answers.
///
/// # Examples
/// ```
/// fn describe(context: &doorward::event::FilterContext<'_, String>) -> String {
///     format!("{} of {}", context.event, context.socket.principal())
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct FilterContext<'a, P> {
    /// Socket that sent the event.
    pub socket: &'a Socket<P>,
    /// Name of the event.
    pub event: &'a str,
}

/// Filters in the order in which they are called: first of the handler, then of the gateway, then
/// of the server.
pub(crate) type Filters<P> = Vec<Arc<dyn ExceptionFilter<P>>>;
