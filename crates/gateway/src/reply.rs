//! What a handler may return.

use std::fmt;

use doorward_core::Exception;
use serde::Serialize;

/// A value that answers an event.
///
/// Anything that is `Serialize` is the ack itself: `"hello"` stays `"hello"`, `()` and `None` are
/// `null`. A `Result` answers with its value, or with its error as an [`Exception`]. The parameter `M`
/// tells the two apart and is never written.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let gateway: Gateway<Claims> = Gateway::at("/")
///     .on("double", |Payload(n): Payload<u32>| async move {
///         n.checked_mul(2).ok_or_else(|| Exception::new("too_large", "That number is too large"))
///     });
/// # drop(gateway);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot answer an event",
    note = "return something that is `serde::Serialize`, or a `Result` whose error is an `Exception`"
)]
pub trait IntoReply<M>: Send {
    /// What is written as the ack.
    type Value: Serialize;

    /// Returns the value or the error.
    ///
    /// # Errors
    /// What the handler failed with.
    fn into_reply(self) -> Result<Self::Value, Exception>;
}

/// Marks values that answer as they are; see [`IntoReply`].
///
/// # Examples
/// ```
/// use doorward::{ByValue, IntoReply};
///
/// assert_eq!(IntoReply::<ByValue>::into_reply("hello").ok(), Some("hello"));
/// ```
pub struct ByValue(());

/// Marks results; see [`IntoReply`].
///
/// # Examples
/// ```
/// use doorward::{ByResult, Exception, IntoReply};
///
/// let failed: Result<(), Exception> = Err(Exception::timeout());
/// assert!(IntoReply::<ByResult>::into_reply(failed).is_err());
/// ```
pub struct ByResult(());

impl fmt::Debug for ByValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByValue")
    }
}

impl fmt::Debug for ByResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByResult")
    }
}

impl<T: Serialize + Send> IntoReply<ByValue> for T {
    type Value = T;

    fn into_reply(self) -> Result<T, Exception> {
        Ok(self)
    }
}

impl<T: Serialize + Send, E: Into<Exception> + Send> IntoReply<ByResult> for Result<T, E> {
    type Value = T;

    fn into_reply(self) -> Result<T, Exception> {
        self.map_err(Into::into)
    }
}
