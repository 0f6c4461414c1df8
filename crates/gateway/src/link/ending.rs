//! Ends sockets and links.
//!
//! A socket is ended first and told second: when the hooks are asked and the packets are written it
//! is already out of every list. An end is final for the client (DISCONNECT, close) or passing (the
//! transport ends, the client comes back by itself). Start reading at [`LinkTask::end_socket`].

use std::{fmt, future::Future, sync::Arc, task::Poll, time::Duration};

use doorward_core::{Decision, DisconnectReason, RefusalReason, wire::SessionEnded};
use doorward_protocol::{SlotId, engine, packet, ws::CloseCode};

use crate::{
    event::{answer::Answer, invocation::Invocation, trace::Trace},
    link::{
        live::Live,
        sockets::Occupant,
        state::{Closing, LinkState},
        turn::Turn,
    },
    presence::services::{Services, Subject},
    runtime::{
        catch::{catch, drop_quietly},
        metrics::Metrics,
    },
    transport::outbox::Outbox,
};

impl LinkState {
    /// Ends one socket. The link stays when others live on it.
    pub(super) fn end_socket(&mut self, slot: SlotId, reason: DisconnectReason, turn: &Turn<'_>) {
        let Some(Occupant::Live(live)) = self.sockets.take(slot) else { return };
        self.retire(*live, reason);
        // A CONNECT that nobody has looked at yet counts as well.
        let alone = self.protocol.namespaces() == 1;
        let is_final = is_final(reason);
        if is_final || !alone {
            let namespace = self.protocol.namespace(slot);
            self.outbox.text(|out| packet::write_disconnect(out, namespace));
        }
        self.protocol.ended(slot, turn.now);
        self.keep_count();
        if alone && is_final {
            self.close_for_good(turn);
        } else if alone {
            self.close(CloseCode::GoingAway, reason.as_str(), turn);
        }
    }

    /// Ends one socket that may not stay: nothing that waits to be sent to it is sent any more.
    pub(super) fn cut_socket(&mut self, slot: SlotId, reason: DisconnectReason, turn: &Turn<'_>) {
        let others = self.sockets.all_live().filter(|live| live.slot != slot);
        let others: Vec<_> = others.map(|live| live.owner).collect();
        // Packets of a socket that ended earlier are dropped as well; the event that told it why is
        // not.
        let is_clean = self.outbox.cut(|owner| others.contains(&owner));
        self.end_socket(slot, reason, turn);
        if !is_clean {
            // Half of a packet to it has been written, and neither its other half may be nor
            // anything else.
            self.abort(DisconnectReason::TransportClosed, turn);
            self.outbox.clear(&self.services.metrics.outbox);
        }
    }

    /// The client has left a namespace, or has given up entering it.
    pub(super) fn client_left(&mut self, slot: SlotId, turn: &Turn<'_>) {
        match self.sockets.take(slot) {
            Some(Occupant::Live(live)) => self.retire(*live, DisconnectReason::ClientLeft),
            Some(Occupant::Deciding(deciding)) => {
                drop_quietly(deciding);
                self.forget_admission(slot, RefusalReason::Abandoned);
            }
            // It had not even been looked at.
            None => {}
        }
        self.protocol.left(slot, turn.now);
        self.keep_count();
        if self.protocol.is_refused() {
            self.close_for_good(turn);
        }
    }

    /// Ends the link with everything on it; the client comes back unless it left by itself.
    pub(super) fn end_link(&mut self, reason: DisconnectReason, turn: &Turn<'_>) {
        if self.closing.is_some() {
            return;
        }
        self.end_everybody(reason);
        match reason {
            // There is nobody to tell, or nobody who listens.
            DisconnectReason::TransportClosed | DisconnectReason::SlowConsumer => {
                self.closing = Some(Closing { until: turn.now });
            }
            DisconnectReason::ClientLeft => self.close(CloseCode::Normal, "", turn),
            _ => self.close(CloseCode::GoingAway, reason.as_str(), turn),
        }
    }

    /// Ends the link without a packet: a stock client comes back by itself, and the reason of the
    /// close says when it will do.
    pub(super) fn come_back_after(&mut self, wait: Duration, turn: &Turn<'_>) {
        for occupant in self.sockets.take_all() {
            // No socket lives on the link; what is still being decided is for the next one.
            if let Occupant::Deciding(deciding) = occupant {
                let slot = deciding.slot;
                drop_quietly(deciding);
                self.forget_admission(slot, RefusalReason::TooManyAttempts);
            }
        }
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let reason = format!("too many attempts: try again in {seconds} s");
        self.close(CloseCode::TryAgainLater, &reason, turn);
    }

    /// Ends the link because the client does not keep to the protocol; `why` holds no word of the
    /// client.
    pub(super) fn violated(&mut self, code: CloseCode, why: &impl fmt::Display, turn: &Turn<'_>) {
        if self.closing.is_some() {
            return;
        }
        if self.protocol.is_known() {
            self.end_everybody(DisconnectReason::ProtocolViolation);
            self.close(code, &why.to_string(), turn);
        } else {
            self.throw_out(RefusalReason::ProtocolViolation, code, &why.to_string(), turn);
        }
    }

    /// Ends a link without a known client, without an answer; the client's developer finds `why` in
    /// the close frame.
    pub(super) fn throw_out(
        &mut self,
        reason: RefusalReason,
        code: CloseCode,
        why: &str,
        turn: &Turn<'_>,
    ) {
        // Each client that is on it gets a record of its own.
        if self.sockets.is_empty() {
            let subject = Subject { peer: self.peer(), ..Subject::default() };
            self.services.decided(Decision::Closed(reason), subject);
        }
        self.end_everybody(DisconnectReason::ProtocolViolation);
        self.close(code, why, turn);
    }

    /// Ends a link whose transport is gone.
    pub(super) fn abort(&mut self, reason: DisconnectReason, turn: &Turn<'_>) {
        self.end_link(reason, turn);
        if let Some(closing) = &mut self.closing {
            closing.until = turn.now;
        }
    }

    /// Says everything that is left to say, and that the client is not to come back.
    pub(super) fn close_for_good(&mut self, turn: &Turn<'_>) {
        // Whoever goes on asking beyond all measure ends with everything that is on the link.
        self.end_everybody(DisconnectReason::ProtocolViolation);
        // Without this packet python-socketio takes the end of a WebSocket for an accident.
        self.outbox.text(engine::write_close);
        self.close(CloseCode::Normal, "", turn);
    }

    fn close(&mut self, code: CloseCode, reason: &str, turn: &Turn<'_>) {
        self.outbox.close(code, reason);
        self.closing.get_or_insert(Closing { until: turn.now + LAST_WORDS });
    }

    /// Lets a handler come to its own end after its socket has ended, heard by nobody. When too
    /// many do so already it is dropped instead: a client that comes and goes must not gather them.
    pub(super) fn let_finish(&self, invocation: Invocation, trace: Trace) {
        // What has not begun does not begin any more, and a stream has nobody to go to.
        if invocation.is_streaming() || !invocation.has_begun() {
            return trace.run(|| drop_quietly(invocation));
        }
        let afterwards = Arc::clone(&self.services.afterwards).try_acquire_owned();
        match afterwards {
            Ok(permit) if Arc::strong_count(&self.finishing) <= FINISHING_PER_LINK => {
                let (services, counted) = (Arc::clone(&self.services), Arc::clone(&self.finishing));
                spawn(async move {
                    finish(services, invocation, trace).await;
                    drop((permit, counted));
                });
            }
            _ => {
                Metrics::hit("afterwards");
                trace.run(|| drop_quietly(invocation));
            }
        }
    }

    fn end_everybody(&mut self, reason: DisconnectReason) {
        for occupant in self.sockets.take_all() {
            match occupant {
                Occupant::Live(live) => self.retire(*live, reason),
                Occupant::Deciding(deciding) => {
                    let slot = deciding.slot;
                    drop_quietly(deciding);
                    self.forget_admission(slot, abandoned(reason));
                }
            }
        }
    }

    /// Takes a socket out of every list, writes it down, tells the client and the hooks.
    fn retire(&mut self, live: Live, reason: DisconnectReason) {
        let Live { slot, id, socket, running, .. } = live;
        let subject = Subject {
            namespace: Some(self.protocol.namespace(slot)),
            user: Some(socket.user()),
            session: socket.session(),
            socket: Some(id),
            peer: self.peer(),
            ..Subject::default()
        };
        let decision = self.services.decided(Decision::Ended(reason), subject);
        if let Some(farewell) = socket.end(reason) {
            spawn(farewell);
        }
        for running in running {
            self.let_finish(running.invocation, running.trace);
        }
        if let Some(ended) = SessionEnded::new(reason, decision) {
            let namespace = self.protocol.namespace(slot);
            // It has no owner: it is sent also when everything else for the socket is dropped.
            let written = self.outbox.packet(None, |out| {
                packet::write_event(out, namespace, None, SessionEnded::EVENT, &ended)
            });
            written.expect("wire types are strings, numbers and plain structs");
        }
    }

    /// Counts the link among the unknown of its address, or of foreign pages there, after its last
    /// known socket.
    fn keep_count(&mut self) {
        if self.place.is_none() && !self.protocol.is_known() {
            let headers = self.request.headers();
            self.place = Some(self.services.keep_link_place(self.peer(), headers));
        }
    }
}

/// Whether the client is to stay away, and not to come back by itself.
fn is_final(reason: DisconnectReason) -> bool {
    matches!(
        reason,
        DisconnectReason::Forbidden
            | DisconnectReason::Replaced
            | DisconnectReason::Revoked
            | DisconnectReason::ServerLeft
            | DisconnectReason::SessionExpired
    )
}

/// Why an admission was not decided when its link ended.
fn abandoned(reason: DisconnectReason) -> RefusalReason {
    match reason {
        DisconnectReason::Shutdown => RefusalReason::ShuttingDown,
        DisconnectReason::ProtocolViolation => RefusalReason::ProtocolViolation,
        DisconnectReason::Unavailable => RefusalReason::Unavailable,
        _ => RefusalReason::Abandoned,
    }
}

/// Runs a handler to its end, at most as long as any handler may take.
async fn finish(services: Arc<Services>, mut invocation: Invocation, trace: Trace) {
    let mut nowhere = Outbox::default();
    let done = std::future::poll_fn(|cx| {
        nowhere.forget();
        let mut answer = Answer {
            out: &mut nowhere,
            owner: None,
            namespace: "/",
            event: "",
            ack: None,
            room: usize::MAX,
            is_blocked: false,
        };
        // A panic has been printed by its hook, and there is nobody to be answered.
        let polled = trace.run(|| catch(|| invocation.poll(cx, &mut answer)));
        // What it would stream now goes nowhere.
        let is_over = polled.is_err() || invocation.is_streaming();
        if is_over {
            Poll::Ready(())
        } else {
            polled.map_or(Poll::Ready(()), |poll| poll.map(drop))
        }
    });
    if services.within(services.limits.handler_timeout, done).await.is_none() {
        tracing::debug!("A handler was dropped that outlived its socket for too long.");
    }
    trace.run(|| drop_quietly(invocation));
}

/// Spawns work that outlives the link; when the runtime is already gone, so is the work.
fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(work);
    }
}

/// Handlers of one link that may be coming to their end after their sockets have ended.
const FINISHING_PER_LINK: usize = 8;

/// Time for the last packets to leave and for the peer to close.
const LAST_WORDS: Duration = Duration::from_secs(1);
