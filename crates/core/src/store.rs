//! Future and error that the methods of every store return.

use crate::{BoxError, BoxFuture};

/// Future that a store method returns. It yields a `T` or a [`StoreError`].
///
/// # Examples
/// ```
/// use doorward_core::StoreFuture;
///
/// let removed: StoreFuture<'static, bool> = Box::pin(async { Ok(true) });
/// ```
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Error returned by a store.
///
/// # Examples
/// ```
/// let away = doorward_core::StoreError::Unavailable("connection refused".into());
/// assert_eq!(away.to_string(), "the store does not answer");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A record with the same key exists already. It was not overwritten.
    #[error("the record exists already")]
    Exists,
    /// The store is full. Nothing was changed.
    #[error("the store is full")]
    Full,
    /// The store did not answer, or its answer was invalid. The value is the cause.
    #[error("the store does not answer")]
    Unavailable(#[source] BoxError),
}
