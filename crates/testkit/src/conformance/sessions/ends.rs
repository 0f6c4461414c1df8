//! Rules about activity, expiry and sweeps.

use std::time::Duration;

use doorward_core::{Session, UserId};

use super::super::{
    Outcome,
    samples::{IDLE, LIFETIME, at, key, session},
};
use super::{Store, assert_kept};

const INSTANT: Duration = Duration::from_millis(1);

/// A delayed call with an earlier time changes nothing.
pub async fn activity_extends_a_session_and_never_shortens_it(store: Store) -> Outcome {
    let (mut touched, other) = (session("s-1", "alice"), session("s-2", "alice"));
    store.create(&key(1), &touched).await?;
    store.create(&key(2), &other).await?;

    for (now, expected) in [(100, 100), (50, 100), (100, 100), (101, 101), (0, 101)] {
        assert!(store.touch(&touched.id, at(now)).await?);

        touched.seen_at = at(expected);
        assert_kept(&*store, 1, &touched).await?;
    }
    assert_kept(&*store, 2, &other).await
}

/// Attack 59: activity after the expiry does not revive a session.
pub async fn an_expired_session_is_not_revived(store: Store) -> Outcome {
    let mut touched = session("s-1", "alice");
    store.create(&key(1), &touched).await?;

    for late in [touched.expires_at(), touched.expires_at() + INSTANT, touched.expires_at() + IDLE]
    {
        assert!(!store.touch(&touched.id, late).await?, "{late:?}");
        assert_kept(&*store, 1, &touched).await?;
    }
    let last = touched.expires_at() - INSTANT;
    assert!(store.touch(&touched.id, last).await?);
    touched.seen_at = last;
    assert_kept(&*store, 1, &touched).await
}

/// Attack 59: activity does not move the absolute end.
pub async fn no_activity_extends_a_session_beyond_its_end(store: Store) -> Outcome {
    let mut touched = session("s-1", "alice");
    store.create(&key(1), &touched).await?;
    let mut now = at(0);
    while now + IDLE / 2 < touched.ends_at {
        now += IDLE / 2;
        assert!(store.touch(&touched.id, now).await?, "{now:?}");
    }
    assert!(store.touch(&touched.id, touched.ends_at - INSTANT).await?);

    assert!(!store.touch(&touched.id, touched.ends_at).await?);
    assert!(!store.touch(&touched.id, touched.ends_at + INSTANT).await?);

    touched.seen_at = touched.ends_at - INSTANT;
    assert_kept(&*store, 1, &touched).await?;
    assert!(touched.is_over(touched.ends_at));
    Ok(())
}

/// Creates sessions with different lifetimes and idle timeouts.
fn several() -> Vec<Session> {
    let user = |number: u64| if number.is_multiple_of(3) { "alice" } else { "bob" };
    let make = |number: u64| {
        let mut session = session(&format!("s-{number}"), user(number));
        session.ends_at = at(0) + LIFETIME * u32::try_from(number % 5 + 1).unwrap_or(1);
        session.idle_timeout = IDLE * u32::try_from(number % 4 + 1).unwrap_or(1);
        session
    };
    (0..20).map(make).collect()
}

/// A sweep returns the number of sessions that it removed, and removes no session too early. A store that expires
/// entries by its own clock may remove none in a sweep.
pub async fn a_sweep_removes_only_sessions_that_may_be_forgotten(store: Store) -> Outcome {
    let mut kept: Vec<_> = several().into_iter().enumerate().collect();
    for (number, session) in &kept {
        store.create(&key(*number), session).await?;
    }
    let mut ends: Vec<_> = kept.iter().map(|(_, session)| session.forget_at()).collect();
    ends.sort();
    ends.dedup();

    for end in ends {
        assert_eq!(store.sweep(end - INSTANT).await?, 0, "the sweep is one millisecond too early");
        let due = kept.iter().filter(|(_, session)| session.forget_at() <= end).count();

        let forgotten = store.sweep(end).await?;

        let mut gone = 0;
        for (number, session) in std::mem::take(&mut kept) {
            if store.get(&session.id).await?.is_some() {
                assert_kept(&*store, number, &session).await?;
                kept.push((number, session));
            } else {
                assert!(session.forget_at() <= end, "{:?} is forgotten too early", session.id);
                assert_eq!(store.find(&key(number)).await?, None);
                gone += 1;
            }
        }
        assert_eq!(forgotten, gone, "the sweep returns how many it removed");
        assert!(gone == 0 || u64::try_from(due).unwrap_or(0) == gone, "all of them or none");
    }
    let left = store.of_user(&UserId::new("alice")).await?;
    assert_eq!(
        left.len(),
        kept.iter().filter(|(_, session)| session.user == UserId::new("alice")).count()
    );
    Ok(())
}

/// A client that returns late learns that its session has expired, not that it is unknown.
pub async fn an_expired_session_is_found_until_it_may_be_forgotten(store: Store) -> Outcome {
    let over = session("s-1", "alice");
    store.create(&key(1), &over).await?;

    for now in [over.expires_at(), over.ends_at, over.forget_at() - INSTANT] {
        assert!(over.is_over(now));
        assert_eq!(store.sweep(now).await?, 0);
        assert_kept(&*store, 1, &over).await?;
    }
    Ok(())
}
