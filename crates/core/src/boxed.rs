//! Boxed futures and boxed errors, which the traits of this crate return.

use std::{error::Error, future::Future, pin::Pin};

/// Boxed future. The methods of a trait return it if the trait must be usable as `dyn Trait`.
///
/// # Examples
/// ```
/// use doorward_core::BoxFuture;
///
/// let answer: BoxFuture<'static, u8> = Box::pin(async { 42 });
/// ```
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Boxed error of a dependency, kept as the cause of an error of this workspace.
///
/// # Examples
/// ```
/// let cause: doorward_core::BoxError = "the store is away".into();
/// assert_eq!(cause.to_string(), "the store is away");
/// ```
pub type BoxError = Box<dyn Error + Send + Sync>;
