//! The values that handlers can return.

use std::{borrow::Cow, fmt, pin::Pin};

use doorward_core::BoxError;
use doorward_protocol::{Args, Arguments, RawArguments};
use futures_util::{Stream, StreamExt};
use serde::Serialize;

use crate::{event::sealed::Sealed, room::hub::broadcast::Delivered};

/// Answer of a handler: an ack, an event, or a stream of events.
///
/// # Examples
/// ```
/// use doorward::event::Reply;
///
/// let reply = Reply::new("pong")?;
/// assert!(matches!(reply, Reply::Value(value) if value.json() == r#"["pong"]"#));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply<V = RawArguments> {
    /// Value of the ack.
    Value(V),
    /// Event for the client. If the client asked for an ack, the ack is `null`.
    Emit {
        /// Name of the event.
        event: Cow<'static, str>,
        /// Payload of the event.
        data: V,
    },
    /// Events for the client, one after the other. If the client asked for an ack, the ack is
    /// `null` and follows the last event.
    Stream(ReplyStream),
}

/// A stream of replies that are already serialized. [`Reply::Stream`] contains it.
///
/// # Examples
/// ```
/// use doorward::event::{Outcome, Reply};
///
/// /// Returns `true` if the handler has returned a stream.
/// fn is_stream(outcome: &Outcome) -> bool {
///     matches!(outcome, Ok(Reply::Stream(_)))
/// }
/// ```
pub struct ReplyStream(pub(super) Pin<Box<dyn Stream<Item = Outcome> + Send>>);

impl fmt::Debug for ReplyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyStream")
    }
}

impl<V: Arguments> Reply<V> {
    /// Serializes the values, so that their type can be erased. `serialize` encodes the value of a
    /// [`Reply::Value`], which is sent as an ack, or as an event if the reply is an item of a
    /// stream.
    pub(super) fn erase(self, serialize: fn(&V) -> serde_json::Result<RawArguments>) -> Outcome {
        Ok(match self {
            Self::Value(value) => Reply::Value(serialize(&value)?),
            Self::Emit { event, data } => Reply::Emit { event, data: RawArguments::new(&data)? },
            Self::Stream(stream) => Reply::Stream(stream),
        })
    }
}

/// A value that a handler can return as the answer to an event.
///
/// | returned | what the client receives |
/// |---|---|
/// | a `Serialize` value | The ack, with one value. `()` and `None` are `null`. |
/// | a tuple such as `(a, b)`, an array `[T; N]`, [`Args`] | The ack, with several values; see [`Arguments`]. |
/// | [`Emit`] | An event, then `null` as the ack. |
/// | a stream of these | Each item as an event, in order and no faster than the client reads, then `null` as the ack. Items other than [`Emit`] have the name of the handled event. The stream is dropped when its socket ends. |
/// | a `Result` of these | The value, or the error as [exception filters](crate::event::ExceptionFilter) translate it. |
///
/// A stream ends at the first item that is an error. The client receives the items before it, and
/// then the error as the answer.
///
/// The parameter `M` tells these implementations apart. The compiler infers it.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let gateway: Gateway<Claims> = Gateway::at("/")
///     .on("double", |Payload(n): Payload<u32>| async move {
///         n.checked_mul(2).ok_or_else(|| Exception::new("too_large", "That number is too large"))
///     });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot answer an event",
    note = "return something that is `serde::Serialize`, an `Emit`, a stream of these, or a `Result` \
            of these whose error is a `std::error::Error`"
)]
pub trait IntoReply<M>: Send {
    /// Prevents other crates from implementing the trait, so that methods can be added later.
    #[doc(hidden)]
    const SEALED: Sealed;

    /// Type of the payload of the reply.
    type Value: Arguments + Send + 'static;

    /// Converts the value into a reply.
    ///
    /// # Errors
    /// The error that the handler returned.
    fn into_reply(self) -> Result<Reply<Self::Value>, BoxError>;
}

/// Reply that sends an event to the socket whose event is handled.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let gateway: Gateway<Claims> = Gateway::at("/")
///     .on("ping", || async { Emit::new("pong", "here") });
/// ```
#[derive(Clone, Debug)]
pub struct Emit<T> {
    /// Name of the event.
    pub event: Cow<'static, str>,
    /// Payload of the event. A tuple is sent as several arguments.
    pub data: T,
}

impl<T> Emit<T> {
    /// Creates an event with this name and payload.
    pub fn new(event: impl Into<Cow<'static, str>>, data: T) -> Self {
        Self { event: event.into(), data }
    }
}

/// Declares the marker types that tell implementations of [`IntoReply`] apart. No values of these
/// types exist.
macro_rules! markers {
    ($($(#[$doc:meta])* $name:ident $(<$of:ident>)?;)+) => {
        $(
            $(#[$doc])*
            #[doc(hidden)]
            #[derive(Debug)]
            pub struct $name $(<$of>)? (std::marker::PhantomData<fn($($of)?)>);
        )+
    };
}

markers! {
    /// Marker of [`Args`].
    ByArgs;
    /// Marker of [`Delivered`], the result of an emit.
    ByDelivered;
    /// Marker of [`Emit`].
    ByEmit;
    /// Marker of a result whose error is `Serialize`. The compiler reports that the type of such a
    /// result is ambiguous: make the error an [`Exception`](crate::Exception), or a
    /// `std::error::Error` that is not `Serialize`.
    ByMistake<M>;
    /// Marker of [`RawArguments`].
    ByRaw;
    /// Marker of a result whose value is another reply.
    ByResult<M>;
    /// Marker of a stream of other replies.
    ByStream<M>;
    /// Marker of a `Serialize` value.
    ByValue;
}

impl<T: Serialize + Send + 'static> IntoReply<ByValue> for T {
    const SEALED: Sealed = Sealed;

    type Value = T;

    fn into_reply(self) -> Result<Reply<T>, BoxError> {
        Ok(Reply::Value(self))
    }
}

impl<T: Serialize + Send + 'static> IntoReply<ByArgs> for Args<T> {
    const SEALED: Sealed = Sealed;

    type Value = Self;

    fn into_reply(self) -> Result<Reply<Self>, BoxError> {
        Ok(Reply::Value(self))
    }
}

/// A handler that ends with an emit answers with `null`, because clients must not learn how many
/// sockets were reached.
impl IntoReply<ByDelivered> for Delivered {
    const SEALED: Sealed = Sealed;

    type Value = ();

    fn into_reply(self) -> Result<Reply<()>, BoxError> {
        Ok(Reply::Value(()))
    }
}

impl IntoReply<ByRaw> for RawArguments {
    const SEALED: Sealed = Sealed;

    type Value = Self;

    fn into_reply(self) -> Result<Reply<Self>, BoxError> {
        Ok(Reply::Value(self))
    }
}

impl<T: Arguments + Send + 'static> IntoReply<ByEmit> for Emit<T> {
    const SEALED: Sealed = Sealed;

    type Value = T;

    fn into_reply(self) -> Result<Reply<T>, BoxError> {
        Ok(Reply::Emit { event: self.event, data: self.data })
    }
}

impl<M, T: IntoReply<M>, E: Into<BoxError> + Send> IntoReply<ByResult<M>> for Result<T, E> {
    const SEALED: Sealed = Sealed;

    type Value = T::Value;

    fn into_reply(self) -> Result<Reply<T::Value>, BoxError> {
        self.map_err(Into::into)?.into_reply()
    }
}

/// Makes a result ambiguous if its error is `Serialize`, so that the handler does not compile.
///
/// `Result` itself is `Serialize`. Without this implementation, such a result would be an ordinary
/// value, and the client would receive the whole error as `{"Err": ..}`.
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
///
/// The compiler cannot infer `M`. Without that parameter, this would be the only implementation for
/// a result with a stream or an [`Emit`], which are not `Serialize`. Such a handler would compile,
/// and every call would fail.
///
/// ```compile_fail
/// use doorward::prelude::*;
///
/// #[derive(serde::Serialize)]
/// struct Failed;
///
/// let gateway: Gateway<Claims> =
///     Gateway::at("/").on("x", || async { Err::<Emit<u8>, _>(Failed) });
/// ```
impl<M, T: Send, E: Serialize + Send> IntoReply<ByMistake<M>> for Result<T, E> {
    const SEALED: Sealed = Sealed;

    type Value = RawArguments;

    fn into_reply(self) -> Result<Reply, BoxError> {
        Err("a result whose error is `Serialize` is ambiguous".into())
    }
}

impl<M, S> IntoReply<ByStream<M>> for S
where
    S: Stream<Item: IntoReply<M>> + Send + 'static,
{
    const SEALED: Sealed = Sealed;

    type Value = RawArguments;

    fn into_reply(self) -> Result<Reply, BoxError> {
        let items = self.map(|item| item.into_reply()?.erase(RawArguments::new));
        Ok(Reply::Stream(ReplyStream(Box::pin(items))))
    }
}

/// Outcome of an event: the serialized answer or the error.
///
/// # Examples
/// ```
/// use doorward::event::Outcome;
///
/// fn label(outcome: &Outcome) -> &'static str {
///     if outcome.is_ok() { "answered" } else { "failed" }
/// }
/// ```
pub type Outcome = Result<Reply, BoxError>;
