//! Decides whether a client enters a namespace: the only file that knows the order.
//!
//! Attempts, authenticate, epoch, guards, reserve the seat, register, epoch again, `on_connect`, the record
//! (where the audit keeps it first), commit the seat. Whatever was taken is held by a guard object, so an early
//! return, a panic and a client that leaves half-way undo it by dropping. After the authenticator no credential
//! is seen any more.
//! Start reading at [`admit`].

use std::sync::{Arc, atomic::Ordering};

use doorward_core::{Action, DisconnectReason, Refusal, RefusalReason};
use tracing::Instrument as _;

use crate::{
    admission::{
        door::Door,
        entered::Entered,
        renewal, seating,
        vetting::{Attempt, Vetted, ask_guards, read_epoch, vet},
    },
    event::trace::hook_span,
    link::seam::{Admitted, Candidate, NotAdmitted},
    room::connection::{self, Connection},
};

/// Admits the client, or says why not, and counts how long that took.
pub(crate) async fn admit<P: Send + Sync + 'static>(
    door: Arc<Door<P>>,
    candidate: Candidate,
) -> Result<Admitted, NotAdmitted> {
    let services = Arc::clone(&candidate.services);
    let begun = services.clock.now();
    let decided = decide(door, candidate).await;
    services.metrics.decided_in(services.clock.now().saturating_duration_since(begun));
    decided
}

async fn decide<P: Send + Sync + 'static>(
    door: Arc<Door<P>>,
    candidate: Candidate,
) -> Result<Admitted, NotAdmitted> {
    let Candidate { handshake, socket, link, services } = candidate;
    let request = Arc::clone(&handshake.request);
    let policy = &door.policy;

    // Read ahead of everything: whoever changes rights moves it before looking who is here.
    let rights = services.rights_changed.load(Ordering::SeqCst);
    let vetted = vet(policy, handshake, door.trust, &services, Attempt::Connect).await?;
    let Vetted { user, access, epoch } = vetted;
    let refuse = |refusal| NotAdmitted::Refused { refusal, user: Some(user.clone()) };

    let (credential, hub) = (access.credential.clone(), door.hub.clone());
    let parts = connection::Parts {
        id: socket,
        hub,
        user: user.clone(),
        trust: door.trust,
        connected_at: services.clock.wall(),
        request,
        link,
    };
    let connection = Connection::new(parts, access);
    let access = connection.access();
    ask_guards(connection.asks(&access, Action::Connect), &door.hub).await?;

    let reservation = seating::reserve(policy, &connection, &services).await?;

    let registered = services.registry.add_socket(Arc::new(connection.clone()), &credential);
    services.metrics.sockets.increment(1.0);
    let mut entered = Entered {
        connection,
        door: Arc::clone(&door),
        greeted: 0,
        entry: Some(registered),
        seat: None,
        otherwise: DisconnectReason::Refused,
        is_recorded: false,
        services: Arc::clone(&services),
    };
    // Whoever revokes from here on finds the entry; who did so before is seen in the epoch.
    if read_epoch(&user, &access, door.trust, &services).await? != epoch {
        return Err(refuse(Refusal::unauthenticated(RefusalReason::RevokedMeanwhile)));
    }
    // The same for whoever changes rights.
    if services.rights_changed.load(Ordering::SeqCst) != rights {
        renewal::look_again(&entered.connection).await?;
    }

    for hooks in &door.hooks {
        if let Some(hook) = &hooks.connect {
            let span = hook_span(&entered.connection, "on_connect");
            hook(entered.connection.clone()).instrument(span).await.map_err(refuse)?;
        }
        entered.greeted += 1;
    }

    // Before the seat is taken: no socket is replaced by one that does not enter.
    if services.records_first() {
        entered.record();
        if !services.kept_first().await {
            let cause = Some("the audit has not kept the record".into());
            return Err(NotAdmitted::Undecided { reason: RefusalReason::Unavailable, cause });
        }
    }
    entered.seat = Some(seating::commit(reservation, &user, &services).await?);
    // From here on broadcasts find it; its link keeps them until the client was told that it is in.
    entered.connection.enter_namespace();
    entered.otherwise = DisconnectReason::TransportClosed;
    let lifetime = entered.connection.access().lifetime.clone();
    let concurrency = door.concurrency;
    let is_recorded = entered.is_recorded;
    Ok(Admitted { socket: Box::new(entered), lifetime, concurrency, is_recorded })
}
