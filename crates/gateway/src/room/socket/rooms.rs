//! Lets a client into rooms, or does not: the only file that knows the order.
//!
//! The name, the guards with `Action::Join`, the policies whose pattern matches, the number of rooms;
//! then the socket is a member, unless it has ended meanwhile. Start reading at [`Socket::join`].

use std::sync::{Arc, atomic::Ordering};

use doorward_core::{Action, Decision, DisconnectReason, Refusal, RefusalReason};
use doorward_protocol::Trust;

use crate::{
    guard::authorise::{Denial, authorise, judge},
    presence::access::Access,
    room::{
        error::JoinError,
        policy::{RoomRequest, is_room_name},
        socket::{Replaced, Socket},
    },
    runtime::{catch::Caught, metrics::Metrics},
};

impl<P: Send + Sync + 'static> Socket<P> {
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
            return Err(self.refused(Action::Join(room), JoinError::Anonymous));
        }
        if !is_room_name(room) {
            return Err(self.refused(Action::Join(room), JoinError::Name));
        }
        if self.is_in(room) {
            return Ok(());
        }
        let room: Arc<str> = room.into();
        let action = Action::Join(&room);
        for _ in 0..ATTEMPTS {
            let (moment, access) = (self.joined().changes, self.access());
            self.may(&access, action).await?;
            self.may_enter(&access, &room).await?;
            if self.enter(&room, moment)? {
                self.hub().services().decided(Decision::Joined, self.subject(action));
                return Ok(());
            }
        }
        Err(self.refused(action, JoinError::Denied(Refusal::forbidden())))
    }

    /// Leaves a room, if the guards let this client go. Not being in it changes nothing.
    ///
    /// # Errors
    /// [`JoinError::Denied`]: a guard said no to [`Action::Leave`].
    ///
    /// # Cancel safety
    /// As [`Socket::join`].
    pub async fn leave(&self, room: &str) -> Result<(), JoinError> {
        if !self.is_in(room) {
            return Ok(());
        }
        self.may(&self.access(), Action::Leave(room)).await?;
        self.part(room);
        Ok(())
    }

    async fn may(&self, access: &Access<P>, action: Action<'_>) -> Result<(), JoinError> {
        let hub = self.hub();
        let asked = authorise(hub.guards(), self.asks(access, action), hub.services()).await;
        asked.map_err(|denial| self.denied(action, denial))
    }

    /// Whether a client that stands on `access` may be in a room.
    pub(crate) async fn may_be_in(&self, access: &Arc<Access<P>>, room: &Arc<str>) -> bool {
        self.may(access, Action::Join(room)).await.is_ok()
            && self.may_enter(access, room).await.is_ok()
    }

    async fn may_enter(&self, access: &Arc<Access<P>>, room: &Arc<str>) -> Result<(), JoinError> {
        let (hub, services) = (self.hub(), self.hub().services());
        let action = Action::Join(room);
        let mut is_covered = false;
        for policy in hub.policies() {
            let readings = policy.pattern.readings(room);
            let readings = readings.map_err(|_ambiguous| self.refused(action, JoinError::Name))?;
            for parameters in readings {
                is_covered = true;
                let principal = Arc::clone(&access.principal);
                let room = Arc::clone(room);
                let request = RoomRequest::new(self.clone(), principal, room, parameters);
                let asked = Caught::new(async { (policy.may_join)(request).await });
                let answer = services.within(services.limits.guard_timeout, asked).await;
                judge(answer).map_err(|denial| self.denied(action, denial.for_room()))?;
            }
        }
        if is_covered {
            return Ok(());
        }
        if hub.is_first_without_policy() {
            tracing::warn!(
                namespace = hub.namespace(),
                "A client asked for a room that no policy covers, so it was refused: add #[room(\"team:{{id}}\")] or \
                 .room(\"team:{{id}}\", policy) for the names of your rooms."
            );
        }
        Err(self.refused(action, JoinError::NoPolicy))
    }

    fn denied(&self, action: Action<'_>, denial: Denial) -> JoinError {
        let subject = self.subject(action);
        self.hub().services().said_no(Decision::Denied, &denial.refusal, subject);
        if denial.close {
            self.end_for(DisconnectReason::Forbidden);
        }
        JoinError::Denied(denial.refusal)
    }
}

impl<P> Socket<P> {
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

    /// Writes the membership down on both sides, unless the socket has ended. `false` means that
    /// it was taken out of a room, or has other rights, since `moment`: what was allowed then may not be
    /// any more.
    fn enter(&self, room: &Arc<str>, moment: u64) -> Result<bool, JoinError> {
        let limit = self.hub().services().limits.max_rooms;
        let mut joined = self.joined();
        if joined.has_ended {
            return Err(JoinError::Ended);
        }
        if joined.changes != moment {
            return Ok(false);
        }
        if joined.rooms.contains(room) {
            return Ok(true);
        }
        if joined.rooms.len() >= limit {
            drop(joined);
            Metrics::hit("max_rooms");
            if self.hub().is_first_in_too_many_rooms() {
                tracing::warn!(
                    namespace = self.hub().namespace(),
                    limit,
                    "A client is in as many rooms as it may: raise Limits::max_rooms, or leave rooms."
                );
            }
            return Err(self.refused(Action::Join(room), JoinError::Full));
        }
        joined.rooms.push(Arc::clone(room));
        self.hub().rooms().join(room, self);
        Ok(true)
    }

    /// Stands on something else from now on, unless somebody else has replaced `before` already, and leaves
    /// the rooms of which `allowed` says no. Whoever is being asked about a room meanwhile is asked again.
    pub(crate) fn replace_access(
        &self,
        before: &Arc<Access<P>>,
        access: &Arc<Access<P>>,
        judged: &[Arc<str>],
        allowed: &[bool],
    ) -> Replaced {
        let mut joined = self.joined();
        if joined.rooms.iter().any(|room| !judged.contains(room)) {
            return Replaced::Unjudged;
        }
        let found = self.0.access.compare_and_swap(before, Arc::clone(access));
        if !Arc::ptr_eq(&found, before) {
            return Replaced::Late;
        }
        joined.changes += 1;
        let left = judged.iter().zip(allowed).filter(|(_, allowed)| !**allowed);
        for (room, _) in left {
            joined.rooms.retain(|own| own != room);
            self.hub().rooms().part(room, self.id());
        }
        Replaced::Done
    }

    /// Is found by broadcasts from here on, and can be asked.
    pub(crate) fn enter_namespace(&self) {
        self.0.is_in.store(true, Ordering::Release);
        // Strangers share a user id that means nobody.
        let user = (self.0.parts.trust == Trust::Known).then(|| self.user());
        self.hub().rooms().enter(self, user);
    }

    /// Writes a no down that no guard has said.
    fn refused(&self, action: Action<'_>, error: JoinError) -> JoinError {
        let decided = Decision::Denied(RefusalReason::RoomDenied);
        self.hub().services().decided(decided, self.subject(action));
        error
    }

    /// Takes the client out of a room. The server decides this: unlike with [`leave`](Socket::leave), guards
    /// are not asked.
    ///
    /// # Examples
    /// ```
    /// use doorward::prelude::*;
    ///
    /// fn expel(hub: &Hub<Claims>, user: &str) {
    ///     for socket in hub.to_user(user).local_sockets() {
    ///         socket.remove_from("lobby");
    ///     }
    /// }
    /// ```
    pub fn remove_from(&self, room: &str) {
        self.part(room);
    }

    /// Leaves a room without asking, and returns `true` if the socket was in it. A join that is being decided
    /// meanwhile asks its guards again.
    pub(crate) fn part(&self, room: &str) -> bool {
        let mut joined = self.joined();
        joined.changes += 1;
        let place = joined.rooms.iter().position(|joined| &**joined == room);
        if let Some(place) = place {
            let room = joined.rooms.swap_remove(place);
            // Under the lock, so that no join comes in between.
            self.hub().rooms().part(&room, self.id());
        }
        place.is_some()
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

/// How often guards are asked again because the client was taken out of a room meanwhile.
const ATTEMPTS: usize = 3;

/// What a client reads when a connect hook passes it on.
impl From<JoinError> for Refusal {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Denied(refusal) => refusal,
            JoinError::Full => Self::too_many_rooms(),
            _ => Self::forbidden().because(RefusalReason::RoomDenied),
        }
    }
}
