//! Runs the conformance tests of stores on the memory store.

use std::{
    future::ready,
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward_auth::MemoryStore;
use doorward_core::{
    BoxFuture, REMEMBERED, RevocationStore as _, SessionId, SessionStore as _, Ticket,
    TicketRecord, TicketStore as _, UserId,
};
use doorward_testkit::{conformance, conformance::Subject};

use crate::world::{Random, SECOND, done};

struct InMemory(Arc<MemoryStore>);

impl Subject for InMemory {
    type Store = MemoryStore;

    fn store(&self) -> Arc<MemoryStore> {
        self.0.clone()
    }

    fn dump(&self) -> BoxFuture<'_, String> {
        Box::pin(ready(String::new()))
    }
}

async fn in_memory() -> InMemory {
    InMemory(Arc::default())
}

conformance!(in_memory);

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn a_sweep_removes_tickets_that_have_expired_and_no_other() {
    let store = MemoryStore::default();
    let (early, late) = (Ticket::generate(&Random), Ticket::generate(&Random));
    for (ticket, seconds) in [(&early, 10), (&late, 11)] {
        let session = SessionId::new("s");
        let record = TicketRecord { session, challenge: [0; 32], expires_at: at(seconds) };
        done(store.put_ticket(&ticket.key(), &record)).unwrap();
    }

    done(store.sweep(at(10))).unwrap();

    assert_eq!(done(store.take_ticket(&early.key())).unwrap(), None);
    assert!(done(store.take_ticket(&late.key())).unwrap().is_some());
}

/// A credential lives for at most 30 days, so a store may delete older revocations.
#[test]
fn a_sweep_forgets_a_revocation_that_no_credential_can_meet() {
    let store = MemoryStore::default();
    let (user, session) = (UserId::new("alice"), SessionId::new("s"));
    done(store.bump(&user, at(10))).unwrap();
    done(store.end_session(&session, at(10))).unwrap();
    let state = || done(store.read(&user, Some(&session), None)).unwrap();

    done(store.sweep(at(10) + REMEMBERED - SECOND)).unwrap();
    assert!(state().is_ended && state().revoked_at.is_some());
    done(store.sweep(at(10) + REMEMBERED)).unwrap();
    assert!(!state().is_ended && state().revoked_at.is_none());
}
