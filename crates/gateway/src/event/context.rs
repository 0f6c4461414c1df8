//! One event, as extractors, interceptors and listeners see it.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use bytes::Bytes;
use doorward_core::{BoxError, Exception};
use doorward_protocol::RawArguments;
use tokio::sync::oneshot;

use crate::room::connection::Connection;

/// One event, as extractors, interceptors and listeners see it.
///
/// # Examples
/// ```
/// use doorward::{EventContext, Exception, FromEvent};
///
/// /// How many bytes the client sent.
/// struct Size(usize);
///
/// impl<P> FromEvent<P> for Size {
///     fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
///         Ok(Self(context.data().len()))
///     }
/// }
/// ```
pub struct EventContext<'a, P> {
    connection: &'a Connection<P>,
    pub(super) name: &'a Arc<str>,
    pub(super) data: &'a str,
    pub(super) attachments: &'a [Bytes],
    pub(super) asked: bool,
    pub(super) manual: OnceLock<Mutex<Option<Waiter>>>,
}

impl<'a, P> EventContext<'a, P> {
    pub(crate) fn new(
        connection: &'a Connection<P>,
        name: &'a Arc<str>,
        data: &'a str,
        attachments: &'a [Bytes],
        asked: bool,
    ) -> Self {
        Self { connection, name, data, attachments, asked, manual: OnceLock::new() }
    }

    /// Who sent it.
    #[must_use]
    pub fn connection(&self) -> &'a Connection<P> {
        self.connection
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'a Arc<str> {
        self.name
    }

    /// The JSON array `["name", argument, ..]` as it was sent: well-formed, and not nested too deeply.
    #[must_use]
    pub fn data(&self) -> &'a str {
        self.data
    }

    /// The binary attachments that the data refers to.
    #[must_use]
    pub fn attachments(&self) -> &'a [Bytes] {
        self.attachments
    }

    /// Whether the client asked for an ack.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked
    }

    /// What answers in place of the handler's value, when an [`Ack`] was taken.
    pub(crate) fn take_manual(&self) -> Option<Waiter> {
        self.manual.get()?.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<P> fmt::Debug for EventContext<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventContext").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Something a handler takes as an argument, made from the event.
///
/// # Examples
/// See [`EventContext`].
/// ```
/// use doorward::{EventName, FromEvent, auth::Claims};
///
/// fn take<T: FromEvent<Claims>>() {}
/// take::<EventName>();
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler in a namespace of `{P}` cannot take `{Self}`",
    note = "handlers take `Payload<T>`, `Valid<T>`, `Args<T>`, `RawArguments`, `Principal<{P}>`, \
            `Connection<{P}>`, `Hub<{P}>`, `Data<T>`, `Ack<T>`, `EventName`, `Arc<HandshakeRequest>`, \
            or a type of yours that implements `FromEvent<{P}>`"
)]
pub trait FromEvent<P>: Sized {
    /// Makes the argument.
    ///
    /// # Errors
    /// What the client reads instead of the handler's answer; the handler does not run.
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception>;
}

/// The other end of an [`Ack`].
pub(crate) type Waiter = oneshot::Receiver<Given>;

/// What was answered by hand.
pub(crate) type Given = Result<RawArguments, BoxError>;
