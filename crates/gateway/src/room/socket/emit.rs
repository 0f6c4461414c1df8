//! Sends events to one client.

use std::sync::atomic::Ordering;

use doorward_core::Refusal;
use doorward_protocol::{Arguments, Frame, RawArguments};
use serde::de::DeserializeOwned;

use crate::{
    presence::mailbox::Letter,
    room::{
        acks::Question,
        error::{AckError, EmitError},
        hub::broadcast::Broadcast,
        members::Target,
        server_event::ServerEvent,
        socket::Socket,
    },
    runtime::metrics::Metrics,
};

impl<P> Socket<P> {
    /// Sends an event to this client. A tuple is several arguments; see [`Arguments`](crate::event::Arguments).
    ///
    /// It is queued, in order, behind everything that was sent before, and never waits. What an
    /// `on_connect` hook emits leaves right behind the CONNECT answer.
    ///
    /// # Errors
    /// - [`EmitError::Ended`]: the socket has ended, or ends now because more waits for the client
    ///   than [`Limits::outbox`](crate::Limits::outbox). It never waits, so a program that emits that
    ///   much in one go ends the link of a client that reads as well: return a stream instead.
    /// - [`EmitError::Payload`]: `arguments` cannot be written as JSON. A mistake of the program.
    /// - [`EmitError::Reserved`]: the event belongs to the library, such as `disconnect`.
    /// - [`EmitError::TooLarge`]: one event of this size is more than a client can be sent.
    #[expect(clippy::needless_pass_by_value, reason = "a reference is a value as well")]
    pub fn emit(&self, event: &str, arguments: impl Arguments) -> Result<(), EmitError> {
        let frame = self.hub().frame(event, None, &arguments, &Target::Socket(self.id()))?;
        if self.deliver(frame, false) { Ok(()) } else { Err(EmitError::Ended) }
    }

    /// Sends a typed event to this client, with the struct as its only argument.
    ///
    /// # Errors
    /// As [`Socket::emit`].
    pub fn emit_event<E: ServerEvent>(&self, event: &E) -> Result<(), EmitError> {
        self.emit(E::NAME, (event,))
    }

    /// Sends an event and waits for the client's answer, at most for
    /// [`Limits::ack_timeout`](crate::Limits::ack_timeout).
    ///
    /// # Errors
    /// [`AckError`] says why there is no answer. In an `on_connect` hook there is none yet.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the question; an answer that still comes is ignored.
    pub async fn emit_with_ack<T: DeserializeOwned>(
        &self,
        event: &str,
        arguments: impl Arguments,
    ) -> Result<T, AckError> {
        let id = self.hub().next_ack();
        let frame = self.hub().frame(event, Some(id), &arguments, &Target::Socket(self.id()))?;
        let question = self.ask(id)?;
        if !self.deliver(frame, false) {
            return Err(AckError::Ended);
        }
        let services = self.hub().services();
        let answer = services.within(services.limits.ack_timeout, question.answer()).await;
        if answer.is_none() {
            Metrics::hit("ack_timeout");
        }
        Ok(answer.ok_or(AckError::Timeout)??.decode()?)
    }

    /// Sends to this client what may as well be lost: nothing is queued while it does not keep up.
    pub fn volatile(&self) -> Broadcast<P> {
        self.hub().to(self.id()).spoken_by(self).volatile()
    }

    /// Sends to everybody else in a room that this client is in, or to another target.
    ///
    /// A client is heard only where it is: for another room `emit` fails with
    /// [`EmitError::NotThere`], and a client reads `forbidden` when a handler passes that on. The server's
    /// own voice is [`Hub::to`](crate::Hub::to).
    pub fn to(&self, target: impl Into<Target>) -> Broadcast<P> {
        self.within(target).except(self.id())
    }

    /// Sends to everybody in a room that this client is in, itself included.
    pub fn within(&self, target: impl Into<Target>) -> Broadcast<P> {
        self.hub().to(target).spoken_by(self)
    }

    /// Sends to everybody else in the namespace, as long as the socket lives.
    pub fn broadcast(&self) -> Broadcast<P> {
        self.hub().all().spoken_by(self).except(self.id())
    }

    pub(crate) fn ask(&self, id: u64) -> Result<Question, AckError> {
        // The question would leave behind the CONNECT answer, which waits for whoever asks.
        if !self.0.is_in.load(Ordering::Acquire) {
            return Err(AckError::NotYetIn);
        }
        let limit = self.hub().services().limits.open_acks;
        self.acks().ask(id, self.link(), limit)
    }

    /// Takes an answer of the client.
    pub(crate) fn acknowledge(&self, id: u64, arguments: RawArguments) {
        if let Some(acks) = self.0.acks.get() {
            acks.answer(id, arguments);
        }
    }

    /// Posts a frame and says whether the socket still lives.
    pub(crate) fn deliver(&self, frame: Frame, is_volatile: bool) -> bool {
        !self.is_closed()
            && self.link().post(Letter::Emit { socket: self.id(), frame, is_volatile })
    }
}

/// A client that left while it was greeted is refused like any that cannot be reached.
impl From<EmitError> for Refusal {
    fn from(_: EmitError) -> Self {
        Self::new("internal", "Internal error")
    }
}
