//! What turns the errors of an application into what a client reads.

use std::{error::Error, fmt, marker::PhantomData, sync::Arc};

use doorward_core::{BoxError, Exception};

use crate::Connection;

/// Turns errors into exceptions.
///
/// A function of one error type is a filter for that type: `|error: &StoreError| Exception::new(..)`.
/// Filters of the handler are asked first, then those of its gateway, then the global ones; the first
/// that knows the error counts. Every failure is seen, also what guards and extractors say, as an
/// [`Exception`]. An error that no filter knows is `internal`, and the log has it.
///
/// `M` tells functions from types that implement the trait themselves, which write
/// [`ByFilter`].
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
            \"Try again\")`, or implement `ExceptionFilter<{P}, ByFilter>`"
)]
pub trait ExceptionFilter<P, M>: Send + Sync + 'static {
    /// Translates `error`, or leaves it to others.
    fn filter(&self, error: &BoxError, context: &FilterContext<'_, P>) -> Option<Exception>;
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

/// Marks types that implement [`ExceptionFilter`] themselves.
///
/// # Examples
/// ```
/// use doorward::{BoxError, ByFilter, Exception, ExceptionFilter, FilterContext};
///
/// /// Says nothing to anybody.
/// struct Taciturn;
///
/// impl<P> ExceptionFilter<P, ByFilter> for Taciturn {
///     fn filter(&self, _: &BoxError, _: &FilterContext<'_, P>) -> Option<Exception> {
///         Some(Exception::internal())
///     }
/// }
/// ```
pub struct ByFilter(());

impl fmt::Debug for ByFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByFilter")
    }
}

impl<P, E, F> ExceptionFilter<P, PhantomData<fn(E)>> for F
where
    E: Error + 'static,
    F: Fn(&E) -> Exception + Send + Sync + 'static,
{
    fn filter(&self, error: &BoxError, _: &FilterContext<'_, P>) -> Option<Exception> {
        error.downcast_ref().map(self)
    }
}

/// An [`ExceptionFilter`] whose type is forgotten.
pub(crate) trait AnyFilter<P>: Send + Sync {
    fn filter(&self, error: &BoxError, context: &FilterContext<'_, P>) -> Option<Exception>;
}

/// Filters in the order in which they are asked: from the handler outwards.
pub(crate) type Filters<P> = Vec<Arc<dyn AnyFilter<P>>>;

struct Erased<F, M>(F, PhantomData<fn() -> M>);

impl<P, M, F: ExceptionFilter<P, M>> AnyFilter<P> for Erased<F, M> {
    fn filter(&self, error: &BoxError, context: &FilterContext<'_, P>) -> Option<Exception> {
        self.0.filter(error, context)
    }
}

pub(crate) fn erase<P: 'static, M: 'static>(
    filter: impl ExceptionFilter<P, M>,
) -> Arc<dyn AnyFilter<P>> {
    Arc::new(Erased(filter, PhantomData))
}
