//! Prolongs and ends sessions through the leases of sockets.

use std::{sync::Arc, time::Duration};

use doorward_core::{LeaseError, RevocationStore, SessionStore};

use crate::world::{HOUR, MINUTE, SECOND, World, begin, done};

#[test]
fn all_sockets_of_a_session_share_one_lease() {
    let world = World::new();
    let (_, session) = world.sign_in("alice");
    let (_, other) = world.sign_in("alice");

    let first = world.sessions.lease(&session);
    let second = world.sessions.lease(&session);

    assert!(Arc::ptr_eq(&first, &second));
    assert!(!Arc::ptr_eq(&first, &world.sessions.lease(&other)));
    world.pass(MINUTE);
    first.touch(world.now());
    assert_eq!(second.expires_at(), Some(world.now() + HOUR));
}

/// Attack 59.
#[test]
fn events_prolong_a_session_but_not_beyond_its_longest_life() {
    let world = World::new();
    let (_, session) = world.sign_in("alice");
    let lease = world.sessions.lease(&session);

    for _ in 0..23 {
        world.pass(30 * MINUTE);
        lease.touch(world.now());
        done(lease.renew(world.now())).unwrap();
        assert_eq!(lease.expires_at(), Some((world.now() + HOUR).min(session.ends_at)));
    }
    world.pass(30 * MINUTE);
    lease.touch(world.now());

    assert_eq!(lease.expires_at(), Some(session.ends_at));
    assert!(matches!(done(lease.renew(world.now())), Err(LeaseError::Ended)));
}

/// Attack 59.
#[test]
fn an_idle_session_expires_for_good() {
    let world = World::new();
    let (_, session) = world.sign_in("alice");
    let lease = world.sessions.lease(&session);

    world.pass(HOUR);
    lease.touch(world.now());

    assert_eq!(lease.expires_at(), Some(world.now()));
    assert!(matches!(done(lease.renew(world.now())), Err(LeaseError::Ended)));
    assert!(done(world.sessions.get(&session.id)).is_err());
}

#[test]
fn events_are_written_once_a_minute_at_most() {
    let world = World::new();
    let (_, session) = world.sign_in("alice");
    let lease = world.sessions.lease(&session);

    for _ in 0..600 {
        world.pass(SECOND);
        lease.touch(world.now());
        done(lease.renew(world.now())).unwrap();
    }

    assert_eq!(world.store.touches(), 10);
    assert_eq!(done(world.sessions.get(&session.id)).unwrap().seen_at, world.now());
}

#[test]
fn nothing_is_written_without_activity() {
    let world = World::new();
    let (_, session) = world.sign_in("alice");
    let lease = world.sessions.lease(&session);
    world.pass(90 * SECOND);
    lease.touch(world.now());
    world.pass(2 * MINUTE);

    for _ in 0..30 {
        world.pass(MINUTE);
        done(lease.renew(world.now())).unwrap();
    }

    assert_eq!(world.store.touches(), 1);
}

#[test]
fn one_of_several_concurrent_renewals_writes() {
    let world = World::new();
    let (_, session) = world.sign_in("alice");
    let lease = world.sessions.lease(&session);
    world.pass(2 * MINUTE);
    lease.touch(world.now());
    world.store.set_hanging(true);

    let mut renewals: Vec<_> = (0..8).map(|_| lease.renew(world.now())).collect();
    for renewal in &mut renewals {
        assert!(begin(renewal.as_mut()).is_pending());
    }

    assert_eq!(world.store.touches(), 1);
}

#[test]
fn a_renewal_learns_what_another_server_has_written() {
    let world = World::new();
    let (_, session) = world.sign_in("alice");
    let lease = world.sessions.lease(&session);
    world.pass(59 * MINUTE);

    done(world.store.touch(&session.id, world.now())).unwrap();
    let seen_elsewhere = world.now();
    world.pass(30 * MINUTE);

    done(lease.renew(world.now())).unwrap();
    assert_eq!(lease.expires_at(), Some(seen_elsewhere + HOUR));
    assert_eq!(lease.expires_at(), Some(seen_elsewhere + HOUR));
}

/// Attack 58.
#[test]
fn a_session_that_another_server_has_ended_ends_here() {
    let world = World::new();
    let (_, session) = world.sign_in("alice");
    let (first, second) = (world.sessions.lease(&session), world.sessions.lease(&session));

    done(world.memory.end_session(&session.id, world.now())).unwrap();

    assert!(matches!(done(first.renew(world.now())), Err(LeaseError::Ended)));
    assert!(second.expires_at().unwrap() <= world.now());
}

/// Attack 58.
#[test]
fn a_session_that_was_ended_here_has_ended_at_once() {
    for end_user in [false, true] {
        let world = World::new();
        let (_, session) = world.sign_in("alice");
        let (_, others) = world.sign_in("bob");
        let (lease, other) = (world.sessions.lease(&session), world.sessions.lease(&others));

        if end_user {
            done(world.sessions.end_user(&session.user)).unwrap();
        } else {
            done(world.sessions.end(&session.id)).unwrap();
        }

        assert!(lease.expires_at().unwrap() <= world.now());
        assert_eq!(other.expires_at(), Some(world.now() + HOUR));
        lease.touch(world.now() + SECOND);
        assert!(lease.expires_at().unwrap() <= world.now());
    }
}

/// Attack 28.
#[test]
fn a_session_made_before_a_revocation_ends() {
    let world = World::apart();
    let (_, session) = world.sign_in("alice");
    let lease = world.sessions.lease(&session);

    done(world.memory.bump(&session.user, world.now())).unwrap();

    assert!(matches!(done(lease.renew(world.now())), Err(LeaseError::Ended)));
}

/// Attack 92.
#[test]
fn while_the_store_is_away_nothing_is_decided_and_nothing_is_lost() {
    let world = World::new();
    let (_, session) = world.sign_in("alice");
    let lease = world.sessions.lease(&session);
    world.pass(2 * MINUTE);
    lease.touch(world.now());
    let seen_at = world.now();
    world.store.set_away(true);

    let answer = done(lease.renew(world.now()));
    assert!(matches!(answer, Err(LeaseError::Unavailable(_))), "{answer:?}");

    world.store.set_away(false);
    world.pass(SECOND);
    done(lease.renew(world.now())).unwrap();
    assert_eq!(lease.expires_at(), Some(seen_at + HOUR));
    assert_eq!(done(world.sessions.get(&session.id)).unwrap().seen_at, seen_at);
}

#[test]
fn a_later_renewal_writes_what_a_cancelled_one_did_not() {
    let world = World::new();
    let (_, session) = world.sign_in("alice");
    let lease = world.sessions.lease(&session);
    world.pass(2 * MINUTE);
    lease.touch(world.now());
    let seen_at = world.now();
    world.store.set_hanging(true);
    let mut renewal = lease.renew(world.now());
    assert!(begin(renewal.as_mut()).is_pending());
    drop(renewal);

    world.store.set_hanging(false);
    world.pass(MINUTE);
    done(lease.renew(world.now())).unwrap();

    assert_eq!(done(world.sessions.get(&session.id)).unwrap().seen_at, seen_at);
}

/// For an hour, the activity is recorded in this process and not in the store.
#[test]
fn activity_is_written_before_the_session_expires_in_the_store() {
    let world = World::new();
    let (token, session) = world.sign_in("alice");
    let lease = world.sessions.lease(&session);
    world.pass(59 * MINUTE);
    lease.touch(world.now());
    let seen_at = world.now();
    world.pass(30 * MINUTE);

    done(lease.renew(world.now())).unwrap();
    assert_eq!(lease.expires_at(), Some(seen_at + HOUR));
    assert!(world.opens(&token));
}

/// The last write recorded old activity, so the next write does not wait for a minute.
#[test]
fn a_session_never_expires_in_the_store_while_it_is_active_here() {
    let world = World::new();
    let (token, session) = world.sign_in("alice");
    let lease = world.sessions.lease(&session);
    world.pass(SECOND);
    lease.touch(world.now());
    world.pass(59 * MINUTE + 30 * SECOND);
    done(lease.renew(world.now())).unwrap();
    world.pass(10 * SECOND);
    lease.touch(world.now());
    done(lease.renew(world.now())).unwrap();

    world.pass(30 * SECOND);

    assert!(world.opens(&token));
    assert_eq!(world.store.touches(), 2);
}

/// Attack 29.
#[test]
fn a_clock_that_is_set_back_neither_ends_nor_prolongs_a_session() {
    let world = World::new();
    let (_, session) = world.sign_in("alice");
    let lease = world.sessions.lease(&session);
    world.pass(59 * MINUTE);
    lease.touch(world.now());
    let expires_at = lease.expires_at().unwrap();

    world.clock.set_wall(session.created_at - HOUR);
    lease.touch(world.now());

    done(lease.renew(world.now())).unwrap();
    assert_eq!(lease.expires_at(), Some(expires_at));
    assert_eq!(lease.expires_at(), Some(expires_at));
}

#[test]
fn activity_of_a_short_session_is_written_more_often() {
    let world = World::with(|sessions| sessions.idle_timeout(Duration::from_secs(20)));
    let (token, session) = world.sign_in("alice");
    let lease = world.sessions.lease(&session);

    for _ in 0..60 {
        world.pass(SECOND);
        lease.touch(world.now());
        done(lease.renew(world.now())).unwrap();
        assert!(world.opens(&token));
    }

    assert_eq!(world.store.touches(), 12);
}

#[test]
fn a_request_over_http_prolongs_the_sockets_too() {
    let world = World::new();
    let (_, session) = world.sign_in("alice");
    let lease = world.sessions.lease(&session);

    // The first request is not written, but recorded in the lease.
    for time in [30 * SECOND, 30 * MINUTE] {
        world.pass(time);
        done(world.sessions.touch(&session)).unwrap();
        assert_eq!(lease.expires_at(), Some(world.now() + HOUR));
    }

    world.pass(30 * SECOND);
    lease.touch(world.now());
    done(lease.renew(world.now())).unwrap();
    assert_eq!(world.store.touches(), 1);
}
