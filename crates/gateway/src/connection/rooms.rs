//! Lets a client into rooms, or does not: the only file that knows the order.
//!
//! The name, the guards with `Action::Join`, the policies whose pattern matches, the number of rooms;
//! then the socket is a member, unless it has ended meanwhile. Start reading at [`Connection::join`].

use std::sync::Arc;

use doorward_core::{Action, Decision, DisconnectReason, Exception, Refusal, RefusalReason};
use doorward_protocol::Trust;

use super::Connection;
use crate::{
    RoomRequest,
    authorise::{Denial, authorise, judge},
    catch::Caught,
    room_policy::is_room_name,
};

impl<P: Send + Sync + 'static> Connection<P> {
    /// Enters a room, if the guards and the room's policy let this client in. Being in it already
    /// changes nothing.
    ///
    /// The guards of the server and of all gateways of the namespace are asked with
    /// [`Action::Join`], then every [policy](crate::Gateway::room) whose pattern matches; without a
    /// policy nobody gets in.
    ///
    /// # Errors
    /// [`JoinError`] says why not. A handler may use `?`: the client reads `forbidden`, or what the
    /// guard said.
    ///
    /// # Cancel safety
    /// Dropping the future before it is done leaves the client outside.
    pub async fn join(&self, room: &str) -> Result<(), JoinError> {
        if self.0.parts.trust == Trust::Anonymous {
            return Err(JoinError::Anonymous);
        }
        if !is_room_name(room) {
            return Err(JoinError::Name);
        }
        if self.is_in(room) {
            return Ok(());
        }
        let room: Arc<str> = room.into();
        let action = Action::Join(&room);
        self.may(action).await?;
        self.may_enter(&room).await?;
        self.enter(&room)?;
        self.hub().services().decided(Decision::Joined, self.subject(action));
        Ok(())
    }

    /// Leaves a room, if the guards let this client go. Not being in it changes nothing.
    ///
    /// # Errors
    /// [`JoinError::Denied`]: a guard said no to [`Action::Leave`].
    ///
    /// # Cancel safety
    /// As [`Connection::join`].
    pub async fn leave(&self, room: &str) -> Result<(), JoinError> {
        if !self.is_in(room) {
            return Ok(());
        }
        self.may(Action::Leave(room)).await?;
        self.part(room);
        Ok(())
    }

    async fn may(&self, action: Action<'_>) -> Result<(), JoinError> {
        let hub = self.hub();
        let asked = authorise(hub.guards(), self.asks(action), hub.services()).await;
        asked.map_err(|denial| self.denied(action, denial))
    }

    async fn may_enter(&self, room: &Arc<str>) -> Result<(), JoinError> {
        let (hub, services) = (self.hub(), self.hub().services());
        let action = Action::Join(room);
        let mut is_covered = false;
        for policy in hub.policies() {
            let Some(parameters) = policy.pattern.matches(room) else { continue };
            is_covered = true;
            let request = RoomRequest::new(self.clone(), Arc::clone(room), parameters);
            let asked = Caught::new(async { (policy.may_join)(request).await });
            let answer = services.within(services.limits.guard_timeout, asked).await;
            judge(answer).map_err(|denial| self.denied(action, denial.for_room()))?;
        }
        if is_covered {
            return Ok(());
        }
        let decided = Decision::Denied(RefusalReason::RoomDenied);
        services.decided(decided, self.subject(action));
        tracing::warn!(
            namespace = hub.namespace(),
            room = ?room,
            "Nobody gets into a room that no policy covers: add `.room(pattern, policy)`."
        );
        Err(JoinError::NoPolicy)
    }

    fn denied(&self, action: Action<'_>, denial: Denial) -> JoinError {
        let reason = denial.refusal.reason();
        self.hub().services().decided(Decision::Denied(reason), self.subject(action));
        if denial.close {
            self.end_for(DisconnectReason::Forbidden);
        }
        JoinError::Denied(denial.refusal)
    }
}

impl<P> Connection<P> {
    /// The rooms this client is in.
    #[must_use]
    pub fn rooms(&self) -> Vec<Arc<str>> {
        self.joined().rooms.clone()
    }

    /// Whether this client is in a room.
    #[must_use]
    pub fn is_in(&self, room: &str) -> bool {
        self.joined().rooms.iter().any(|joined| &**joined == room)
    }

    /// Writes the membership down on both sides, unless the socket has ended.
    fn enter(&self, room: &Arc<str>) -> Result<(), JoinError> {
        let limit = self.hub().services().limits.max_rooms;
        let mut joined = self.joined();
        if joined.has_ended {
            return Err(JoinError::Ended);
        }
        if joined.rooms.contains(room) {
            return Ok(());
        }
        if joined.rooms.len() >= limit {
            return Err(JoinError::Full);
        }
        joined.rooms.push(Arc::clone(room));
        self.hub().rooms().join(room, self);
        Ok(())
    }

    /// Leaves a room without a question.
    pub(crate) fn part(&self, room: &str) {
        let mut joined = self.joined();
        let place = joined.rooms.iter().position(|joined| &**joined == room);
        if let Some(place) = place {
            let room = joined.rooms.swap_remove(place);
            // Under the lock, so that nobody enters in between.
            self.hub().rooms().part(&room, self.id());
        }
    }

    /// Leaves every room for good; guards have no say in that.
    pub(super) fn leave_everything(&self) {
        let mut joined = self.joined();
        joined.has_ended = true;
        let rooms = std::mem::take(&mut joined.rooms);
        drop(joined);
        for room in rooms {
            self.hub().rooms().part(&room, self.id());
        }
        self.hub().rooms().leave(self);
    }
}

/// Why a client is not let into a room, or not out of it.
///
/// # Examples
/// ```
/// assert_eq!(doorward::JoinError::Full.to_string(), "the client is in too many rooms");
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// Clients of public namespaces are in no rooms.
    #[error("clients of public namespaces are in no rooms")]
    Anonymous,
    /// A guard, or the policy of the room, said no.
    #[error("not allowed")]
    Denied(#[source] Refusal),
    /// The socket has ended.
    #[error("the socket has ended")]
    Ended,
    /// It is in as many rooms as [`Limits::max_rooms`](crate::Limits::max_rooms) allows.
    #[error("the client is in too many rooms")]
    Full,
    /// Empty, longer than 255 bytes, with control characters, or reserved: names that begin with
    /// `user:`, `session:` or `socket:` are nobody's to join.
    #[error("this is no name for a room")]
    Name,
    /// No policy covers the room, so nobody may enter: a mistake of the program. Add one with
    /// [`Gateway::room`](crate::Gateway::room).
    #[error("no policy covers this room")]
    NoPolicy,
}

/// What a client reads when a handler passes it on.
impl From<JoinError> for Exception {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Denied(refusal) => refusal.into(),
            JoinError::Ended => Self::internal(),
            _ => Self::forbidden(),
        }
    }
}

/// What a client reads when a connect hook passes it on.
impl From<JoinError> for Refusal {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Denied(refusal) => refusal,
            _ => Self::forbidden().because(RefusalReason::RoomDenied),
        }
    }
}
