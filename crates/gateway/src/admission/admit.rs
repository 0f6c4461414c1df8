//! Decides if a client may enter a namespace. Only this file contains the order of the steps.
//!
//! The steps are: check that the audit has room for a record, check the budgets for attempts, call
//! the authenticator, read the revocation state, call the guards, reserve a seat, register the
//! socket, read the revocation state again, run the `on_connect` hooks, write the audit record (if
//! the audit must keep it before the client enters), and commit the seat.
//!
//! Each acquired resource is owned by a value that releases it when dropped. So an early return, a
//! panic or a disconnect releases all of them. No step after the authenticator sees the credential.
//! Start reading at [`admit`].

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use doorward_core::{Action, Decision, DisconnectReason, Refusal, RefusalReason};
use doorward_protocol::Trust;
use tracing::Instrument as _;

use crate::{
    admission::{
        door::Door,
        entered::Entered,
        refresh, seating,
        vetting::{Attempt, Vetted, ask_guards, read_epoch, vet},
    },
    event::trace::hook_span,
    link::seam::{AdmitResult, Admitted, Candidate, NotAdmitted},
    room::socket::{self, Socket},
};

/// Decides if a client is admitted, and records the duration of the decision in the metrics.
pub(crate) async fn admit<P: Send + Sync + 'static>(
    door: Arc<Door<P>>,
    candidate: Candidate,
) -> AdmitResult {
    let services = Arc::clone(&candidate.services);
    let begun = services.clock.now();
    let decided = decide(door, candidate).await;
    services.metrics.admission.record(services.clock.now().saturating_duration_since(begun));
    decided
}

async fn decide<P: Send + Sync + 'static>(door: Arc<Door<P>>, candidate: Candidate) -> AdmitResult {
    let Candidate { handshake, socket, link, services } = candidate;
    let request = Arc::clone(&handshake.request);
    let policy = &door.rules.policy;

    // The order is part of the security of the server:
    // - The guards run before the seat is reserved, because a reservation may probe other
    //   connections. A client that a guard denies must not cause such probes.
    // - A namespace that a pattern opens takes its place after the guards, so that only admitted
    //   clients use places up.
    // - The seat is reserved before the hooks run, so that no hook runs for a client without a
    //   seat. The reservation counts while a hook runs.
    // - The socket is registered before the revocation state is read again. A revocation is stored
    //   first and then searches the registry. So either the revocation finds the socket, or the
    //   second read finds the revocation.
    // - The seat is committed last, so that only a client that has passed every other step replaces
    //   another socket.

    // The term is read before everything else, so that a node that loses its lease during the
    // admission admits no client.
    let term = match door.rules.trust {
        Trust::Known => Some(services.standing.term(&*services.clock).ok_or_else(outside)?),
        Trust::Anonymous => None,
    };
    // The counter is read before the principal is loaded. A change of rights increments the counter
    // and then searches the registry. So either the change finds this socket, or the comparison
    // below detects the change.
    let rights = services.rights_changed.load(Ordering::SeqCst);
    let vetted =
        vet(&*policy.authenticator, handshake, door.rules.trust, &services, Attempt::Connect)
            .await?;
    let Vetted { user, access, epoch } = vetted;
    let refuse = |refusal| NotAdmitted::Refused { refusal, user: Some(user.clone()) };

    let hub = door.hub.clone();
    let (id, trust, connected_at) = (socket, door.rules.trust, services.clock.wall());
    let parts = socket::Parts { id, hub, user: user.clone(), trust, connected_at, request, link };
    let socket = Socket::new(parts, access);
    let access = socket.access();
    ask_guards(socket.asks(&access, Action::Connect), &door.hub).await?;

    if !door.hub.take_place() {
        return Err(refuse(Refusal::too_many_attempts(WHILE_FULL)));
    }

    let reservation = seating::reserve(policy, &socket, &services).await?;

    let registered = services.registry.add_socket(Arc::new(socket.clone()), &access.shown());
    services.metrics.sockets.increment(1.0);
    let mut entered = Entered {
        socket,
        door: Arc::clone(&door),
        greeted: 0,
        entry: Some(registered),
        seat: None,
        otherwise: DisconnectReason::Refused,
        is_recorded: false,
        services: Arc::clone(&services),
    };
    // A revocation after the registration finds the socket. A revocation before the registration is
    // part of the state that is read here.
    if read_epoch(&user, &access, door.rules.trust, &services).await? != epoch {
        return Err(refuse(Refusal::unauthenticated(RefusalReason::RevokedMeanwhile)));
    }
    // The principal may have been loaded before a change of rights, so it is loaded again.
    if services.rights_changed.load(Ordering::SeqCst) != rights {
        refresh::check_again(&entered.socket).await?;
    }

    for hooks in &door.rules.hooks {
        if let Some(hook) = &hooks.connect {
            let span = hook_span(&entered.socket, "on_connect");
            hook(entered.socket.clone()).instrument(span).await.map_err(refuse)?;
        }
        entered.greeted += 1;
    }

    // The record is kept before the seat is taken, so that a client whose record is not kept
    // replaces no socket.
    if let Some(kept) = services.audit.kept_first() {
        let subject = entered.socket.subject(Some(Action::Connect));
        let (_, is_recorded) = services.record(Decision::Admitted, subject);
        entered.is_recorded = is_recorded;
        if !(is_recorded && kept.await) {
            let cause = Some("the audit has not kept the record".into());
            return Err(NotAdmitted::unavailable(cause));
        }
    }
    // Before the seat is taken, so that a client that replaces another one does not wait afterwards.
    let channel = entered.socket.subscribe().await;
    entered.seat = Some(seating::commit(reservation, &user, &services).await?);
    // From now on broadcasts reach the socket. The link holds their packets back until the CONNECT
    // is answered.
    entered.socket.enter_namespace(channel);
    entered.otherwise = DisconnectReason::TransportClosed;
    let lifetime = entered.socket.access().lifetime.clone();
    let concurrency = door.rules.concurrency;
    let is_recorded = entered.is_recorded;
    Ok(Admitted { socket: Box::new(entered), lifetime, concurrency, is_recorded, term })
}

/// Returns the outcome while this node is not a member of its cluster.
fn outside() -> NotAdmitted {
    NotAdmitted::unavailable(Some("this node is not a member of its cluster".into()))
}

/// Time after which a client may try again to open a namespace, if its pattern has opened as many as it
/// may.
const WHILE_FULL: Duration = Duration::from_secs(10);
