//! The context of one event, for extractors, interceptors and listeners.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock},
};

use bytes::Bytes;
use doorward_core::{BoxError, DecisionId, Exception, lock};
use doorward_protocol::RawArguments;
use tokio::sync::oneshot;

use crate::room::socket::Socket;

/// One event of a client, for extractors, interceptors and listeners.
///
/// # Examples
/// ```
/// use doorward::{Exception, event::{EventContext, FromEvent}};
///
/// /// Size of the event in bytes, without attachments.
/// struct Size(usize);
///
/// impl<P> FromEvent<P> for Size {
///     fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
///         Ok(Self(context.data().len()))
///     }
/// }
/// ```
pub struct EventContext<'a, P> {
    socket: &'a Socket<P>,
    pub(super) name: &'a Arc<str>,
    pub(super) data: &'a str,
    pub(super) attachments: &'a [Bytes],
    /// `true` if the client asked for an ack.
    pub(super) asked: bool,
    /// Id in the tracing span of the event; `None` if the span is disabled.
    pub(super) id: Option<DecisionId>,
    /// Receiver of the answer, set when the handler takes an `Ack`. A second `Ack` fails, because
    /// the receiver is already set. Extractors have only `&EventContext`, so a mutex is needed to
    /// take the receiver out later. The mutex is never contended.
    pub(super) manual: OnceLock<Mutex<Option<Waiter>>>,
}

impl<'a, P> EventContext<'a, P> {
    pub(crate) fn new(
        socket: &'a Socket<P>,
        name: &'a Arc<str>,
        data: &'a str,
        attachments: &'a [Bytes],
        asked: bool,
        id: Option<DecisionId>,
    ) -> Self {
        Self { socket, name, data, attachments, asked, id, manual: OnceLock::new() }
    }

    /// Returns the socket that sent the event.
    #[must_use]
    pub fn socket(&self) -> &'a Socket<P> {
        self.socket
    }

    /// Returns the name of the event.
    #[must_use]
    pub fn name(&self) -> &'a Arc<str> {
        self.name
    }

    /// Returns the JSON array `["name", argument, ..]` as it was sent. It is well-formed and not
    /// nested more deeply than [`Limits::max_depth`](crate::Limits::max_depth).
    #[must_use]
    pub fn data(&self) -> &'a str {
        self.data
    }

    /// Returns the binary attachments, to which the data refers by index.
    #[must_use]
    pub fn attachments(&self) -> &'a [Bytes] {
        self.attachments
    }

    /// Returns `true` if the client asked for an ack.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked
    }

    /// Takes out the receiver of the answer. Returns `None` if the handler took no `Ack`, or if the
    /// receiver was already taken.
    pub(crate) fn take_manual(&self) -> Option<Waiter> {
        lock(self.manual.get()?).take()
    }
}

impl<P> fmt::Debug for EventContext<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventContext").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An argument of a handler, which is created from the event.
///
/// # Examples
/// ```
/// use doorward::{event::{EventContext, FromEvent}, prelude::*};
///
/// /// Rejects events whose client does not wait for the answer.
/// struct AckRequired;
///
/// impl<P> FromEvent<P> for AckRequired {
///     fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
///         if context.is_asked() {
///             Ok(Self)
///         } else {
///             Err(Exception::new("ack_required", "Wait for the answer"))
///         }
///     }
/// }
///
/// let gateway: Gateway<Claims> = Gateway::at("/").on("pay", |_: AckRequired| async { "paid" });
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler in a namespace of `{P}` cannot take `{Self}`",
    note = "handlers take `Payload<T>`, `Valid<T>`, `Args<T>`, `RawArguments`, `Principal<{P}>`, \
            `Socket<{P}>`, `Hub<{P}>`, `SocketData<T>`, `Ack<T>`, `EventName`, `Arc<HandshakeRequest>`, \
            or a type of yours that implements `FromEvent<{P}>`"
)]
pub trait FromEvent<P>: Sized {
    /// Creates the argument. The server calls this method before the handler starts. The method
    /// cannot wait.
    ///
    /// # Errors
    /// The exception that the client receives instead of an answer. The handler does not run.
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception>;
}

/// Receiver of the answer that is given with an `Ack`.
pub(crate) type Waiter = oneshot::Receiver<Given>;

/// Answer that was given with an `Ack`.
pub(crate) type Given = Result<RawArguments, BoxError>;
