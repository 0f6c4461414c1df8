//! Tests for the expiry of sessions, the comparison with revocations, and the manual clock.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Waker},
    time::{Duration, SystemTime},
};

use doorward_core::{
    Clock as _, CredentialRef, Issued, MAX_AHEAD, MAX_LIFETIME, ManualClock, Outlives, REMEMBERED,
    RevocationState, Session, SessionId, UserId,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn a_session_is_over_after_idleness_or_its_lifetime_whichever_is_first() {
    let mut session = Session::new(SessionId::new("s"), "alice", at(0), HOUR, 2 * HOUR);

    assert_eq!(session.expires_at(), at(3_600));
    assert!(
        !session.is_over(at(3_599)) && session.is_over(at(3_600)) && session.is_over(at(3_601))
    );
    session.seen_at = at(5_400);
    assert_eq!(session.expires_at(), at(7_200));
    // A store keeps the record for one more hour, so that a client that returns late reads that its
    // session has expired.
    assert_eq!(session.forget_at(), at(7_200 + 3_600));
}

#[test]
fn a_lifetime_beyond_the_calendar_ends_in_a_thousand_years() {
    let session = Session::new(SessionId::new("s"), "alice", at(0), Duration::MAX, Duration::MAX);

    assert_eq!(session.expires_at(), at(1000 * 365 * 24 * 3_600));
}

#[test]
fn a_token_of_a_far_future_is_not_certain_to_outlive_a_revocation() {
    let user = UserId::new("alice");
    let revoked = RevocationState { revoked_at: Some(at(100)), ..RevocationState::default() };
    let outlives = |issued, ahead| {
        let issued = Issued::Claimed { at: at(issued), ahead };
        CredentialRef { user: &user, session: None, token: None, issued }.outlives(&revoked)
    };

    // A tolerance above one hour counts as one hour.
    let from = 100 + MAX_AHEAD.as_secs() + 1;
    assert_eq!(outlives(from, Duration::MAX), Outlives::Yes);
    assert_eq!(outlives(from - 1, Duration::MAX), Outlives::Unknown { from: at(from) });
    // A fraction of a second counts as a whole second.
    assert_eq!(outlives(102, Duration::from_millis(1_500)), Outlives::Unknown { from: at(103) });
    assert_eq!(outlives(103, Duration::from_millis(1_500)), Outlives::Yes);
}

#[test]
fn the_generation_of_a_revocation_is_its_time_or_the_next_number() {
    let state = |generation| RevocationState { generation, ..RevocationState::default() };

    assert_eq!(state(7).next_generation(at(5)), 5_000);
    assert_eq!(state(9_000).next_generation(at(5)), 9_001);
    assert_eq!(state(u64::MAX).next_generation(at(5)), u64::MAX);
}

#[test]
fn a_manual_clock_moves_both_times_and_only_when_it_is_told() {
    let clock = ManualClock::default();
    let (now, wall) = (clock.now(), clock.wall());
    assert_eq!((clock.now(), clock.wall()), (now, wall));

    clock.advance(SECOND);
    assert_eq!((clock.now(), clock.wall()), (now + SECOND, wall + SECOND));

    clock.set_wall(at(5));
    assert_eq!((clock.now(), clock.wall()), (now + SECOND, at(5)));
}

#[test]
fn every_wait_for_one_moment_ends_at_that_moment() {
    let clock = ManualClock::new();
    let (start, mut cx) = (clock.now(), Context::from_waker(Waker::noop()));
    let (mut one, mut other) =
        (pin!(clock.sleep_until(start + SECOND)), pin!(clock.sleep_until(start + SECOND)));
    let mut past = pin!(clock.sleep_until(start));

    assert!(past.as_mut().poll(&mut cx).is_ready());
    assert!(one.as_mut().poll(&mut cx).is_pending() && other.as_mut().poll(&mut cx).is_pending());
    clock.advance(SECOND - Duration::from_nanos(1));
    assert!(one.as_mut().poll(&mut cx).is_pending() && other.as_mut().poll(&mut cx).is_pending());
    clock.advance(Duration::from_nanos(1));
    assert!(one.as_mut().poll(&mut cx).is_ready() && other.as_mut().poll(&mut cx).is_ready());
}

/// A credential may live for 30 days, and its issuer's clock may be an hour ahead. Until then its
/// revocation must be known.
#[test]
fn a_revocation_is_kept_for_longer_than_any_credential_lives() {
    assert_eq!(MAX_LIFETIME, Duration::from_secs(30 * 24 * 60 * 60));
    assert_eq!(REMEMBERED, Duration::from_secs((30 * 24 + 1) * 60 * 60));
}
