//! An admitted client in one namespace, as the application sees it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use doorward_core::{
    DisconnectReason, Exception, HandshakeRequest, SessionId, SocketId, UserId, wire::SessionEnded,
};
use doorward_protocol::{Frame, packet};
use serde::Serialize;
use tokio::sync::Notify;

use crate::{
    Data, EventContext, FromEvent,
    data::DataMap,
    link::{Letter, LinkHandle},
};

/// One admitted client in one namespace, with the application's own principal.
///
/// It is cheap to clone and may be kept; what is sent after its end goes nowhere.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let gateway: Gateway<Claims> = Gateway::at("/").on_connect(|connection: Connection<Claims>| async move {
///     connection.emit("welcome", connection.principal().subject())?;
///     Ok(())
/// });
/// # drop(gateway);
/// ```
pub struct Connection<P>(Arc<Inner<P>>);

/// What a socket is made from.
pub(crate) struct Parts<P> {
    pub(crate) id: SocketId,
    pub(crate) namespace: Arc<str>,
    pub(crate) principal: P,
    pub(crate) user: UserId,
    pub(crate) session: Option<SessionId>,
    pub(crate) connected_at: SystemTime,
    pub(crate) request: Arc<HandshakeRequest>,
    pub(crate) link: Arc<LinkHandle>,
}

struct Inner<P> {
    parts: Parts<P>,
    data: DataMap,
    ended: AtomicBool,
    closed: Notify,
}

impl<P> Connection<P> {
    pub(crate) fn new(parts: Parts<P>) -> Self {
        Self(Arc::new(Inner {
            parts,
            data: DataMap::default(),
            ended: AtomicBool::new(false),
            closed: Notify::new(),
        }))
    }

    /// The public id of the socket: the client's `socket.id`. It opens nothing.
    #[must_use]
    pub fn id(&self) -> SocketId {
        self.0.parts.id
    }

    /// Whom the server acts for.
    #[must_use]
    pub fn principal(&self) -> &P {
        &self.0.parts.principal
    }

    /// Who that is.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.0.parts.user
    }

    /// The session the credential belongs to, when it names one.
    #[must_use]
    pub fn session(&self) -> Option<&SessionId> {
        self.0.parts.session.as_ref()
    }

    /// The namespace, with its leading slash.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.0.parts.namespace
    }

    /// When the client was authenticated, in wall time.
    #[must_use]
    pub fn connected_at(&self) -> SystemTime {
        self.0.parts.connected_at
    }

    /// The HTTP request that opened the link. The `auth` payload is not kept.
    #[must_use]
    pub fn request(&self) -> &HandshakeRequest {
        &self.0.parts.request
    }

    /// Returns the value of type `T` that belongs to this socket.
    #[must_use]
    pub fn data<T: Default + Send + Sync + 'static>(&self) -> Data<T> {
        self.0.data.get()
    }

    /// Sends an event with one argument to this client.
    ///
    /// It is queued, in order, behind everything that was sent before, and never waits. What an
    /// `on_connect` hook emits leaves right behind the CONNECT answer.
    ///
    /// # Errors
    /// - [`EmitError::Ended`]: the socket has ended, or ends now because more waits for the client
    ///   than [`Limits::outbox`](crate::Limits::outbox). It never waits, so a program that emits that
    ///   much in one go ends the link of a client that reads as well.
    /// - [`EmitError::Payload`]: `argument` cannot be written as JSON. A mistake of the program.
    /// - [`EmitError::Reserved`]: the event belongs to the library, such as `disconnect`.
    pub fn emit(&self, event: &str, argument: impl Serialize) -> Result<(), EmitError> {
        if packet::is_reserved(event) || event == SessionEnded::EVENT {
            return Err(EmitError::Reserved);
        }
        if self.is_closed() {
            return Err(EmitError::Ended);
        }
        let mut written = Ok(());
        let frame = Frame::text(|out| {
            written = packet::write_event(out, self.namespace(), event, &argument);
        });
        written.map_err(EmitError::Payload)?;
        let letter = Letter::Emit { socket: self.id(), frame };
        if self.0.parts.link.post(letter) { Ok(()) } else { Err(EmitError::Ended) }
    }

    /// Ends this socket: the client reads `io server disconnect` and stays away.
    pub fn disconnect(&self) {
        // Nobody is there to be ended when the letter cannot be posted.
        let _posted = self
            .0
            .parts
            .link
            .post(Letter::End { socket: self.id(), reason: DisconnectReason::ServerLeft });
    }

    /// Whether the socket has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.ended.load(Ordering::Acquire)
    }

    /// Completes when the socket has ended, whatever the reason; at once when it already has.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the wait and nothing else.
    pub async fn closed(&self) {
        let notified = self.0.closed.notified();
        if !self.is_closed() {
            notified.await;
        }
    }

    pub(crate) fn end(&self) {
        self.0.ended.store(true, Ordering::Release);
        self.0.closed.notify_waiters();
    }
}

impl<P> Clone for Connection<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Prints who and where, and neither principal nor request.
impl<P> fmt::Debug for Connection<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.id())
            .field("namespace", &self.namespace())
            .field("user", self.user())
            .finish_non_exhaustive()
    }
}

impl<P> FromEvent<P> for Connection<P> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        Ok(context.connection().clone())
    }
}

/// Why an event was not sent.
///
/// # Examples
/// ```
/// assert_eq!(doorward::EmitError::Ended.to_string(), "the socket has ended");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The socket has ended.
    #[error("the socket has ended")]
    Ended,
    /// The argument cannot be written as JSON.
    #[error("the argument cannot be written as JSON")]
    Payload(#[source] serde_json::Error),
    /// Clients would take it for a word of the library.
    #[error("the event name is reserved")]
    Reserved,
}

/// Who is no longer there need not be told: a handler may use `?`.
impl From<EmitError> for Exception {
    fn from(_: EmitError) -> Self {
        Self::internal()
    }
}

/// A client that left while it was greeted is refused like any that cannot be reached.
impl From<EmitError> for doorward_core::Refusal {
    fn from(_: EmitError) -> Self {
        Self::new("internal", "Internal error")
    }
}
