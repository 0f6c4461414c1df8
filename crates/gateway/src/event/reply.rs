//! What a handler may return.

use std::{borrow::Cow, fmt, pin::Pin};

use doorward_core::BoxError;
use doorward_protocol::{Args, Arguments, RawArguments};
use futures_util::{Stream, StreamExt};
use serde::Serialize;

use crate::room::hub::broadcast::Delivered;

/// What a handler answers with, once its type is known to be one.
///
/// # Examples
/// ```
/// use doorward::Reply;
///
/// let reply = Reply::new("pong")?;
/// assert!(matches!(reply, Reply::Value(value) if value.json() == r#"["pong"]"#));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply<V = RawArguments> {
    /// The ack.
    Value(V),
    /// An event for the client; the ack is `null`.
    Emit {
        /// What it is called.
        event: Cow<'static, str>,
        /// What it carries.
        data: V,
    },
    /// Events for the client, one after the other; the ack, `null`, ends them.
    Stream(ReplyStream),
}

/// The replies of a stream, ready to be sent.
///
/// # Examples
/// ```
/// fn is_send<T: Send>() {}
/// is_send::<doorward::ReplyStream>();
/// ```
pub struct ReplyStream(Items);

type Items = Pin<Box<dyn Stream<Item = Result<Reply, BoxError>> + Send>>;

impl ReplyStream {
    pub(crate) fn as_mut(
        &mut self,
    ) -> Pin<&mut (dyn Stream<Item = Result<Reply, BoxError>> + Send)> {
        self.0.as_mut()
    }
}

impl fmt::Debug for ReplyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyStream")
    }
}

impl<V: Arguments> Reply<V> {
    /// Writes what it carries, so that its type can be forgotten.
    pub(crate) fn erase(self) -> Result<Reply, BoxError> {
        Ok(match self {
            Self::Value(value) => Reply::Value(RawArguments::new(&value)?),
            Self::Emit { event, data } => Reply::Emit { event, data: RawArguments::new(&data)? },
            Self::Stream(stream) => Reply::Stream(stream),
        })
    }
}

/// A value that answers an event.
///
/// Anything that is `Serialize` is the ack itself: `"hello"` stays `"hello"`, `()` and `None` are
/// `null`. A `Result` answers with what is in it, or fails with any error; an [`Exception`] is what
/// the client reads, other errors are for [exception filters](crate::ExceptionFilter). [`Emit`] sends
/// an event. [`Args`] acks with several values. A stream sends each item as an event, in order and no
/// faster than the client reads, and ends with its socket; items that are no [`Emit`] are events of
/// the name that was asked. The parameter `M` tells these apart and is never written.
///
/// [`Exception`]: crate::Exception
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
    note = "return something that is `serde::Serialize`, an `Emit`, a stream of these, or a `Result` \
            of these whose error is a `std::error::Error`"
)]
pub trait IntoReply<M>: Send {
    /// What is sent.
    type Value: Arguments + Send + 'static;

    /// Returns the reply or the error.
    ///
    /// # Errors
    /// What the handler failed with.
    fn into_reply(self) -> Result<Reply<Self::Value>, BoxError>;
}

/// Sends an event to the client that asked.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let gateway: Gateway<Claims> = Gateway::at("/")
///     .on("ping", || async { Emit { event: "pong".into(), data: "here" } });
/// # drop(gateway);
/// ```
#[derive(Clone, Debug)]
pub struct Emit<T> {
    /// What it is called.
    pub event: Cow<'static, str>,
    /// What it carries.
    pub data: T,
}

impl<T> Emit<T> {
    /// Names an event and what it carries.
    pub fn new(event: impl Into<Cow<'static, str>>, data: T) -> Self {
        Self { event: event.into(), data }
    }
}

/// Declares the types that tell implementations of [`IntoReply`] apart.
macro_rules! markers {
    ($($(#[$doc:meta])* $name:ident $(<$of:ident>)? = $example:literal;)+) => {
        $(
            $(#[$doc])*
            ///
            /// It tells implementations of [`IntoReply`] apart and is never made.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("assert_eq!(std::mem::size_of::<doorward::", $example, ">(), 0);")]
            /// ```
            pub struct $name $(<$of>)? (std::marker::PhantomData<fn($($of)?)>);

            impl $(<$of>)? fmt::Debug for $name $(<$of>)? {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(stringify!($name))
                }
            }
        )+
    };
}

markers! {
    /// Several values.
    ByArgs = "ByArgs";
    /// An emit.
    ByDelivered = "ByDelivered";
    /// An event.
    ByEmit = "ByEmit";
    /// A result whose error could be sent like a value. There are two readings of it, so it does not
    /// compile: make the error an [`Exception`](crate::Exception), or a `std::error::Error` that is not
    /// `Serialize`.
    ByMistake = "ByMistake";
    /// Values that are on the wire already.
    ByRaw = "ByRaw";
    /// A result of something else that answers.
    ByResult<M> = "ByResult<doorward::ByValue>";
    /// A stream of something else that answers.
    ByStream<M> = "ByStream<doorward::ByValue>";
    /// A value.
    ByValue = "ByValue";
}

impl<T: Serialize + Send + 'static> IntoReply<ByValue> for T {
    type Value = T;

    fn into_reply(self) -> Result<Reply<T>, BoxError> {
        Ok(Reply::Value(self))
    }
}

impl<T: Serialize + Send + 'static> IntoReply<ByArgs> for Args<T> {
    type Value = Self;

    fn into_reply(self) -> Result<Reply<Self>, BoxError> {
        Ok(Reply::Value(self))
    }
}

/// An emit as the last expression of a handler answers with `null`: how many sockets were reached is not for
/// clients.
impl IntoReply<ByDelivered> for Delivered {
    type Value = ();

    fn into_reply(self) -> Result<Reply<()>, BoxError> {
        Ok(Reply::Value(()))
    }
}

impl IntoReply<ByRaw> for RawArguments {
    type Value = Self;

    fn into_reply(self) -> Result<Reply<Self>, BoxError> {
        Ok(Reply::Value(self))
    }
}

impl<T: Arguments + Send + 'static> IntoReply<ByEmit> for Emit<T> {
    type Value = T;

    fn into_reply(self) -> Result<Reply<T>, BoxError> {
        Ok(Reply::Emit { event: self.event, data: self.data })
    }
}

impl<M, T: IntoReply<M>, E: Into<BoxError> + Send> IntoReply<ByResult<M>> for Result<T, E> {
    type Value = T::Value;

    fn into_reply(self) -> Result<Reply<T::Value>, BoxError> {
        self.map_err(Into::into)?.into_reply()
    }
}

/// Without it such a result would be a value, and its error would be sent as `{"Err": ..}`.
///
/// ```compile_fail
/// use doorward::prelude::*;
///
/// #[derive(serde::Serialize)]
/// struct Failed { secret: String }
///
/// let gateway: Gateway<Claims> =
///     Gateway::at("/").on("x", || async { Err::<(), _>(Failed { secret: String::new() }) });
/// ```
impl<T: Send, E: Serialize + Send> IntoReply<ByMistake> for Result<T, E> {
    type Value = RawArguments;

    fn into_reply(self) -> Result<Reply, BoxError> {
        Err("a result whose error is `Serialize` has no meaning of its own".into())
    }
}

impl<M, S> IntoReply<ByStream<M>> for S
where
    S: Stream<Item: IntoReply<M>> + Send + 'static,
{
    type Value = RawArguments;

    fn into_reply(self) -> Result<Reply, BoxError> {
        let items = self.map(|item| item.into_reply().and_then(Reply::erase));
        Ok(Reply::Stream(ReplyStream(Box::pin(items))))
    }
}

/// What became of an event: what its handler answered, already written as JSON, or why it failed.
///
/// # Examples
/// ```
/// use doorward::{Outcome, Reply};
///
/// fn failed(outcome: &Outcome) -> bool { outcome.is_err() }
/// # drop(failed);
/// ```
pub type Outcome = Result<Reply, BoxError>;
