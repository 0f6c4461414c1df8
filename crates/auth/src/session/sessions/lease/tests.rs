//! Checks that unused leases are dropped.

use doorward_core::{Clock, Entropy, ManualClock};

use super::*;
use crate::{MemoryStore, Sessions};

struct Zero;

impl Entropy for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

#[test]
fn only_leases_in_use_are_kept() {
    let (store, clock) = (Arc::new(MemoryStore::default()), ManualClock::new());
    let revocations = Arc::clone(&store);
    let sessions = Sessions::new(store, revocations, Arc::new(clock.clone()), Arc::new(Zero));
    let session = |id: &str| {
        let hour = Duration::from_hours(1);
        Session::new(SessionId::new(id), "alice", clock.wall(), hour, hour)
    };
    let count = || lock(&sessions.leases.held).len();

    let first = sessions.lease(&session("s-1"));
    let again = sessions.lease(&session("s-1"));
    let second = sessions.lease(&session("s-2"));
    assert_eq!(count(), 2);

    drop(first);
    assert_eq!(count(), 2);
    drop((again, second));
    assert_eq!(count(), 0);
}
