//! How long the sockets of a link live: warns them, lets them refresh, ends them.
//!
//! A refresh is polled here and never waits behind events. A session that seems to be over is asked for
//! once more before its socket ends, because another server may have seen its client. Start reading at
//! [`LinkTask::poll_lifetimes`].

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant, SystemTime},
};

use doorward_core::{
    Action, Auth, BoxFuture, Decision, DisconnectReason, Exception, Handshake, LeaseError, Refusal,
    RefusalReason,
    wire::{ErrorAnswer, Expiring, Refreshed},
};
use doorward_protocol::{Event, SlotId, packet, ws};
use serde_json::value::RawValue;

use crate::{
    link::{
        ending::TRY_AGAIN_AFTER,
        seam::NotAdmitted,
        task::{LinkTask, Occupant},
    },
    presence::{
        access::{Life, Lifetime},
        services::Subject,
    },
    runtime::catch::{Caught, drop_quietly},
    transport::stream::Transport,
};

/// What is being found out about the life of a socket.
#[derive(Default)]
pub(super) struct Questions {
    /// Whether the session lives on after all.
    renewing: Option<Asked<Result<SystemTime, LeaseError>>>,
    /// Whether another credential is good.
    refreshing: Option<Refreshing>,
    /// How often it has shown something that was refused.
    refusals: usize,
    /// Of which end the client was told.
    pub(super) told_of: Option<SystemTime>,
}

/// A credential that is being judged, and the answer that the client waits for.
struct Refreshing {
    ack: Option<u64>,
    asked: Asked<Result<Lifetime, NotAdmitted>>,
}

/// A question, and until when it may stay open.
struct Asked<T> {
    future: Caught<BoxFuture<'static, T>>,
    until: Instant,
}

impl<T> Asked<T> {
    /// What became of it: `None` when that was a panic, or nothing in time.
    fn poll(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Option<T>> {
        match Pin::new(&mut self.future).poll(cx) {
            Poll::Ready(answer) => Poll::Ready(answer.ok()),
            Poll::Pending if self.until <= now => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Questions {
    /// Whether it is not known at this moment that the socket may stay.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.renewing.is_some()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let renewing = self.renewing.as_ref().map(|asked| asked.until);
        let refreshing = self.refreshing.as_ref().map(|refreshing| refreshing.asked.until);
        renewing.into_iter().chain(refreshing).min()
    }
}

impl<S: Transport> LinkTask<S> {
    /// Does what time asks of every socket of the link.
    pub(super) fn poll_lifetimes(&mut self, cx: &mut Context<'_>, now: Instant) {
        for index in 0..self.occupants.len() {
            let Some(Some(Occupant::Live(live))) = self.occupants.get(index) else { continue };
            let slot = live.slot;
            self.poll_refresh(cx, slot, now);
            self.check_life(slot, now);
            self.poll_renewal(cx, slot, now);
            self.warn(slot, now);
        }
    }

    /// Ends a socket whose credential is over, and asks after a session that seems to be.
    pub(super) fn check_life(&mut self, slot: SlotId, now: Instant) {
        let (wall, timeout) = (self.wall, self.services.limits.admission_timeout);
        let Some(live) = self.live(slot) else { return };
        match live.lifetime.state(now, wall) {
            Life::Lives => {}
            Life::Expired => self.cut_socket(slot, DisconnectReason::Expired, now),
            Life::Idle if live.questions.renewing.is_some() => {}
            Life::Idle => {
                let Some(lease) = live.lifetime.lease.clone() else { return };
                let future: BoxFuture<'static, _> =
                    Box::pin(async move { lease.renew(wall).await });
                let until = now + timeout.min(RENEWED_WITHIN);
                live.questions.renewing = Some(Asked { future: Caught::new(future), until });
                // It may have been found out behind the place where questions are asked.
                self.handle.wake();
            }
        }
    }

    fn poll_renewal(&mut self, cx: &mut Context<'_>, slot: SlotId, now: Instant) {
        let wall = self.wall;
        let Some(live) = self.live(slot) else { return };
        let Some(renewing) = &mut live.questions.renewing else { return };
        let Poll::Ready(answer) = renewing.poll(cx, now) else { return };
        if let Some(done) = live.questions.renewing.take() {
            drop_quietly(done.future);
        }
        match answer {
            Some(Ok(_)) => match live.lifetime.state(now, wall) {
                Life::Lives => {}
                Life::Expired => self.cut_socket(slot, DisconnectReason::Expired, now),
                Life::Idle => self.cut_socket(slot, DisconnectReason::SessionExpired, now),
            },
            Some(Err(LeaseError::Ended)) => {
                self.cut_socket(slot, DisconnectReason::SessionExpired, now);
            }
            // Nobody can say that it lives, and by what is known here it does not.
            _ => self.cut_socket(slot, DisconnectReason::Unavailable, now),
        }
    }

    /// Tells the client that its time is nearly over, once for each end.
    fn warn(&mut self, slot: SlotId, now: Instant) {
        let wall = self.wall;
        let Some(live) = self.live(slot) else { return };
        let Some(end) = live.lifetime.expires_at() else { return };
        if !live.is_to_be_warned() || live.lifetime.warn_at(now, wall).is_none_or(|at| at > now) {
            return;
        }
        live.questions.told_of = Some(end);
        let namespace = self.link.namespace(slot);
        let written = ws::append_packet(self.outbox.tail(), |out| {
            packet::write_event(out, namespace, None, Expiring::EVENT, &Expiring::new(end))
        });
        written.expect("wire types are strings, numbers and plain structs");
    }

    /// The client shows another credential.
    pub(super) fn refresh(&mut self, event: &Event<'_>, now: Instant) {
        let (slot, ack) = (event.slot, event.id);
        let until = now + self.services.limits.admission_timeout;
        let Some(live) = self.live(slot) else { return };
        if live.questions.refreshing.is_some() {
            let refusal = Refusal::too_many_attempts(TRY_AGAIN_AFTER);
            return self.not_refreshed(slot, ack, &refusal, now);
        }
        let Some(auth) = payload(event) else {
            return self.not_refreshed(slot, ack, &Refusal::bad_handshake(), now);
        };
        let handshake = Handshake::new(
            Arc::clone(&self.request),
            self.link.namespace(slot),
            auth,
            self.services.clock.wall(),
        )
        .with_credentials(Arc::clone(&self.credentials));
        let Some(live) = self.live(slot) else { return };
        let future = Caught::new(live.socket.refresh(handshake));
        live.questions.refreshing = Some(Refreshing { ack, asked: Asked { future, until } });
    }

    fn poll_refresh(&mut self, cx: &mut Context<'_>, slot: SlotId, now: Instant) {
        let Some(live) = self.live(slot) else { return };
        let Some(Refreshing { ack, asked }) = &mut live.questions.refreshing else { return };
        let ack = *ack;
        let Poll::Ready(answer) = asked.poll(cx, now) else { return };
        if let Some(done) = live.questions.refreshing.take() {
            drop_quietly(done.asked.future);
        }
        match answer {
            Some(Ok(lifetime)) => {
                let refreshed = Refreshed::new(lifetime.expires_at());
                live.lifetime = lifetime;
                live.questions.refusals = 0;
                if let Some(unneeded) = live.questions.renewing.take() {
                    drop_quietly(unneeded.future);
                }
                self.acknowledge(slot, ack, &refreshed);
            }
            Some(Err(NotAdmitted::Refused { refusal, .. })) => {
                self.not_refreshed(slot, ack, &refusal, now);
            }
            Some(Err(NotAdmitted::Undecided { cause, .. })) => {
                if let Some(cause) = cause {
                    tracing::warn!(%cause, "A refresh could not be decided.");
                }
                self.refresh_undecided(slot, ack, RefusalReason::Unavailable);
            }
            None => self.refresh_undecided(slot, ack, RefusalReason::DeadlinePassed),
        }
    }

    fn not_refreshed(&mut self, slot: SlotId, ack: Option<u64>, refusal: &Refusal, now: Instant) {
        let id = self.services.said_no(Decision::Denied, refusal, self.subject(slot));
        self.acknowledge(slot, ack, &ErrorAnswer::refusal(refusal, id));
        // A program that asks in a loop is cut off, as it is with CONNECTs.
        if let Some(live) = self.live(slot) {
            live.questions.refusals += 1;
            if live.questions.refusals > TOLERATED_REFUSALS {
                self.violated(ws::CloseCode::Policy, &REFRESHED_IN_VAIN, now);
            }
        }
    }

    fn refresh_undecided(&mut self, slot: SlotId, ack: Option<u64>, reason: RefusalReason) {
        let id = self.services.decided(Decision::Denied(reason), self.subject(slot));
        let exception = Exception::new("unavailable", "Unavailable");
        self.acknowledge(slot, ack, &ErrorAnswer::ack(&exception, id));
    }

    /// Answers the client, if it has asked.
    fn acknowledge(&mut self, slot: SlotId, ack: Option<u64>, answer: &impl serde::Serialize) {
        let Some(id) = ack else { return };
        let namespace = self.link.namespace(slot);
        let written = ws::append_packet(self.outbox.tail(), |out| {
            packet::write_ack(out, namespace, id, answer)
        });
        written.expect("wire types are strings, numbers and plain structs");
    }

    /// What an audit record says of a refresh.
    fn subject(&self, slot: SlotId) -> Subject<'_> {
        let mut subject = Subject {
            action: Some(Action::Event(Refreshed::EVENT)),
            namespace: Some(self.link.namespace(slot)),
            peer: self.peer(),
            ..Subject::default()
        };
        if let Some(Some(Occupant::Live(live))) = self.occupants.get(slot.index()) {
            subject.user = Some(live.socket.user());
            subject.session = live.socket.session();
            subject.socket = Some(live.id);
        }
        subject
    }
}

/// Reads what the client shows: nothing, or one object as it would pass it as `auth`.
fn payload(event: &Event<'_>) -> Option<Auth> {
    let arguments: Vec<&RawValue> = serde_json::from_str(&event.data).ok()?;
    match arguments[..] {
        [_name] => Some(Auth::default()),
        [_name, auth] => Auth::parse(auth.get()).ok(),
        _ => None,
    }
}

const REFRESHED_IN_VAIN: &str = "too many credentials were refused";

/// Credentials that a socket may show in vain before it is cut off.
const TOLERATED_REFUSALS: usize = 32;

/// How long a store may take to say that a session lives.
const RENEWED_WITHIN: Duration = Duration::from_millis(900);
