//! Ends sockets and links.
//!
//! A socket leaves every list before its hooks run and its last packets are written. After a final
//! end the client does not reconnect, because it receives a DISCONNECT before the link closes.
//! After a temporary end it reconnects automatically, because only the transport ends. While other
//! sockets use the link, DISCONNECT is sent in both cases and the link stays open. Start reading at
//! [`LinkState::end_socket`].

use std::{fmt, future::Future, sync::Arc, task::Poll, time::Duration};

use doorward_core::{Decision, DisconnectReason, RefusalReason, wire::SessionEnded};
use doorward_protocol::{SlotId, engine, packet, ws::CloseCode};

use crate::{
    event::{answer::Answer, invocation::Invocation, trace::Trace},
    link::{live::Live, sockets::Occupant, state::LinkState, turn::Turn},
    presence::services::{Services, Subject},
    runtime::{
        catch::{catch, drop_quietly},
        metrics::Metrics,
    },
    transport::outbox::Outbox,
};

impl LinkState {
    /// Ends one socket. The link stays open while other sockets use it.
    pub(super) fn end_socket(&mut self, slot: SlotId, reason: DisconnectReason, turn: &Turn<'_>) {
        let Some(Occupant::Live(live)) = self.sockets.take(slot) else { return };
        self.retire(*live, reason);
        // A CONNECT that waits for its admission counts as a namespace too.
        let alone = self.protocol.namespaces() == 1;
        let is_final = is_final(reason);
        if is_final || !alone {
            let namespace = self.protocol.namespace(slot);
            self.outbox.control(|out| packet::write_disconnect(out, namespace));
        }
        self.protocol.ended(slot, turn.now);
        self.keep_count();
        if alone && is_final {
            self.close_for_good(turn);
        } else if alone {
            self.close(CloseCode::GoingAway, reason.as_str(), turn);
        }
    }

    /// Ends one socket whose client has lost its access. Packets that are queued for the socket are
    /// dropped. If one of them was already sent in part, the connection is cut.
    pub(super) fn cut_socket(&mut self, slot: SlotId, reason: DisconnectReason, turn: &Turn<'_>) {
        let others = self.sockets.all_live().filter(|live| live.slot != slot);
        let others: Vec<_> = others.map(|live| live.owner).collect();
        // This also drops packets of sockets that ended earlier. The events that tell clients the
        // reason of an end are kept, because they have no owner.
        let is_clean = self.outbox.cut(|owner| others.contains(&owner));
        self.was_cut = true;
        self.end_socket(slot, reason, turn);
        if !is_clean {
            // A packet for the socket was sent in part. Its rest must not be sent, and nothing else
            // can be sent instead, so the connection is cut.
            self.abort(DisconnectReason::TransportClosed, turn);
            self.outbox.clear(&self.services.metrics.outbox);
        }
    }

    /// Handles a client that leaves a namespace or abandons its admission.
    pub(super) fn client_left(&mut self, slot: SlotId, turn: &Turn<'_>) {
        match self.sockets.take(slot) {
            Some(Occupant::Live(live)) => self.retire(*live, DisconnectReason::ClientLeft),
            Some(Occupant::Pending(pending)) => {
                drop_quietly(pending);
                self.forget_admission(slot, RefusalReason::Abandoned);
            }
            // The admission had not started.
            None => {}
        }
        self.protocol.left(slot, turn.now);
        self.keep_count();
        if self.protocol.is_refused() {
            self.close_for_good(turn);
        }
    }

    /// Ends the link and all of its sockets. The client reconnects automatically, unless it has
    /// closed the link itself.
    pub(super) fn end_link(&mut self, reason: DisconnectReason, turn: &Turn<'_>) {
        if self.closing.is_some() {
            return;
        }
        self.end_all_sockets(reason);
        match reason {
            // The client is disconnected or does not read, so waiting would achieve nothing. If it
            // was revoked meanwhile, it must not receive what is queued for its sockets.
            DisconnectReason::TransportClosed | DisconnectReason::SlowConsumer => {
                if !self.outbox.cut(|_| false) {
                    self.outbox.clear(&self.services.metrics.outbox);
                }
                self.closing = Some(turn.now);
            }
            DisconnectReason::ClientLeft => self.close(CloseCode::Normal, "", turn),
            _ => self.close(CloseCode::GoingAway, reason.as_str(), turn),
        }
    }

    /// Closes the link without a packet, so that a stock client reconnects automatically. The link
    /// has no admitted sockets. The reason in the close frame tells the client to wait for `wait`.
    pub(super) fn come_back_after(&mut self, wait: Duration, turn: &Turn<'_>) {
        for occupant in self.sockets.take_all() {
            // No socket uses the link. The client repeats pending CONNECTs on its next link.
            if let Occupant::Pending(pending) = occupant {
                let slot = pending.slot;
                drop_quietly(pending);
                self.forget_admission(slot, RefusalReason::TooManyAttempts);
            }
        }
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let reason = format!("too many attempts: try again in {seconds} s");
        self.close(CloseCode::TryAgainLater, &reason, turn);
    }

    /// Closes the link because the client has violated the protocol. `why` contains no client
    /// input.
    pub(super) fn violated(&mut self, code: CloseCode, why: &impl fmt::Display, turn: &Turn<'_>) {
        if self.closing.is_some() {
            return;
        }
        if self.protocol.is_known() {
            self.end_all_sockets(DisconnectReason::ProtocolViolation);
            self.close(code, &why.to_string(), turn);
        } else {
            self.throw_out(RefusalReason::ProtocolViolation, code, &why.to_string(), turn);
        }
    }

    /// Closes a link without an authenticated client. The client receives no packet about this. The
    /// close frame contains `why`, for the developer of the client.
    pub(super) fn throw_out(
        &mut self,
        reason: RefusalReason,
        code: CloseCode,
        why: &str,
        turn: &Turn<'_>,
    ) {
        // Sockets and admissions on the link have audit records of their own.
        if self.sockets.is_empty() {
            let subject = Subject { peer: self.peer(), ..Subject::default() };
            self.services.decided(Decision::Closed(reason), subject);
        }
        self.end_all_sockets(DisconnectReason::ProtocolViolation);
        self.close(code, why, turn);
    }

    /// Ends a link whose connection is lost or must be cut. No more packets are sent.
    pub(super) fn abort(&mut self, reason: DisconnectReason, turn: &Turn<'_>) {
        self.end_link(reason, turn);
        self.closing = self.closing.and(Some(turn.now));
    }

    /// Closes the link after its queued packets are sent. The client does not reconnect.
    pub(super) fn close_for_good(&mut self, turn: &Turn<'_>) {
        // Usually the link has no sockets left. A client with far too many refused CONNECTs loses
        // the sockets that it still has.
        self.end_all_sockets(DisconnectReason::ProtocolViolation);
        // Without this packet python-socketio takes the end of a WebSocket for a failure, and
        // reconnects.
        self.outbox.engine(engine::write_close);
        self.close(CloseCode::Normal, "", turn);
    }

    fn close(&mut self, code: CloseCode, reason: &str, turn: &Turn<'_>) {
        self.outbox.close(code, reason);
        self.closing.get_or_insert(turn.now + LAST_WORDS);
    }

    /// Keeps a handler running after its socket has ended. The output of the handler is dropped. If
    /// too many such handlers run already, this handler is cancelled, so that a client that
    /// reconnects in a loop does not accumulate them.
    pub(super) fn let_finish(&self, invocation: Invocation, trace: Trace) {
        // A handler that has not begun must not begin now, and a stream has no receiver.
        if invocation.is_streaming() || !invocation.has_begun() {
            return trace.run(|| drop_quietly(invocation));
        }
        let afterwards = Arc::clone(&self.services.afterwards).try_acquire_owned();
        match afterwards {
            Ok(permit) if Arc::strong_count(&self.finishing) <= FINISHING_PER_LINK => {
                let (services, counted) = (Arc::clone(&self.services), Arc::clone(&self.finishing));
                let under_way = services.farewells.subscribe();
                spawn(async move {
                    finish(services, invocation, trace).await;
                    drop((permit, counted, under_way));
                });
            }
            _ => {
                Metrics::hit("afterwards");
                trace.run(|| drop_quietly(invocation));
            }
        }
    }

    fn end_all_sockets(&mut self, reason: DisconnectReason) {
        for occupant in self.sockets.take_all() {
            match occupant {
                Occupant::Live(live) => self.retire(*live, reason),
                Occupant::Pending(pending) => {
                    let slot = pending.slot;
                    drop_quietly(pending);
                    self.forget_admission(slot, abandoned(reason));
                }
            }
        }
    }

    /// Removes a socket from every list, records its end, and informs the hooks and the client.
    fn retire(&mut self, live: Live, reason: DisconnectReason) {
        let Live { slot, socket, running, .. } = live;
        let decision = self.services.decided(Decision::Ended(reason), socket.subject(None));
        if let Some(farewell) = socket.end(reason) {
            spawn(farewell);
        }
        for running in running {
            self.let_finish(running.invocation, running.trace);
        }
        if let Some(ended) = SessionEnded::new(reason, decision) {
            let namespace = self.protocol.namespace(slot);
            // The event has no owner, so it is sent even if other packets for the socket are
            // dropped.
            let written = self.outbox.packet(None, |out| {
                packet::write_event(out, namespace, None, SessionEnded::EVENT, &ended)
            });
            written.expect("wire types are strings, numbers and plain structs");
        }
    }

    /// Counts the link as unauthenticated again after its last authenticated socket has ended. It
    /// is counted even if its address has no place left.
    fn keep_count(&mut self) {
        if self.place.is_none() && !self.protocol.is_known() {
            let headers = self.request.headers();
            self.place = Some(self.services.link_places(headers).take(self.peer()));
        }
    }
}

/// Returns `true` if the client must not reconnect automatically.
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

/// Returns the reason to record for an admission that was not decided before its link ended.
fn abandoned(reason: DisconnectReason) -> RefusalReason {
    match reason {
        DisconnectReason::Shutdown => RefusalReason::ShuttingDown,
        DisconnectReason::ProtocolViolation => RefusalReason::ProtocolViolation,
        DisconnectReason::Unavailable => RefusalReason::Unavailable,
        _ => RefusalReason::Abandoned,
    }
}

/// Runs a handler whose socket has ended until it is done, for at most `Limits::handler_timeout`.
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
        // The panic hook has printed the panic, and no client waits for an answer.
        let polled = trace.run(|| catch(|| invocation.as_mut().run(cx, &mut answer)));
        // A stream would have no receiver.
        let is_over = polled.is_err() || invocation.is_streaming();
        match polled {
            // The handler has failed its `Ack` and keeps running.
            Ok(Poll::Ready(_)) if !is_over && !invocation.is_done() => Poll::Pending,
            Ok(poll) if !is_over => poll.map(drop),
            _ => Poll::Ready(()),
        }
    });
    if services.within(services.limits.handler_timeout, done).await.is_none() {
        tracing::debug!("A handler that outlived its socket timed out.");
    }
    trace.run(|| drop_quietly(invocation));
}

/// Spawns work that outlives the link. If the runtime has already stopped, the work is dropped.
fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(work);
    }
}

/// Maximum number of handlers of one link that keep running after their sockets have ended.
const FINISHING_PER_LINK: usize = 8;

/// Time limit for sending the last packets and for the client to close its side. On timeout the
/// connection is cut.
const LAST_WORDS: Duration = Duration::from_secs(1);
