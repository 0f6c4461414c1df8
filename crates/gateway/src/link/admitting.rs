//! Lets clients into namespaces, or does not.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use doorward_core::{
    Action, Auth, BoxFuture, Decision, DisconnectReason, Handshake, Refusal, RefusalCode,
    RefusalReason, SocketId, UserId, wire::ConnectError,
};
use doorward_protocol::{
    Admission, Frame, SlotId, Trust, packet,
    ws::{self, Opcode},
};

use crate::{
    link::{
        ending::TRY_AGAIN_AFTER,
        live::Live,
        seam::{Admitted, Candidate, NotAdmitted},
        task::{LinkTask, Occupant},
    },
    presence::services::Subject,
    runtime::{
        catch::{Caught, Panicked, drop_quietly},
        metrics::Metrics,
        outage::NoAnswer,
    },
    transport::stream::Transport,
};

/// An admission that is under way.
pub(super) struct Deciding {
    pub(super) deadline: Instant,
    pub(super) socket: SocketId,
    /// What a connect hook has emitted: it leaves behind the CONNECT answer, or not at all.
    early: Vec<Frame>,
    early_bytes: usize,
    /// Somebody has ended the socket before it came to be.
    pub(super) ended: Option<DisconnectReason>,
    slot: SlotId,
    trust: Trust,
    future: Caught<BoxFuture<'static, Result<Admitted, NotAdmitted>>>,
}

impl Deciding {
    /// Keeps what a connect hook emits, and says whether that is within `limit` bytes.
    pub(super) fn keep(&mut self, frame: Frame, limit: usize) -> bool {
        self.early_bytes += frame.len();
        self.early.push(frame);
        self.early_bytes <= limit
    }

    pub(super) fn slot(&self) -> SlotId {
        self.slot
    }
}

impl<S: Transport> LinkTask<S> {
    /// Starts what may be started and looks what has been decided, until neither changes anything.
    pub(super) fn poll_admissions(&mut self, cx: &mut Context<'_>, now: Instant) {
        loop {
            self.start_admissions(now);
            let mut decided = false;
            for index in 0..self.occupants.len() {
                let Some(Some(Occupant::Deciding(deciding))) = self.occupants.get_mut(index) else {
                    continue;
                };
                let slot = deciding.slot;
                if let Poll::Ready(result) = Pin::new(&mut deciding.future).poll(cx) {
                    self.decided(slot, result, now);
                    decided = true;
                } else if deciding.deadline <= now {
                    // An authenticator, a store or a guard hangs.
                    self.services.admissions.failed(now, &NoAnswer);
                    self.undecided(slot, RefusalReason::DeadlinePassed, now);
                    decided = true;
                }
            }
            if !decided || self.closing.is_some() {
                return;
            }
        }
    }

    fn start_admissions(&mut self, now: Instant) {
        while self.closing.is_none()
            && let Some(admission) = self.link.poll_admission()
        {
            match admission {
                Admission::Exhausted { slot } => {
                    self.refuse(slot, &Refusal::too_many_attempts(TRY_AGAIN_AFTER), None, now);
                }
                Admission::Start { slot, auth } => {
                    if let Err(refusal) = self.start_admission(slot, auth.as_deref(), now) {
                        self.refuse(slot, &refusal, None, now);
                    }
                }
            }
        }
    }

    fn start_admission(
        &mut self,
        slot: SlotId,
        auth: Option<&str>,
        now: Instant,
    ) -> Result<(), Refusal> {
        let found = self.namespaces.get_key_value(self.link.namespace(slot));
        let (name, namespace) = found.ok_or_else(Refusal::invalid_namespace)?;
        let auth =
            auth.map(Auth::parse).transpose().map_err(|_malformed| Refusal::bad_handshake())?;
        let socket = SocketId::generate(&*self.services.entropy);
        let trust = namespace.trust();
        let entry = Candidate {
            handshake: Handshake::new(
                Arc::clone(&self.request),
                Arc::clone(name),
                auth.unwrap_or_default(),
                self.services.clock.wall(),
            )
            .with_credentials(Arc::clone(&self.credentials)),
            socket,
            link: Arc::clone(&self.handle),
            services: Arc::clone(&self.services),
        };
        let deciding = Deciding {
            deadline: now + self.services.limits.admission_timeout,
            socket,
            early: Vec::new(),
            early_bytes: 0,
            ended: None,
            slot,
            trust,
            future: Caught::new(Arc::clone(namespace).admit(entry)),
        };
        *self.occupant(slot) = Some(Occupant::Deciding(Box::new(deciding)));
        Ok(())
    }

    fn decided(
        &mut self,
        slot: SlotId,
        result: Result<Result<Admitted, NotAdmitted>, Panicked>,
        now: Instant,
    ) {
        match result {
            Ok(Ok(admitted)) if self.services.is_draining() => {
                drop_quietly(admitted);
                self.undecided(slot, RefusalReason::ShuttingDown, now);
            }
            Ok(Ok(admitted)) => {
                self.services.admissions.answered(now);
                self.admit(slot, admitted, now);
            }
            Ok(Err(NotAdmitted::Refused { refusal, user })) => {
                self.refuse(slot, &refusal, user.as_ref(), now);
            }
            Ok(Err(NotAdmitted::Undecided { reason, cause })) => {
                if let Some(cause) = cause {
                    self.services.admissions.failed(now, &*cause);
                }
                self.undecided(slot, reason, now);
            }
            Err(panicked) => {
                tracing::error!(%panicked, "An admission could not be decided.");
                self.undecided(slot, RefusalReason::Panicked, now);
            }
        }
    }

    /// Ends an admission whose client may not come in any more: nothing more of it is run, and the client is
    /// not even told that it was nearly in.
    pub(super) fn cut_admission(&mut self, slot: SlotId, reason: DisconnectReason, now: Instant) {
        let refusal = match reason {
            DisconnectReason::Unavailable => {
                return self.undecided(slot, RefusalReason::Unavailable, now);
            }
            DisconnectReason::Forbidden => Refusal::forbidden(),
            DisconnectReason::SessionExpired => Refusal::session_expired(),
            _ => Refusal::unauthenticated(RefusalReason::RevokedMeanwhile),
        };
        self.refuse(slot, &refusal, None, now);
    }

    fn admit(&mut self, slot: SlotId, admitted: Admitted, now: Instant) {
        let Some(Occupant::Deciding(deciding)) = self.occupant(slot).take() else { return };
        let Deciding { socket: id, early, trust, ended, future, .. } = *deciding;
        drop_quietly(future);
        self.link.admitted(slot, trust);
        if self.link.is_known() {
            self.place = None;
        }
        let subject = Subject {
            action: Some(Action::Connect),
            namespace: Some(self.link.namespace(slot)),
            user: Some(admitted.socket.user()),
            session: admitted.socket.session(),
            socket: Some(id),
            peer: self.peer(),
            ..Subject::default()
        };
        if !admitted.is_recorded {
            self.services.decided(Decision::Admitted, subject);
        }
        let namespace = self.link.namespace(slot);
        ws::append(self.outbox.tail(), Opcode::Text, |out| {
            packet::write_connect(out, namespace, &id.encode());
        });
        for frame in &early {
            self.outbox.push(frame);
        }
        *self.occupant(slot) = Some(Occupant::Live(Box::new(Live::new(slot, id, admitted))));
        if let Some(reason) = ended {
            self.end_socket(slot, reason, now);
        }
    }

    /// Tells the client no, once; the link closes when nothing else is on it. Where a budget is used up, and no other
    /// socket lives on the link, the client is not told but sent away for a while.
    fn refuse(&mut self, slot: SlotId, refusal: &Refusal, user: Option<&UserId>, now: Instant) {
        drop_quietly(self.occupant(slot).take());
        // The name of a namespace that does not exist is whatever the client has written.
        let exists = refusal.code() != RefusalCode::InvalidNamespace;
        let subject = Subject {
            action: Some(Action::Connect),
            namespace: exists.then(|| self.link.namespace(slot)),
            user,
            peer: self.peer(),
            ..Subject::default()
        };
        let id = self.services.said_no(Decision::Refused, refusal, subject);
        Metrics::refused(refusal.code());
        if refusal.code() == RefusalCode::TooManyAttempts && self.all_live().next().is_none() {
            // A wait mends it, and stock clients come back by themselves where they read no packet.
            self.link.refused(slot);
            return self.come_back_after(refusal.retry_after().unwrap_or(TRY_AGAIN_AFTER), now);
        }
        let namespace = self.link.namespace(slot);
        ws::append(self.outbox.tail(), Opcode::Text, |out| {
            packet::write_connect_error(out, namespace, &ConnectError::new(refusal, id));
        });
        self.link.refused(slot);
        if self.link.is_refused() {
            self.close_for_good(now);
        }
    }

    /// Ends the transport without an answer, so that the client comes back and asks again.
    fn undecided(&mut self, slot: SlotId, reason: RefusalReason, now: Instant) {
        drop_quietly(self.occupant(slot).take());
        self.forget_admission(slot, reason);
        let end = if reason == RefusalReason::ShuttingDown {
            DisconnectReason::Shutdown
        } else {
            DisconnectReason::Unavailable
        };
        self.end_link(end, now);
    }

    /// Writes down that nothing was decided.
    pub(super) fn forget_admission(&self, slot: SlotId, reason: RefusalReason) {
        let subject = Subject {
            action: Some(Action::Connect),
            namespace: Some(self.link.namespace(slot)),
            peer: self.peer(),
            ..Subject::default()
        };
        self.services.decided(Decision::Undecided(reason), subject);
    }
}
