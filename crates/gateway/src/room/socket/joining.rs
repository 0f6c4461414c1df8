//! Decides if a socket may join a room. Only this file contains the order of the steps.
//!
//! A join first checks the name of the room. Then it calls the guards with `Action::Join`, and the
//! policies whose pattern matches the name. Last it checks the number of rooms, and makes the
//! socket a member unless the socket has ended in the meantime. Guards and policies are awaited
//! without a lock. A counter of changes shows if their verdict is still valid. Start reading at
//! [`Socket::join`].

use std::sync::{Arc, atomic::Ordering};

use doorward_core::{Action, Decision, DisconnectReason, Refusal, RefusalReason};
use doorward_protocol::Trust;

use crate::{
    bus::channels::Subscribed,
    guard::authorise::{Denial, authorise, verdict_of},
    presence::expiry::Access,
    room::{
        error::JoinError,
        pattern::{RoomRequest, is_room_name},
        socket::{Replaced, Socket},
    },
    runtime::{catch::Caught, metrics::Metrics},
};

impl<P: Send + Sync + 'static> Socket<P> {
    /// Joins a room, if the guards and the policies of the room allow it. If the socket is already
    /// in the room, nothing changes.
    ///
    /// The guards of the server and of all gateways of the namespace check [`Action::Join`] first.
    /// Then every [policy](crate::Gateway::room) whose pattern matches the name must allow the
    /// join. A room without a policy cannot be joined.
    ///
    /// # Examples
    /// ```
    /// use doorward::prelude::*;
    ///
    /// async fn open(socket: Socket<Claims>, Payload(id): Payload<u64>) -> Result<(), JoinError> {
    ///     socket.join(&format!("document:{id}")).await
    /// }
    ///
    /// let gateway: Gateway<Claims> = Gateway::at("/")
    ///     .room("document:{id}", |_| async { true })
    ///     .on("open", open);
    /// ```
    ///
    /// # Errors
    /// [`JoinError`] with the reason. If a handler returns it with `?`, the client receives
    /// `forbidden`, `too_many_rooms`, or the refusal of the guard or policy.
    ///
    /// # Cancel safety
    /// If the future is dropped before it completes, the socket has not joined.
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
        let mut channel = None;
        for _ in 0..ATTEMPTS {
            // Both values are read in one statement, so that the lock is subscribed for both.
            // `replace_access` changes both under the same lock, so an old access is never read
            // together with a new count.
            let (moment, access) = (self.joined().changes, self.access());
            self.may(&access, action).await?;
            self.may_enter(&access, &room).await?;
            // A node hears a room before its first socket is in it, so that this socket misses no
            // event of another node.
            if channel.is_none() {
                channel = self.hub().subscribe_room(&room).await;
            }
            if self.enter(&room, moment, &mut channel)? {
                self.hub().services().decided(Decision::Joined, self.subject(Some(action)));
                return Ok(());
            }
        }
        Err(self.refused(action, JoinError::Denied(Refusal::forbidden())))
    }

    /// Leaves a room, if the guards allow it. If the socket is not in the room, nothing changes.
    ///
    /// Use [`remove_from`](Socket::remove_from) to leave a room without calling the guards.
    ///
    /// # Errors
    /// [`JoinError::Denied`] if a guard has denied [`Action::Leave`].
    ///
    /// # Cancel safety
    /// If the future is dropped before it completes, the socket is still in the room.
    pub async fn leave(&self, room: &str) -> Result<(), JoinError> {
        if !self.is_in(room) {
            return Ok(());
        }
        self.may(&self.access(), Action::Leave(room)).await?;
        self.part(room);
        Ok(())
    }

    /// Returns an error if a guard denies an action with the given access.
    async fn may(&self, access: &Access<P>, action: Action<'_>) -> Result<(), JoinError> {
        let hub = self.hub();
        let asked = authorise(hub.guards(), self.asks(access, action), hub.services()).await;
        asked.map_err(|denial| self.denied(action, denial))
    }

    /// Returns `true` if `access` allows this client to be in a room.
    pub(crate) async fn may_be_in(&self, access: &Arc<Access<P>>, room: &Arc<str>) -> bool {
        self.may(access, Action::Join(room)).await.is_ok()
            && self.may_enter(access, room).await.is_ok()
    }

    /// Calls every policy whose pattern matches a room. Returns an error if one of them denies the
    /// join, if no pattern matches, or if the name matches a pattern in too many ways.
    async fn may_enter(&self, access: &Arc<Access<P>>, room: &Arc<str>) -> Result<(), JoinError> {
        let (hub, services) = (self.hub(), self.hub().services());
        let action = Action::Join(room);
        let mut is_covered = false;
        for policy in hub.policies() {
            let readings = policy.pattern.readings(room);
            let readings = readings.map_err(|_ambiguous| self.refused(action, JoinError::Name))?;
            // If the name matches the pattern in several ways, the policy must allow each of them.
            for parameters in readings {
                is_covered = true;
                let (socket, principal) = (self.clone(), Arc::clone(&access.principal));
                let room = Arc::clone(room);
                let request = RoomRequest { socket, principal, room, parameters };
                // The policy is called in an async block, because it may panic before it returns
                // its future.
                let asked = Caught::new(async { (policy.may_join)(request).await });
                let answer = services.within(services.limits.guard_timeout, asked).await;
                verdict_of(answer).map_err(|denial| self.denied(action, denial.for_room()))?;
            }
        }
        if is_covered {
            return Ok(());
        }
        if hub.is_first_without_policy() {
            tracing::warn!(
                namespace = hub.namespace(),
                "A client was refused because no policy covers its room: add #[room(\"team:{{id}}\")] or \
                 .room(\"team:{{id}}\", policy) for the names of your rooms."
            );
        }
        Err(self.refused(action, JoinError::NoPolicy))
    }

    /// Records the denial of a guard or a policy, and ends the socket if the denial demands it.
    /// Returns the error for the caller of the join.
    fn denied(&self, action: Action<'_>, denial: Denial) -> JoinError {
        let subject = self.subject(Some(action));
        self.hub().services().said_no(Decision::Denied, &denial.refusal, subject);
        if denial.close {
            self.end_for(DisconnectReason::Forbidden);
        }
        JoinError::Denied(denial.refusal)
    }
}

impl<P> Socket<P> {
    /// Returns the names of the rooms that this socket is in.
    #[must_use]
    pub fn rooms(&self) -> Vec<Arc<str>> {
        self.joined().rooms.clone()
    }

    /// Returns `true` if this socket is in a room.
    #[must_use]
    pub fn is_in(&self, room: &str) -> bool {
        self.joined().rooms.iter().any(|joined| &**joined == room)
    }

    /// Makes the socket a member of a room that the guards and policies have allowed. Takes the channel
    /// of the room.
    ///
    /// `moment` is the value of `Joined::changes` before the guards and policies were called.
    /// Returns `true` if the socket is now in the room. Returns `false` if a change was counted
    /// since `moment`. The verdict may then be outdated, and the caller must check again. Fails if
    /// the socket has ended or is in too many rooms.
    fn enter(
        &self,
        room: &Arc<str>,
        moment: u64,
        channel: &mut Option<Subscribed>,
    ) -> Result<bool, JoinError> {
        // The verdict was reached without the lock, because guards and policies are awaited. Since
        // then the socket may have ended, or the server may have removed it from this room. The
        // check for such changes and the join happen under one lock. A change before the join is
        // detected here, and the socket does not join. A change after the join finds the room in
        // the list.
        //
        // The members of the room are changed under the same lock as the list of the socket.
        // Otherwise a removal in between could leave the socket among the members of a room that is
        // not in its list. The socket would then receive the broadcasts of a room that it cannot
        // leave.
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
                    "A join was refused because the client is in too many rooms: raise Limits::max_rooms, or leave \
                     rooms."
                );
            }
            return Err(self.refused(Action::Join(room), JoinError::Full));
        }
        joined.rooms.push(Arc::clone(room));
        self.hub().rooms().join(room, self, channel.take());
        if joined.is_in {
            self.hub().comes(Some(room), self.user());
        }
        Ok(true)
    }

    /// Replaces the access `before` with `access`, and leaves the rooms that `access` does not
    /// allow. Nothing changes if `before` is no longer the current access, or if the socket is in a
    /// room that is not in `checked`.
    ///
    /// `allowed` contains one verdict for each room in `checked`, in the same order.
    pub(crate) fn replace_access(
        &self,
        before: &Arc<Access<P>>,
        access: &Arc<Access<P>>,
        checked: &[Arc<str>],
        allowed: &[bool],
    ) -> Replaced {
        // This is one step under the lock of the rooms, so no join and no other replacement can
        // interleave.
        // - A room that is not in `checked` was joined with the old access while the others were
        //   checked. The new access may not allow it, so nothing changes and the caller checks
        //   again.
        // - The access is compared before it is replaced. The check takes time, and a slow caller
        //   with an older principal must not overwrite a newer principal.
        // - The counter is incremented, so that a join that is still being checked with the old
        //   access starts its check again.
        //
        // `checked` may contain rooms that the socket has left in the meantime. Leaving them again
        // has no effect.
        let mut joined = self.joined();
        if joined.rooms.iter().any(|room| !checked.contains(room)) {
            return Replaced::Unchecked;
        }
        let found = self.0.access.compare_and_swap(before, Arc::clone(access));
        if !Arc::ptr_eq(&found, before) {
            return Replaced::Late;
        }
        joined.changes += 1;
        let left = checked.iter().zip(allowed).filter(|(_, allowed)| !**allowed);
        for (room, _) in left {
            let before = joined.rooms.len();
            joined.rooms.retain(|own| own != room);
            self.hub().rooms().part(room, self.id());
            if joined.is_in && joined.rooms.len() < before {
                self.hub().goes(Some(room), self.user());
            }
        }
        Replaced::Done
    }

    /// Enters the namespace, so that later broadcasts to the namespace and to the user reach the
    /// socket. `channel` is the result of [`subscribe`](Self::subscribe).
    pub(crate) fn enter_namespace(&self, channel: Option<Subscribed>) {
        // The flag is set first, because a broadcast that finds the socket may request an ack at
        // once.
        self.0.is_admitted.store(true, Ordering::Release);
        // Anonymous clients share one user id, which does not identify a user.
        let user = (self.0.parts.trust == Trust::Known).then(|| self.user());
        self.hub().rooms().enter(self, user, channel);
        let Some(user) = user else { return };
        // The rooms that a connect hook has joined count from now on.
        let mut joined = self.joined();
        joined.is_in = true;
        for room in joined.rooms.iter().map(Some).chain([None]) {
            self.hub().comes(room, user);
        }
    }

    /// Makes this node hear the events of other nodes for the namespace and for the user. Returns the
    /// channel of the user.
    pub(crate) async fn subscribe(&self) -> Option<Subscribed> {
        let user = (self.0.parts.trust == Trust::Known).then(|| self.user());
        self.hub().subscribe_namespace(user).await
    }

    /// Records a denial that does not come from a guard or a policy. Returns `error`.
    fn refused(&self, action: Action<'_>, error: JoinError) -> JoinError {
        let decided = Decision::Denied(RefusalReason::RoomDenied);
        self.hub().services().decided(decided, self.subject(Some(action)));
        error
    }

    /// Removes the socket from a room. Unlike [`leave`](Socket::leave), it does not call the
    /// guards.
    ///
    /// The client may join again if guards and policies allow it. If the socket is joining the room
    /// at the same time, the join is checked again.
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

    /// Leaves a room without calling the guards. Returns `true` if the socket was in the room.
    pub(crate) fn part(&self, room: &str) -> bool {
        let mut joined = self.joined();
        // The change is counted even if the socket is not in the room. A join may have been allowed
        // but not completed yet, and it must not undo this call. Joins of other rooms are checked
        // again as well. This takes time, but one counter is enough for all rooms.
        joined.changes += 1;
        let place = joined.rooms.iter().position(|joined| &**joined == room);
        if let Some(place) = place {
            let room = joined.rooms.swap_remove(place);
            // The member is removed under the lock. Otherwise a join in between would be in the
            // list but not among the members.
            self.hub().rooms().part(&room, self.id());
            if joined.is_in {
                self.hub().goes(Some(&room), self.user());
            }
        }
        place.is_some()
    }

    /// Leaves every room and the namespace, because the socket has ended.
    pub(super) fn leave_everything(&self) {
        let mut joined = self.joined();
        joined.has_ended = true;
        let rooms = std::mem::take(&mut joined.rooms);
        if std::mem::take(&mut joined.is_in) {
            for room in rooms.iter().map(Some).chain([None]) {
                self.hub().goes(room, self.user());
            }
        }
        // Because of `has_ended` all later joins are rejected, so the rest needs no lock.
        drop(joined);
        for room in rooms {
            self.hub().rooms().part(&room, self.id());
        }
        self.hub().rooms().leave(self);
    }
}

/// Maximum number of attempts to join a room. An attempt fails if the access or the rooms of the
/// socket change during the check. After the last attempt the join is denied.
const ATTEMPTS: usize = 3;

/// Allows `?` on a join in connect hooks. The client receives the refusal and is not connected.
impl From<JoinError> for Refusal {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Denied(refusal) => refusal,
            JoinError::Full => Self::too_many_rooms(),
            _ => Self::forbidden().because(RefusalReason::RoomDenied),
        }
    }
}
