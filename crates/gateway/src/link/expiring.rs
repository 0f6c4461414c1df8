//! Handles the lifetimes of the sockets of a link. Warns clients before their sockets expire,
//! refreshes their credentials, and ends sockets that have expired.
//!
//! [`Lifetime`](crate::presence::expiry::Lifetime) decides when a socket expires and when its
//! client is warned. A refresh is polled here and does not wait for queued events. A session that
//! seems to have expired is renewed once more before its socket ends, because another server may
//! have noticed activity of the client. Start reading at [`LinkState::poll_lifetimes`].

use std::{task::Poll, time::Duration};

use doorward_core::{
    Action, AuthPayload, BoxFuture, Decision, DisconnectReason, Exception, Refusal, RefusalReason,
    wire::{ErrorAnswer, Expiring, Refreshed},
};
use doorward_protocol::{Event, SlotId, packet, ws::CloseCode};
use serde_json::value::RawValue;

use crate::{
    link::{
        renewals::{Refreshing, Request},
        seam::NotAdmitted,
        state::{LinkState, TRY_AGAIN_AFTER},
        turn::Turn,
    },
    presence::{expiry::Life, services::Subject},
    runtime::catch::{Caught, drop_quietly},
};

impl LinkState {
    /// Polls the credential refresh and the session renewal of every socket, ends sockets that have
    /// expired, and warns clients whose socket expires soon.
    pub(super) fn poll_lifetimes(&mut self, turn: &Turn<'_>) {
        for index in 0..self.sockets.len() {
            let Some(live) = self.sockets.live_at(index) else { continue };
            let slot = live.slot;
            self.poll_refresh(slot, turn);
            self.check_life(slot, turn);
            self.poll_renewal(slot, turn);
            self.warn(slot, turn);
        }
    }

    /// Ends the socket at `slot` if its credential has expired. Starts to renew its session if the
    /// session seems to have expired.
    pub(super) fn check_life(&mut self, slot: SlotId, turn: &Turn<'_>) {
        let (wall, timeout) = (turn.wall, self.services.limits.admission_timeout);
        let Some(live) = self.sockets.live(slot) else { return };
        match live.lifetime.state(turn.now, wall) {
            Life::Lives => {}
            Life::Expired => self.cut_socket(slot, DisconnectReason::Expired, turn),
            Life::Idle if live.renewals.renewing.is_some() => {}
            Life::Idle => {
                let Some(lease) = live.lifetime.lease.clone() else { return };
                let future: BoxFuture<'static, _> =
                    Box::pin(async move { lease.renew(wall).await });
                let until = turn.now + timeout.min(RENEWED_WITHIN);
                live.renewals.renewing = Some(Request { future: Caught::new(future), until });
                // The renewals may have been polled already in this turn. A future that was never
                // polled wakes no task, so the task is woken here.
                self.handle.wake();
            }
        }
    }

    fn poll_renewal(&mut self, slot: SlotId, turn: &Turn<'_>) {
        let wall = turn.wall;
        let Some(live) = self.sockets.live(slot) else { return };
        let Some(renewing) = &mut live.renewals.renewing else { return };
        let Poll::Ready(answer) = renewing.poll(&mut turn.cx(), turn.now) else { return };
        drop_quietly(live.renewals.renewing.take());
        match answer {
            Some(Ok(())) => match live.lifetime.state(turn.now, wall) {
                Life::Lives => {}
                Life::Expired => self.cut_socket(slot, DisconnectReason::Expired, turn),
                Life::Idle => self.cut_socket(slot, DisconnectReason::SessionExpired, turn),
            },
            // If the store does not answer, the session has expired as far as this server knows.
            Some(Err(error)) => self.cut_socket(slot, error.reason(), turn),
            None => self.cut_socket(slot, DisconnectReason::Unavailable, turn),
        }
    }

    /// Warns the client that its socket expires soon. Sends one warning for each expiry time.
    fn warn(&mut self, slot: SlotId, turn: &Turn<'_>) {
        let wall = turn.wall;
        let Some(live) = self.sockets.live(slot) else { return };
        let Some(end) = live.lifetime.expires_at() else { return };
        if !live.is_to_be_warned()
            || live.lifetime.warn_at(turn.now, wall).is_none_or(|at| at > turn.now)
        {
            return;
        }
        live.renewals.warned_of = Some(end);
        let (owner, namespace) = (live.owner, self.protocol.namespace(slot));
        let written = self.outbox.packet(Some(owner), |out| {
            packet::write_event(out, namespace, None, Expiring::EVENT, &Expiring::new(end))
        });
        written.expect("wire types are strings, numbers and plain structs");
    }

    /// Handles a refresh event, with which the client sends a new credential. Starts to check the
    /// credential.
    pub(super) fn refresh(&mut self, event: &Event<'_>, turn: &Turn<'_>) {
        let (slot, ack) = (event.slot, event.id);
        let until = turn.now + self.services.limits.admission_timeout;
        let Some(live) = self.sockets.live(slot) else { return };
        if live.renewals.refreshing.is_some() {
            let refusal = Refusal::too_many_attempts(TRY_AGAIN_AFTER);
            return self.deny_refresh(slot, ack, &refusal, turn);
        }
        let Some(auth) = payload(event) else {
            return self.deny_refresh(slot, ack, &Refusal::bad_handshake(), turn);
        };
        let handshake = self.handshake(self.protocol.namespace(slot), auth);
        let Some(live) = self.sockets.live(slot) else { return };
        let future = Caught::new(live.socket.refresh(handshake));
        live.renewals.refreshing = Some(Refreshing { ack, request: Request { future, until } });
    }

    fn poll_refresh(&mut self, slot: SlotId, turn: &Turn<'_>) {
        let Some(live) = self.sockets.live(slot) else { return };
        let Some(Refreshing { ack, request }) = &mut live.renewals.refreshing else { return };
        let ack = *ack;
        let Poll::Ready(answer) = request.poll(&mut turn.cx(), turn.now) else { return };
        drop_quietly(live.renewals.refreshing.take());
        match answer {
            Some(Ok(lifetime)) => {
                let refreshed = Refreshed::new(lifetime.expires_at());
                live.lifetime = lifetime;
                live.renewals.refusals = 0;
                // The renewal is not needed any more.
                drop_quietly(live.renewals.renewing.take());
                self.acknowledge(slot, ack, &refreshed);
            }
            Some(Err(NotAdmitted::Refused { refusal, .. })) => {
                self.deny_refresh(slot, ack, &refusal, turn);
            }
            Some(Err(NotAdmitted::Undecided { reason, cause })) => {
                if let Some(cause) = cause {
                    tracing::warn!(%cause, "A refresh could not be decided.");
                }
                self.refresh_undecided(slot, ack, reason);
            }
            None => self.refresh_undecided(slot, ack, RefusalReason::DeadlinePassed),
        }
    }

    fn deny_refresh(&mut self, slot: SlotId, ack: Option<u64>, refusal: &Refusal, turn: &Turn<'_>) {
        let id = self.services.said_no(Decision::Denied, refusal, self.subject(slot));
        let worded = self.services.worded(refusal).into_owned();
        self.acknowledge(slot, ack, &ErrorAnswer::refusal(&worded, id));
        // A client that sends bad credentials in a loop is disconnected, as for refused CONNECTs.
        if let Some(live) = self.sockets.live(slot) {
            live.renewals.refusals += 1;
            if live.renewals.refusals > TOLERATED_REFUSALS {
                self.violated(CloseCode::Policy, &REFRESHED_IN_VAIN, turn);
            }
        }
    }

    fn refresh_undecided(&mut self, slot: SlotId, ack: Option<u64>, reason: RefusalReason) {
        let id = self.services.decided(Decision::Denied(reason), self.subject(slot));
        let exception = Exception::new("unavailable", "Unavailable");
        self.acknowledge(slot, ack, &ErrorAnswer::ack(&exception, id));
    }

    /// Sends `answer` as the ack, if the client asked for an ack.
    fn acknowledge(&mut self, slot: SlotId, ack: Option<u64>, answer: &impl serde::Serialize) {
        let (Some(id), Some(live)) = (ack, self.sockets.live(slot)) else { return };
        let (owner, namespace) = (live.owner, self.protocol.namespace(slot));
        let written =
            self.outbox.packet(Some(owner), |out| packet::write_ack(out, namespace, id, answer));
        written.expect("wire types are strings, numbers and plain structs");
    }

    /// Returns the subject for the audit record of a refresh.
    fn subject(&self, slot: SlotId) -> Subject<'_> {
        let action = Some(Action::Event(Refreshed::EVENT));
        let namespace = Some(self.protocol.namespace(slot));
        let gone = || Subject { action, namespace, peer: self.peer(), ..Subject::default() };
        self.sockets.live_at(slot.index()).map_or_else(gone, |live| live.socket.subject(action))
    }
}

/// Returns the credential in a refresh event. The event has no argument, or one object like the
/// `auth` payload of a CONNECT. Returns `None` for any other arguments.
fn payload(event: &Event<'_>) -> Option<AuthPayload> {
    let arguments: Vec<&RawValue> = serde_json::from_str(&event.data).ok()?;
    match arguments[..] {
        [_name] => Some(AuthPayload::default()),
        [_name, auth] => AuthPayload::parse(auth.get()).ok(),
        _ => None,
    }
}

const REFRESHED_IN_VAIN: &str = "too many credentials were refused";

/// Maximum number of credentials of one socket that may be refused in a row. The next refusal
/// closes the link.
const TOLERATED_REFUSALS: usize = 32;

/// Time limit for renewing a session that seems to have expired, unless `Limits::admission_timeout`
/// is shorter. Events of the socket wait meanwhile. On timeout the socket is closed.
const RENEWED_WITHIN: Duration = Duration::from_millis(900);
