//! Starts the admissions of a link, and answers the CONNECTs of its client.

use std::{pin::Pin, sync::Arc, task::Poll};

use doorward_core::{
    Action, Anonymous, AuthPayload, Decision, DisconnectReason, Refusal, RefusalCode,
    RefusalReason, SocketId, UserId, wire::ConnectError,
};
use doorward_protocol::{Admission, SlotId, packet};

use crate::{
    link::{
        live::Live,
        pending::Pending,
        seam::{AdmitResult, Admitted, Candidate, Found, NotAdmitted},
        sockets::Occupant,
        state::{LinkState, TRY_AGAIN_AFTER},
        turn::Turn,
    },
    presence::services::Subject,
    runtime::{
        catch::{Caught, Panicked, drop_quietly},
        metrics::Metrics,
        outage_log::NoAnswer,
    },
};

impl LinkState {
    /// Starts the admissions that wait and polls those that run, until no admission makes progress.
    ///
    /// The protocol limits the number of concurrent admissions, so the end of one admission may
    /// allow another to start.
    pub(super) fn poll_admissions(&mut self, turn: &Turn<'_>) {
        loop {
            self.start_admissions(turn);
            let mut decided = false;
            for index in 0..self.sockets.len() {
                let Some(pending) = self.sockets.pending_at(index) else { continue };
                let slot = pending.slot;
                if let Poll::Ready(result) = Pin::new(&mut pending.future).poll(&mut turn.cx()) {
                    self.decided(slot, result, turn);
                    decided = true;
                } else if pending.deadline <= turn.now {
                    // An authenticator, a store or a guard has not answered in time.
                    self.services.admissions.failed(turn.now, &NoAnswer);
                    self.undecided(slot, RefusalReason::DeadlinePassed, turn);
                    decided = true;
                }
            }
            if !decided || self.closing.is_some() {
                return;
            }
        }
    }

    fn start_admissions(&mut self, turn: &Turn<'_>) {
        while self.closing.is_none()
            && let Some(admission) = self.protocol.poll_admission()
        {
            match admission {
                Admission::Exhausted { slot } => {
                    self.refuse(slot, &Refusal::too_many_attempts(TRY_AGAIN_AFTER), None, turn);
                }
                Admission::Start { slot, auth } => {
                    if let Err(refusal) = self.start_admission(slot, auth.as_deref(), turn) {
                        self.refuse(slot, &refusal, None, turn);
                    }
                }
            }
        }
    }

    fn start_admission(
        &mut self,
        slot: SlotId,
        auth: Option<&str>,
        turn: &Turn<'_>,
    ) -> Result<(), Refusal> {
        let found = self.namespaces.find(self.protocol.namespace(slot));
        let Found { name, namespace } = found.ok_or_else(Refusal::invalid_namespace)?;
        let auth = auth
            .map(AuthPayload::parse)
            .transpose()
            .map_err(|_malformed| Refusal::bad_handshake())?;
        let socket = SocketId::generate(&*self.services.entropy);
        let trust = namespace.trust();
        let candidate = Candidate {
            handshake: self.handshake(name, auth.unwrap_or_default()),
            socket,
            link: Arc::clone(&self.handle),
            services: Arc::clone(&self.services),
        };
        let pending = Pending {
            deadline: turn.now + self.services.limits.admission_timeout,
            socket,
            early: Vec::new(),
            early_bytes: 0,
            ended: None,
            slot,
            trust,
            future: Caught::new(namespace.admit(candidate)),
        };
        self.sockets.put(slot, Occupant::Pending(Box::new(pending)));
        Ok(())
    }

    fn decided(&mut self, slot: SlotId, result: Result<AdmitResult, Panicked>, turn: &Turn<'_>) {
        match result {
            Ok(Ok(admitted)) if self.services.is_draining() => {
                drop_quietly(admitted);
                self.undecided(slot, RefusalReason::ShuttingDown, turn);
            }
            Ok(Ok(admitted)) if !self.enter_term(admitted.term) => {
                drop_quietly(admitted);
                self.undecided(slot, RefusalReason::Unavailable, turn);
            }
            Ok(Ok(admitted)) => {
                self.services.admissions.answered(turn.now);
                self.admit(slot, admitted, turn);
            }
            Ok(Err(NotAdmitted::Refused { refusal, user })) => {
                self.refuse(slot, &refusal, user.as_ref(), turn);
            }
            Ok(Err(NotAdmitted::Undecided { reason, cause })) => {
                if let Some(cause) = cause {
                    self.services.admissions.failed(turn.now, &*cause);
                }
                self.undecided(slot, reason, turn);
            }
            Err(panicked) => {
                tracing::error!(%panicked, "An admission could not be decided.");
                self.undecided(slot, RefusalReason::Panicked, turn);
            }
        }
    }

    /// Cancels a running admission, because its client was revoked or has lost its rights. The
    /// client receives the refusal that it would have received for a CONNECT after this change. If
    /// the next CONNECT may be decided in another way, the link ends without a refusal.
    pub(super) fn cut_admission(
        &mut self,
        slot: SlotId,
        reason: DisconnectReason,
        turn: &Turn<'_>,
    ) {
        let refusal = match reason {
            DisconnectReason::CredentialOutdated | DisconnectReason::Unavailable => {
                return self.undecided(slot, RefusalReason::Unavailable, turn);
            }
            DisconnectReason::Forbidden => Refusal::forbidden(),
            DisconnectReason::SessionExpired => Refusal::session_expired(),
            _ => Refusal::unauthenticated(RefusalReason::RevokedMeanwhile),
        };
        self.refuse(slot, &refusal, None, turn);
    }

    fn admit(&mut self, slot: SlotId, admitted: Admitted, turn: &Turn<'_>) {
        let Some(Occupant::Pending(pending)) = self.sockets.take(slot) else { return };
        let Pending { socket: id, early, trust, ended, future, .. } = *pending;
        drop_quietly(future);
        self.protocol.admitted(slot, trust);
        // An authenticated link does not count towards the limit of its address.
        if self.protocol.is_known() {
            self.place = None;
        }
        if !admitted.is_recorded {
            let subject = admitted.socket.subject(Some(Action::Connect));
            self.services.decided(Decision::Admitted, subject);
        }
        // The client must read the answer to its CONNECT before any event of the namespace.
        let namespace = self.protocol.namespace(slot);
        self.outbox.control(|out| packet::write_connect(out, namespace, &id.encode()));
        let owner = self.sockets.next_owner();
        for frame in &early {
            self.outbox.push(owner, frame);
        }
        self.sockets.put(slot, Occupant::Live(Box::new(Live::new(slot, id, owner, admitted))));
        if let Some(reason) = ended {
            self.end_socket(slot, reason, turn);
        }
    }

    /// Refuses a CONNECT with a `CONNECT_ERROR`. Closes the link if no other namespace is on it, or
    /// if the client was refused too often.
    ///
    /// If the refusal is `too_many_attempts` and no socket uses the link, the link closes without a
    /// `CONNECT_ERROR`, so that the client tries again later.
    fn refuse(&mut self, slot: SlotId, refusal: &Refusal, user: Option<&UserId>, turn: &Turn<'_>) {
        drop_quietly(self.sockets.take(slot));
        let (namespaces, name) = (Arc::clone(&self.namespaces), self.protocol.namespace(slot));
        let is_known = user.is_some_and(|user| user.as_str() != Anonymous::USER);
        let namespace = if is_known { Some(name) } else { namespaces.known(name) };
        let subject = Subject { user, ..self.connecting(namespace) };
        let id = self.services.said_no(Decision::Refused, refusal, subject);
        Metrics::refused(refusal.code());
        if refusal.code() == RefusalCode::TooManyAttempts
            && self.sockets.all_live().next().is_none()
        {
            // The client only has to wait. A stock client reconnects automatically after it loses
            // its connection, but not after a CONNECT_ERROR.
            self.protocol.refused(slot);
            return self.come_back_after(refusal.retry_after().unwrap_or(TRY_AGAIN_AFTER), turn);
        }
        let namespace = self.protocol.namespace(slot);
        let refusal = self.services.worded(refusal);
        self.outbox.control(|out| {
            packet::write_connect_error(out, namespace, &ConnectError::new(&refusal, id));
        });
        self.protocol.refused(slot);
        if self.protocol.is_refused() {
            self.close_for_good(turn);
        }
    }

    /// Ends the link without an answer to the CONNECT, so that the client reconnects and tries
    /// again.
    fn undecided(&mut self, slot: SlotId, reason: RefusalReason, turn: &Turn<'_>) {
        drop_quietly(self.sockets.take(slot));
        self.forget_admission(slot, reason);
        let end = if reason == RefusalReason::ShuttingDown {
            DisconnectReason::Shutdown
        } else {
            DisconnectReason::Unavailable
        };
        self.end_link(end, turn);
    }

    /// Records in the audit that an admission was not decided. The caller has removed the
    /// admission.
    pub(super) fn forget_admission(&self, slot: SlotId, reason: RefusalReason) {
        let subject = self.connecting(self.namespaces.known(self.protocol.namespace(slot)));
        self.services.decided(Decision::Undecided(reason), subject);
    }
}
