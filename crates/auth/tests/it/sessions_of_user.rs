//! Lists, limits and ends the sessions of a user.

use std::{pin::pin, sync::Arc};

use doorward_auth::{NewSession, Sessions, VerifySessionError};
use doorward_core::{RevocationStore, SessionId, SessionStore, UserId};

use crate::world::{HOUR, MINUTE, Random, SECOND, World, begin, done};

#[test]
fn the_least_recently_seen_session_makes_room() {
    let world = World::with(|sessions| sessions.per_user(2));
    let (first, session) = world.sign_in("alice");
    world.pass(MINUTE);
    let (second, _) = world.sign_in("alice");
    let (other, _) = world.sign_in("bob");
    world.pass(MINUTE);
    done(world.sessions.touch(&session)).unwrap();

    let (third, _) = world.sign_in("alice");

    let open = [&first, &second, &third, &other].map(|token| world.opens(token));
    assert_eq!(open, [true, false, true, true]);
}

#[test]
fn an_expired_session_makes_room_before_an_active_one() {
    let world = World::with(|sessions| sessions.per_user(2));
    let (live, session) = world.sign_in("alice");
    world.pass(30 * MINUTE);
    world.sign_in("alice");
    for _ in 0..2 {
        world.pass(30 * MINUTE - SECOND);
        let session = done(world.sessions.get(&session.id)).unwrap();
        done(world.sessions.touch(&session)).unwrap();
    }
    world.pass(2 * SECOND);

    let (third, _) = world.sign_in("alice");

    assert!(world.opens(&live) && world.opens(&third));
    assert_eq!(done(world.memory.of_user(&UserId::new("alice"))).unwrap().len(), 2);
}

/// Two servers have different settings, so the session that was used last has expired.
#[test]
fn an_expired_session_makes_room_even_if_it_was_used_last() {
    let world = World::with(|sessions| sessions.per_user(2));
    let short = Sessions::new(
        Arc::clone(&world.store) as Arc<dyn SessionStore>,
        Arc::new(world.memory.clone()),
        Arc::new(world.clock.clone()),
        Arc::new(Random),
    );
    let short = short.lifetime(30 * MINUTE);
    let (live, _) = world.sign_in("alice");
    world.pass(SECOND);
    done(short.create(NewSession::new("alice"))).unwrap();
    world.pass(30 * MINUTE);

    world.sign_in("alice");

    assert!(world.opens(&live));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_sign_ins_keep_the_limit_and_leave_sessions() {
    let world = Arc::new(World::with(|sessions| sessions.per_user(3)));
    let sign_ins: Vec<_> = (0..32)
        .map(|_| {
            let sessions = Arc::clone(&world.sessions);
            tokio::spawn(async move { sessions.create(NewSession::new("alice")).await.unwrap() })
        })
        .collect();
    for sign_in in sign_ins {
        sign_in.await.unwrap();
    }

    let live = world.sessions.list(&UserId::new("alice")).await.unwrap();

    assert_eq!(live.len(), 3);
}

/// Attack 64.
#[test]
fn a_user_sees_and_ends_only_their_own_sessions() {
    let world = World::new();
    let (alice, bob) = (UserId::new("alice"), UserId::new("bob"));
    let (token, session) = world.sign_in("alice");
    let (_, bobs) = world.sign_in("bob");

    let listed = done(world.sessions.list(&alice)).unwrap();
    assert_eq!(listed, std::slice::from_ref(&session));
    assert!(!done(world.sessions.end_of(&bob, &session.id)).unwrap());
    assert!(!done(world.sessions.end_of(&bob, &SessionId::new("made-up"))).unwrap());
    assert!(done(world.sessions.end_others(&bob, &bobs.id)).unwrap().is_empty());
    done(world.sessions.end_user(&bob)).unwrap();
    assert!(world.opens(&token));

    assert!(done(world.sessions.end_of(&alice, &session.id)).unwrap());
    assert!(!world.opens(&token));
}

/// Attack 64.
#[test]
fn the_list_contains_the_active_sessions() {
    let world = World::apart();
    let alice = UserId::new("alice");
    world.sign_in("alice");
    world.pass(HOUR);
    let (_, second) = world.sign_in("alice");

    assert_eq!(done(world.sessions.list(&alice)).unwrap(), [second]);

    done(world.memory.bump(&alice, world.now())).unwrap();
    assert!(done(world.sessions.list(&alice)).unwrap().is_empty());
}

/// Attack 28, attack 58.
#[test]
fn an_ended_session_is_invalid_and_so_are_its_tokens() {
    for world in [World::new(), World::apart()] {
        let (token, session) = world.sign_in("alice");
        let (other, _) = world.sign_in("alice");

        done(world.sessions.end(&session.id)).unwrap();

        assert!(!world.opens(&token));
        assert_eq!(done(world.store.get(&session.id)).unwrap(), None);
        assert!(world.opens(&other));
        let epoch = done(world.memory.read(&session.user, Some(&session.id), None)).unwrap();
        assert!(epoch.is_ended);
    }
}

/// Attack 64.
#[test]
fn all_other_sessions_end_and_the_kept_one_stays() {
    let world = World::new();
    let (first, ended) = world.sign_in("alice");
    let (kept, session) = world.sign_in("alice");
    let (bob, _) = world.sign_in("bob");

    let others = done(world.sessions.end_others(&session.user, &session.id)).unwrap();

    assert_eq!(others, [ended.id]);
    assert_eq!([&first, &kept, &bob].map(|token| world.opens(token)), [false, true, true]);
}

/// Attack 28: this holds even if revocations are in a separate store, and for sessions of the same
/// millisecond.
#[test]
fn a_revoked_user_has_no_session_and_can_sign_in_again() {
    for world in [World::new(), World::apart()] {
        let (old, session) = world.sign_in("alice");

        let generation = done(world.sessions.end_user(&session.user)).unwrap();
        let (new, session) = world.sign_in("alice");

        assert_eq!(session.generation, generation);
        assert!(!world.opens(&old));
        assert!(world.opens(&new));
    }
}

#[test]
fn a_sign_in_during_a_revocation_is_kept() {
    let world = World::apart();
    let (old, session) = world.sign_in("alice");
    world.store.set_hanging(true);
    let mut ending = pin!(world.sessions.end_user(&session.user));
    assert!(begin(ending.as_mut()).is_pending());
    world.store.set_hanging(false);
    let (new, _) = world.sign_in("alice");

    assert!(begin(ending.as_mut()).is_ready());

    assert!(!world.opens(&old));
    assert!(world.opens(&new));
}

/// Attack 28.
#[test]
fn a_revocation_applies_before_sessions_are_removed() {
    let world = World::apart();
    let (token, session) = world.sign_in("alice");

    done(world.memory.bump(&session.user, world.now())).unwrap();

    let answer = done(world.sessions.verify(&token));
    assert!(matches!(answer, Err(VerifySessionError::Revoked)), "{answer:?}");
}

/// If revocations are in a separate store, only this call removes the records.
#[test]
fn the_end_of_a_user_removes_the_records_of_all_sessions() {
    let world = World::apart();
    world.sign_in("alice");
    world.sign_in("alice");
    let (other, _) = world.sign_in("bob");
    world.pass(SECOND);

    done(world.sessions.end_user(&UserId::new("alice"))).unwrap();

    assert_eq!(done(world.store.of_user(&UserId::new("alice"))).unwrap(), []);
    assert!(world.opens(&other));
}
