//! Something for several clients at once.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use doorward_core::{DisconnectReason, SocketId};
use doorward_protocol::Arguments;
use futures_util::{StreamExt, stream::FuturesUnordered};
use serde::de::DeserializeOwned;

use super::Hub;
use crate::{
    AckError, Answers, Connection, EmitError, JoinError, ServerEvent, Target, acks::Question,
    rooms::Snapshot,
};

/// Whom something is for; begin with [`Hub::to`], [`Hub::all`] or [`Connection::to`].
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// async fn say(me: Connection<Claims>, Payload(text): Payload<String>) -> Result<(), EmitError> {
///     me.to("lobby").except("muted").emit("said", Args((me.user().as_str(), text)))?;
///     Ok(())
/// }
///
/// let gateway: Gateway<Claims> =
///     Gateway::at("/").room("lobby", |_| async { true }).on("say", say);
/// # drop(gateway);
/// ```
#[must_use = "nothing is sent before `emit`"]
pub struct Broadcast<P> {
    hub: Hub<P>,
    to: Vec<Target>,
    except: Vec<Target>,
    /// Who speaks, when it is a client: it is heard only in rooms that it is in.
    speaker: Option<Connection<P>>,
    is_volatile: bool,
    timeout: Option<Duration>,
}

impl<P> Broadcast<P> {
    pub(super) fn new(hub: Hub<P>) -> Self {
        let (to, except, speaker) = (Vec::new(), Vec::new(), None);
        Self { hub, to, except, speaker, is_volatile: false, timeout: None }
    }

    /// Speaks for a client.
    pub(crate) fn spoken_by(self, speaker: &Connection<P>) -> Self {
        Self { speaker: Some(speaker.clone()), ..self }
    }

    /// Adds somebody; nobody gets it twice.
    pub fn to(mut self, target: impl Into<Target>) -> Self {
        self.to.push(target.into());
        self
    }

    /// Leaves somebody out.
    pub fn except(mut self, target: impl Into<Target>) -> Self {
        self.except.push(target.into());
        self
    }

    /// Stays on this node. With one node it changes nothing.
    pub fn local(self) -> Self {
        self
    }

    /// Leaves out clients that do not keep up: what waits for them is not made longer.
    pub fn volatile(self) -> Self {
        Self { is_volatile: true, ..self }
    }

    /// Waits this long for answers, in place of [`Limits::ack_timeout`](crate::Limits::ack_timeout).
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Sends an event, written and framed once, and returns for how many clients it was queued.
    ///
    /// # Errors
    /// - [`EmitError::NotThere`]: a client speaks to a room that it is not in. Nothing was sent.
    /// - [`EmitError::Payload`]: `arguments` cannot be written as JSON. A mistake of the program.
    /// - [`EmitError::Reserved`]: the event belongs to the library, such as `disconnect`.
    #[expect(clippy::needless_pass_by_value, reason = "a reference is a value as well")]
    pub fn emit(&self, event: &str, arguments: impl Arguments) -> Result<usize, EmitError> {
        self.check_speaker()?;
        let frame = self.hub.frame(event, None, &arguments, &self.to[..])?;
        let mut reached = 0;
        for part in self.recipients() {
            for connection in &part[..] {
                reached += usize::from(connection.deliver(frame.clone(), self.is_volatile));
            }
        }
        Ok(reached)
    }

    /// Sends a typed event.
    ///
    /// # Errors
    /// As [`Broadcast::emit`].
    pub fn send<E: ServerEvent>(&self, event: &E) -> Result<usize, EmitError> {
        self.emit(E::NAME, event)
    }

    /// Sends an event and collects the answers, until everybody has answered or the time is over.
    ///
    /// Who does not answer, or something else than a `T`, is in [`Answers::missing`].
    ///
    /// # Errors
    /// As [`Broadcast::emit`].
    ///
    /// # Cancel safety
    /// Dropping the future forgets the questions; answers that still come are ignored.
    pub async fn emit_with_ack<T: DeserializeOwned>(
        &self,
        event: &str,
        arguments: impl Arguments,
    ) -> Result<Answers<T>, EmitError> {
        self.check_speaker()?;
        let id = self.hub.next_ack();
        let frame = self.hub.frame(event, Some(id), &arguments, &self.to[..])?;
        let mut answers = Answers { given: Vec::new(), missing: Vec::new() };
        let mut open = HashSet::new();
        let mut questions = FuturesUnordered::new();
        for connection in self.recipients().iter().flat_map(|part| part.iter()) {
            match connection.ask(id) {
                Ok(question) if connection.deliver(frame.clone(), self.is_volatile) => {
                    open.insert(connection.id());
                    questions.push(answer_of(connection.id(), question));
                }
                Ok(_) => answers.missing.push((connection.id(), AckError::Ended)),
                Err(error) => answers.missing.push((connection.id(), error)),
            }
        }
        let services = self.hub.services();
        let collect = async {
            while let Some((socket, answer)) = questions.next().await {
                open.remove(&socket);
                match answer {
                    Ok(value) => answers.given.push((socket, value)),
                    Err(error) => answers.missing.push((socket, error)),
                }
            }
        };
        let time = self.timeout.unwrap_or(services.limits.ack_timeout);
        let _collected = services.within(time, collect).await;
        answers.missing.extend(open.into_iter().map(|socket| (socket, AckError::Timeout)));
        Ok(answers)
    }

    /// Returns the sockets; their principals and their [data](Connection::data) are typed.
    #[must_use]
    pub fn fetch_sockets(&self) -> Vec<Connection<P>> {
        self.recipients().iter().flat_map(|part| part.iter().cloned()).collect()
    }

    /// Takes the sockets out of a room. This is the server's own will: guards are not asked.
    pub fn sockets_leave(&self, room: &str) {
        for connection in self.fetch_sockets() {
            connection.part(room);
        }
    }

    /// Ends the sockets: their clients read `io server disconnect` and stay away.
    pub fn disconnect_sockets(&self) {
        for connection in self.fetch_sockets() {
            connection.end_for(DisconnectReason::ServerLeft);
        }
    }

    fn check_speaker(&self) -> Result<(), EmitError> {
        let Some(speaker) = &self.speaker else { return Ok(()) };
        let is_heard = |target: &Target| match target {
            Target::Room(room) => speaker.is_in(room),
            Target::Socket(_) | Target::User(_) => true,
        };
        if self.to.iter().all(is_heard) { Ok(()) } else { Err(EmitError::NotThere) }
    }

    /// Whom it is for, in parts that do not overlap.
    fn recipients(&self) -> Vec<Snapshot<P>> {
        let rooms = self.hub.rooms();
        match &self.to[..] {
            [] if self.except.is_empty() => rooms.everybody(),
            [target] if self.except.is_empty() => vec![rooms.snapshot(target)],
            targets => {
                let mut chosen: HashMap<SocketId, Connection<P>> = HashMap::new();
                let parts = if targets.is_empty() {
                    rooms.everybody()
                } else {
                    targets.iter().map(|target| rooms.snapshot(target)).collect()
                };
                for part in parts {
                    chosen.extend(part.iter().map(|socket| (socket.id(), socket.clone())));
                }
                for target in &self.except {
                    if let Target::Socket(socket) = target {
                        chosen.remove(socket);
                        continue;
                    }
                    for socket in &rooms.snapshot(target)[..] {
                        chosen.remove(&socket.id());
                    }
                }
                vec![chosen.into_values().collect::<Arc<[_]>>()]
            }
        }
    }
}

impl<P: Send + Sync + 'static> Broadcast<P> {
    /// Takes the sockets into a room, each as if it had [asked itself](Connection::join): guards and
    /// the room's policy decide. Returns who was not let in, and why.
    ///
    /// # Cancel safety
    /// Dropping the future leaves those outside that were not in yet.
    pub async fn sockets_join(&self, room: &str) -> Vec<(SocketId, JoinError)> {
        let mut denied = Vec::new();
        for connection in self.fetch_sockets() {
            if let Err(error) = connection.join(room).await {
                denied.push((connection.id(), error));
            }
        }
        denied
    }
}

async fn answer_of<T: DeserializeOwned>(
    socket: SocketId,
    question: Question,
) -> (SocketId, Result<T, AckError>) {
    let answer = async { Ok(question.answer().await?.decode()?) };
    (socket, answer.await)
}

impl<P> fmt::Debug for Broadcast<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast")
            .field("hub", &self.hub)
            .field("to", &self.to)
            .field("except", &self.except)
            .finish_non_exhaustive()
    }
}
