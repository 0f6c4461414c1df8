//! Sends events to one client, or to other clients on its behalf.
//!
//! An event is encoded as a packet, and the packet is posted as a letter to the mailbox of the
//! link. Start reading at [`Socket::emit`].

use std::sync::atomic::Ordering;

use doorward_core::Refusal;
use doorward_protocol::{Arguments, Frame, RawArguments};
use serde::de::DeserializeOwned;

use crate::{
    bus::target::Target,
    presence::mailbox::Letter,
    room::{
        acks::PendingAck,
        error::{AckError, EmitError},
        hub::broadcast::Broadcast,
        server_event::ServerEvent,
        socket::Socket,
    },
    runtime::metrics::Metrics,
};

impl<P> Socket<P> {
    /// Sends an event to this client. A tuple is sent as several arguments (see
    /// [`Arguments`](crate::event::Arguments)).
    ///
    /// The event is queued after everything that was sent before. The call never waits for the
    /// client. Events that an `on_connect` hook emits are sent right after the answer to CONNECT.
    ///
    /// # Examples
    /// ```
    /// use doorward::prelude::*;
    ///
    /// fn greet(socket: &Socket<Claims>) -> Result<(), EmitError> {
    ///     socket.emit("welcome", socket.principal().subject())
    /// }
    /// ```
    ///
    /// # Errors
    /// - [`EmitError::Ended`]: the socket has ended, or it is ending because the packets that wait
    ///   for the client exceed [`Limits::outbox`](crate::Limits::outbox). If a program emits that
    ///   much at once, the link ends even if the client reads. Return a stream from the handler
    ///   instead, because a stream waits for the client.
    /// - [`EmitError::Payload`]: `arguments` cannot be written as JSON. This is a mistake of the
    ///   program.
    /// - [`EmitError::Reserved`]: the event name is reserved, such as `disconnect`.
    /// - [`EmitError::TooLarge`]: the event is larger than half of
    ///   [`Limits::outbox`](crate::Limits::outbox).
    #[expect(clippy::needless_pass_by_value, reason = "a reference is a value as well")]
    pub fn emit(&self, event: &str, arguments: impl Arguments) -> Result<(), EmitError> {
        let frame = self.hub().frame(event, None, &arguments, &[Target::Socket(self.id())])?;
        if self.deliver(frame, false) { Ok(()) } else { Err(EmitError::Ended) }
    }

    /// Sends a typed event to this client. The struct is the only argument of the event.
    ///
    /// # Errors
    /// Same as [`Socket::emit`].
    pub fn emit_event<E: ServerEvent>(&self, event: &E) -> Result<(), EmitError> {
        self.emit(E::NAME, (event,))
    }

    /// Sends an event and waits for the ack of the client, for at most
    /// [`Limits::ack_timeout`](crate::Limits::ack_timeout).
    ///
    /// # Examples
    /// ```
    /// use doorward::{event::AckError, prelude::*};
    ///
    /// async fn confirm(socket: &Socket<Claims>, order: u32) -> Result<bool, AckError> {
    ///     socket.emit_with_ack("confirm", order).await
    /// }
    /// ```
    ///
    /// # Errors
    /// [`AckError`] with the reason why there is no answer. In an `on_connect` hook it is
    /// [`AckError::NotYetIn`], because the client is not connected before the hook returns.
    ///
    /// # Cancel safety
    /// If the future is dropped, the event may still be sent. A later answer is ignored.
    pub async fn emit_with_ack<T: DeserializeOwned>(
        &self,
        event: &str,
        arguments: impl Arguments,
    ) -> Result<T, AckError> {
        let id = self.hub().next_ack();
        let frame = self.hub().frame(event, Some(id), &arguments, &[Target::Socket(self.id())])?;
        // The pending ack is registered before the packet is posted, so that no answer arrives too
        // early.
        let pending = self.ask(id)?;
        if !self.deliver(frame, false) {
            return Err(AckError::Ended);
        }
        let services = self.hub().services();
        let answer = services.within(services.limits.ack_timeout, pending.answer()).await;
        if answer.is_none() {
            Metrics::hit("ack_timeout");
        }
        Ok(answer.ok_or(AckError::Timeout)??.decode()?)
    }

    /// Selects this client for events that may be lost. Such an event is dropped while the client
    /// does not keep up with its packets.
    ///
    /// In an `on_connect` hook nothing is sent, because broadcasts do not reach the socket yet.
    pub fn volatile(&self) -> Broadcast<P> {
        self.hub().to(self.id()).spoken_by(self).volatile()
    }

    /// Selects the other sockets in a room that this client has joined, or the sockets of another
    /// [target](crate::room::Target).
    ///
    /// Sending to a room that the client has not joined fails with [`EmitError::NotThere`]. If a
    /// handler returns this error, its client receives `forbidden`. To send to any room on behalf
    /// of the server, use [`Hub::to`](crate::Hub::to).
    pub fn to(&self, target: impl Into<Target>) -> Broadcast<P> {
        self.within(target).except(self.id())
    }

    /// Selects all sockets in a room that this client has joined, or the sockets of another target.
    /// Same as [`to`](Socket::to), except that this socket is not excluded.
    pub fn within(&self, target: impl Into<Target>) -> Broadcast<P> {
        self.hub().to(target).spoken_by(self)
    }

    /// Selects all other sockets of the namespace. After this socket has ended, sending fails with
    /// [`EmitError::Ended`].
    pub fn broadcast(&self) -> Broadcast<P> {
        self.hub().all().spoken_by(self).except(self.id())
    }

    /// Registers a pending ack under `id`. The caller posts the packet afterwards. Fails if the
    /// socket has ended or is not admitted yet, or if too many acks are pending.
    pub(crate) fn ask(&self, id: u64) -> Result<PendingAck, AckError> {
        // A connect hook would wait for itself, because its packets are sent after the answer to
        // CONNECT, and this answer waits for the hook.
        if !self.0.is_admitted.load(Ordering::Acquire) {
            return Err(AckError::NotYetIn);
        }
        let limit = self.hub().services().limits.open_acks;
        self.acks().ask(id, self.link(), limit)
    }

    /// Passes an ack of the client to the caller that waits for it.
    pub(crate) fn acknowledge(&self, id: u64, arguments: RawArguments) {
        if let Some(acks) = self.0.acks.get() {
            acks.answer(id, arguments);
        }
    }

    /// Posts a frame for this socket to the link. Returns `false` if the socket has ended or the
    /// mailbox of the link rejected the frame.
    pub(crate) fn deliver(&self, frame: Frame, is_volatile: bool) -> bool {
        !self.is_closed()
            && self.link().post(Letter::Emit { socket: self.id(), frame, is_volatile })
    }
}

/// Allows `?` on an emit in connect hooks. An emit fails if the client disconnects during the hook,
/// or because of a mistake of the program. The client receives `internal`.
impl From<EmitError> for Refusal {
    fn from(_: EmitError) -> Self {
        Self::new("internal", "Internal error")
    }
}
