//! What turns the errors of an application into what a client reads.

use std::{borrow::Cow, error::Error, marker::PhantomData, sync::Arc};

use doorward_core::{BoxError, Exception};
use doorward_protocol::{Arguments, RawArguments};

use crate::{event::reply::Emit, room::connection::Connection};

/// Turns errors into what the client reads.
///
/// A function of one error type is a filter for that type: `|error: &StoreError| Exception::new(..)`; implement
/// the trait for one that needs to know more. Filters of the handler are asked first, then those of its gateway,
/// then those of the server; the first that knows the error counts. Every failure is seen, also what guards and
/// extractors say, as an [`Exception`]. An error that no filter knows is `internal`, and the log has it.
///
/// What a filter emits to the client of the event arrives before the answer.
///
/// # Examples
/// ```
/// use doorward::{BoxError, ErrorReply, ExceptionFilter, FilterContext, prelude::*};
///
/// /// Answers every error with an event of the application's own, in place of `exception`.
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
/// # drop(gateway);
/// ```
pub trait ExceptionFilter<P>: Send + Sync + 'static {
    /// Says what the client reads of `error`, or leaves it to others.
    fn catch(&self, error: &BoxError, context: &FilterContext<'_, P>) -> Option<ErrorReply>;
}

/// What `filter` methods take: an [`ExceptionFilter`], or a function from a reference to an error type to an
/// [`Exception`] or an [`Emit`]. The parameter `M` tells these apart and is never written.
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
/// # drop(gateway);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no exception filter",
    note = "write a function of an error type, `|error: &StoreError| Exception::new(\"busy\", \
            \"Try again\")`, or implement `ExceptionFilter<{P}>`"
)]
pub trait IntoExceptionFilter<P, M> {
    /// Makes the filter.
    fn into_filter(self) -> Arc<dyn ExceptionFilter<P>>;
}

impl<P, F: ExceptionFilter<P>> IntoExceptionFilter<P, ()> for F {
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
    fn into_filter(self) -> Arc<dyn ExceptionFilter<P>> {
        Arc::new(OfError(self, PhantomData))
    }
}

/// The filter that a function of an error type is.
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

/// What the client of a failed event reads.
///
/// An [`Exception`] is the ack, or the event `exception` when no ack was asked for. An [`Emit`] is sent in its
/// place, and may be called `exception` itself, with a payload of the application's own; a client that has asked for an ack reads the error there too, because each question is answered.
///
/// # Examples
/// ```
/// use doorward::{ErrorReply, prelude::*};
///
/// let reply = ErrorReply::from(Emit::new("room:error", "The room is full"));
/// # drop(reply);
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

/// What a filter may know of the event that failed.
///
/// # Examples
/// ```
/// fn describe(context: &doorward::FilterContext<'_, String>) -> String {
///     format!("{} of {}", context.event, context.connection.principal())
/// }
/// # drop(describe);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct FilterContext<'a, P> {
    /// Whose event it was.
    pub connection: &'a Connection<P>,
    /// The name of the event.
    pub event: &'a str,
}

/// Filters in the order in which they are asked: from the handler outwards.
pub(crate) type Filters<P> = Vec<Arc<dyn ExceptionFilter<P>>>;
