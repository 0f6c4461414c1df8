//! Something for several clients at once.

use std::{collections::HashSet, fmt, time::Duration};

use doorward_core::{DisconnectReason, SocketId};
use doorward_protocol::Arguments;
use futures_util::{StreamExt, stream::FuturesUnordered};
use serde::de::DeserializeOwned;

use crate::{
    presence::{gathered::Gathered, resident::SocketInfo},
    room::{
        acks::{Acks, Question},
        error::{AckError, EmitError, JoinError},
        hub::Hub,
        members::{Snapshot, Target},
        server_event::ServerEvent,
        socket::Socket,
    },
    runtime::metrics::Metrics,
};

/// Whom something is for; begin with [`Hub::to`], [`Hub::all`] or [`Socket::to`].
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// async fn say(me: Socket<Claims>, Payload(text): Payload<String>) -> Result<(), EmitError> {
///     me.to("lobby").except("muted").emit("said", (me.user().as_str(), text))?;
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
    /// `None` is everybody.
    to: Option<Vec<Target>>,
    except: Vec<Target>,
    /// Who speaks, when it is a client: it is heard only in rooms that it is in.
    speaker: Option<Socket<P>>,
    is_volatile: bool,
    timeout: Option<Duration>,
}

impl<P> Broadcast<P> {
    pub(super) fn new(hub: Hub<P>) -> Self {
        let (to, except, speaker) = (None, Vec::new(), None);
        Self { hub, to, except, speaker, is_volatile: false, timeout: None }
    }

    pub(super) fn to_each(hub: Hub<P>, targets: Vec<Target>) -> Self {
        Self { to: Some(targets), ..Self::new(hub) }
    }

    /// Speaks for a client.
    pub(crate) fn spoken_by(self, speaker: &Socket<P>) -> Self {
        Self { speaker: Some(speaker.clone()), ..self }
    }

    /// Adds somebody; nobody gets it twice.
    pub fn to(mut self, target: impl Into<Target>) -> Self {
        self.to.get_or_insert_default().push(target.into());
        self
    }

    /// Leaves somebody out.
    pub fn except(mut self, target: impl Into<Target>) -> Self {
        self.except.push(target.into());
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

    /// Sends an event, written and framed once, and returns how many sockets it was queued for.
    /// A tuple is several arguments; see [`Arguments`].
    ///
    /// # Errors
    /// - [`EmitError::Ended`]: a client speaks whose socket has ended. Nothing was sent.
    /// - [`EmitError::NotThere`]: a client speaks to a room that it is not in. Nothing was sent.
    /// - [`EmitError::Payload`]: `arguments` cannot be written as JSON. A mistake of the program.
    /// - [`EmitError::Reserved`]: the event belongs to the library, such as `disconnect`.
    #[expect(clippy::needless_pass_by_value, reason = "a reference is a value as well")]
    pub fn emit(&self, event: &str, arguments: impl Arguments) -> Result<Delivered, EmitError> {
        self.check_speaker()?;
        if !self.hub.is_mounted() {
            return Ok(Delivered { local: 0 });
        }
        let frame = self.hub.frame(event, None, &arguments, self.targets())?;
        let mut local = 0;
        self.for_each(|connection| {
            local += usize::from(connection.deliver(frame.clone(), self.is_volatile));
        });
        Ok(Delivered { local })
    }

    /// Sends a typed event, with the struct as its only argument.
    ///
    /// # Errors
    /// As [`Broadcast::emit`].
    pub fn emit_event<E: ServerEvent>(&self, event: &E) -> Result<Delivered, EmitError> {
        self.emit(E::NAME, (event,))
    }

    /// Sends an event and collects the answers, until everybody has answered or the time is over.
    ///
    /// Who does not answer, or something else than a `T`, is in [`Acks::missing`].
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
    ) -> Result<Acks<T>, EmitError> {
        self.check_speaker()?;
        let mut answers = Acks { given: Vec::new(), missing: Vec::new() };
        if !self.hub.is_mounted() {
            return Ok(answers);
        }
        let id = self.hub.next_ack();
        let frame = self.hub.frame(event, Some(id), &arguments, self.targets())?;
        let mut open = HashSet::new();
        let mut questions = FuturesUnordered::new();
        self.for_each(|connection| match connection.ask(id) {
            Ok(question) if connection.deliver(frame.clone(), self.is_volatile) => {
                open.insert(connection.id());
                questions.push(answer_of(connection.id(), question));
            }
            Ok(_) => answers.missing.push((connection.id(), AckError::Ended)),
            Err(error) => answers.missing.push((connection.id(), error)),
        });
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
        if services.within(time, collect).await.is_none() {
            Metrics::hit("ack_timeout");
        }
        answers.missing.extend(open.into_iter().map(|socket| (socket, AckError::Timeout)));
        Ok(answers)
    }

    /// Returns the sockets of every node, each with what operators see of it.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the question.
    #[expect(clippy::unused_async, reason = "other nodes are asked as soon as there are any")]
    pub async fn fetch_sockets(&self) -> Gathered<Vec<SocketInfo>> {
        let sockets = self.local_sockets();
        Gathered::here(sockets.iter().map(Socket::describe).collect())
    }

    /// Returns the sockets of this node, with their principals and [data](Socket::data).
    #[must_use]
    pub fn local_sockets(&self) -> Vec<Socket<P>> {
        let mut sockets = Vec::new();
        if self.hub.is_mounted() {
            self.for_each(|connection| sockets.push(connection.clone()));
        }
        sockets
    }

    /// Takes the sockets out of a room, and returns how many were in it. The server decides this: guards are
    /// not asked.
    ///
    /// # Cancel safety
    /// Sockets of this node have left when the future is polled for the first time.
    #[expect(clippy::unused_async, reason = "other nodes are asked as soon as there are any")]
    pub async fn sockets_leave(&self, room: &str) -> Gathered<usize> {
        let sockets = self.local_sockets();
        Gathered::here(sockets.iter().filter(|connection| connection.part(room)).count())
    }

    /// Ends the sockets, and returns how many there were. Their clients read `io server disconnect` and do not
    /// reconnect.
    ///
    /// # Cancel safety
    /// Sockets of this node have been told to end when the future is polled for the first time.
    #[expect(clippy::unused_async, reason = "other nodes are asked as soon as there are any")]
    pub async fn disconnect_sockets(&self) -> Gathered<usize> {
        let sockets = self.local_sockets();
        for connection in &sockets {
            connection.end_for(DisconnectReason::ServerLeft);
        }
        Gathered::here(sockets.len())
    }

    fn check_speaker(&self) -> Result<(), EmitError> {
        let Some(speaker) = &self.speaker else { return Ok(()) };
        if speaker.is_closed() {
            return Err(EmitError::Ended);
        }
        let is_heard = |target: &Target| match target {
            Target::Room(room) => speaker.is_in(room),
            Target::Socket(_) | Target::User(_) => true,
        };
        if self.targets().iter().all(is_heard) { Ok(()) } else { Err(EmitError::NotThere) }
    }

    /// Who is named, which is nobody when it is for everybody.
    fn targets(&self) -> &[Target] {
        self.to.as_deref().unwrap_or_default()
    }

    /// Does something for everybody whom it is for, once each.
    fn for_each(&self, mut f: impl FnMut(&Socket<P>)) {
        let left_out = self.left_out();
        let rooms = self.hub.rooms();
        let mut parts = match &self.to {
            None => rooms.everybody(),
            Some(targets) => targets.iter().map(|target| rooms.snapshot(target)).collect(),
        };
        if self.targets().len() > 1 {
            parts = vec![without_doubles(&parts)];
        }
        for connection in parts.iter().flat_map(|part| part.iter()) {
            if !left_out.contains(connection.id()) {
                f(connection);
            }
        }
    }

    fn left_out(&self) -> LeftOut {
        let mut left_out = LeftOut { one: None, others: HashSet::new() };
        for target in &self.except {
            match target {
                Target::Socket(socket) if left_out.one.is_none() => left_out.one = Some(*socket),
                Target::Socket(socket) => drop(left_out.others.insert(*socket)),
                target => {
                    let snapshot = self.hub.rooms().snapshot(target);
                    left_out.others.extend(snapshot.iter().map(Socket::id));
                }
            }
        }
        left_out
    }
}

/// Result of an emit.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// fn is_anyone_there(hub: &Hub<Claims>) -> Result<bool, EmitError> {
///     Ok(hub.to("news").emit("headline", "Door opened")?.local > 0)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered {
    /// Sockets of this node that the event was queued for. How many other nodes have is not counted.
    pub local: usize,
}

/// Whom a broadcast leaves out: most often the speaker alone.
struct LeftOut {
    one: Option<SocketId>,
    others: HashSet<SocketId>,
}

impl LeftOut {
    fn contains(&self, socket: SocketId) -> bool {
        self.one == Some(socket) || (!self.others.is_empty() && self.others.contains(&socket))
    }
}

fn without_doubles<P>(parts: &[Snapshot<P>]) -> Snapshot<P> {
    let mut seen = HashSet::new();
    let members = parts.iter().flat_map(|part| part.iter());
    members.filter(|member| seen.insert(member.id())).cloned().collect()
}

impl<P: Send + Sync + 'static> Broadcast<P> {
    /// Takes the sockets into a room, each as if it had [asked itself](Socket::join): guards and
    /// the room's policy decide. Returns who was not let in, and why.
    ///
    /// # Cancel safety
    /// Dropping the future leaves those outside that were not in yet.
    pub async fn sockets_join(&self, room: &str) -> Gathered<Vec<(SocketId, JoinError)>> {
        let mut denied = Vec::new();
        for connection in self.local_sockets() {
            if let Err(error) = connection.join(room).await {
                denied.push((connection.id(), error));
            }
        }
        Gathered::here(denied)
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
