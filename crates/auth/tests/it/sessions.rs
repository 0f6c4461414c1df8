//! Creates, verifies, prolongs and ends sessions.

use std::{net::IpAddr, sync::Arc};

use doorward_auth::{CreateSessionError, MemoryStore, NewSession, Sessions, VerifySessionError};
use doorward_core::{MAX_LIFETIME, SessionData, SessionId, SessionToken, StoreError};
use serde_json::json;

use crate::world::{HOUR, MINUTE, Random, SECOND, World, done};

#[test]
fn a_session_is_found_by_its_token_and_by_its_id() {
    let world = World::new();

    let (token, session) = world.sign_in("alice");

    assert_eq!(done(world.sessions.verify(&token)).unwrap(), session);
    assert_eq!(done(world.sessions.get(&session.id)).unwrap(), session);
    assert_eq!(session.user.as_str(), "alice");
    assert_eq!(session.created_at, world.now());
    assert_eq!(session.signed_in_at, world.now());
}

#[test]
fn a_token_that_was_never_issued_is_unknown() {
    let world = World::new();
    world.sign_in("alice");

    let guessed = done(world.sessions.verify(&SessionToken::generate(&Random)));
    let id = done(world.sessions.get(&SessionId::new("made-up")));

    assert!(matches!(guessed, Err(VerifySessionError::Unknown)), "{guessed:?}");
    assert!(matches!(id, Err(VerifySessionError::Unknown)), "{id:?}");
}

/// Attack 59.
#[test]
fn a_session_expires_when_its_client_is_idle_for_too_long() {
    let world = World::new();
    let (token, session) = world.sign_in("alice");

    world.pass(HOUR - SECOND);
    assert!(world.opens(&token));

    world.pass(SECOND);
    for answer in [done(world.sessions.verify(&token)), done(world.sessions.get(&session.id))] {
        assert!(matches!(answer, Err(VerifySessionError::Expired)), "{answer:?}");
    }
}

/// Attack 59.
#[test]
fn activity_prolongs_a_session_but_not_beyond_its_longest_life() {
    let world = World::new();
    let (token, _) = world.sign_in("alice");

    for _ in 0..23 {
        world.pass(30 * MINUTE);
        let session = done(world.sessions.verify(&token)).unwrap();
        done(world.sessions.touch(&session)).unwrap();
    }
    world.pass(30 * MINUTE - SECOND);
    assert!(world.opens(&token));

    world.pass(SECOND);
    let answer = done(world.sessions.verify(&token));
    assert!(matches!(answer, Err(VerifySessionError::Expired)), "{answer:?}");
}

#[test]
fn a_session_lives_no_longer_than_a_revocation_is_remembered() {
    let world = World::with(|sessions| sessions.lifetime(MAX_LIFETIME * 2));

    let (_, session) = world.sign_in("alice");

    assert_eq!(session.ends_at, world.now() + MAX_LIFETIME);
}

#[test]
fn a_request_is_written_once_a_minute_at_most() {
    let world = World::new();
    let (token, _) = world.sign_in("alice");
    let request = || {
        let session = done(world.sessions.verify(&token)).unwrap();
        done(world.sessions.touch(&session)).unwrap();
    };

    for _ in 0..59 {
        world.pass(SECOND);
        request();
    }
    assert_eq!(world.store.touches(), 0);

    world.pass(SECOND);
    request();
    request();
    assert_eq!(world.store.touches(), 1);
    assert_eq!(done(world.sessions.verify(&token)).unwrap().seen_at, world.now());
}

#[test]
fn a_session_that_ended_after_the_lookup_records_no_activity() {
    let world = World::new();
    let (_, session) = world.sign_in("alice");

    world.pass(HOUR);
    let late = done(world.sessions.touch(&session));

    assert!(matches!(late, Err(VerifySessionError::Expired)), "{late:?}");
}

/// Attack 55.
#[test]
fn every_sign_in_makes_another_session_with_another_token() {
    let world = World::new();

    let (first, old) = world.sign_in("alice");
    let (second, new) = world.sign_in("alice");

    assert_ne!(old.id, new.id);
    assert_ne!(first.expose(), second.expose());
    assert_eq!(new.id.as_str().len(), 24);
}

/// Attack 56.
#[test]
fn a_new_token_replaces_the_old_one_and_the_session_stays() {
    let world = World::new();
    let (old, session) = world.sign_in("alice");
    world.pass(MINUTE);

    let new = done(world.sessions.rotate(&session.id)).unwrap();

    assert!(!world.opens(&old));
    assert_eq!(done(world.sessions.verify(&new)).unwrap(), session);
}

/// Attack 56.
#[test]
fn a_step_up_notes_the_time_and_replaces_the_token() {
    let world = World::new();
    let (old, session) = world.sign_in("alice");
    world.pass(MINUTE);

    let new = done(world.sessions.step_up(&session.id)).unwrap();

    assert!(!world.opens(&old));
    let found = done(world.sessions.verify(&new)).unwrap();
    assert_eq!(found.signed_in_at, world.now());
    assert_eq!(found.created_at, session.created_at);
}

#[test]
fn an_expired_session_gets_no_new_token() {
    let world = World::new();
    let (_, session) = world.sign_in("alice");
    world.pass(HOUR);

    for answer in [
        done(world.sessions.rotate(&session.id)),
        done(world.sessions.step_up(&session.id)),
        done(world.sessions.rotate(&SessionId::new("made-up"))),
    ] {
        assert!(answer.is_err());
    }
}

/// Attack 101.
#[test]
fn a_user_agent_is_cut_and_cleaned() {
    let world = World::new();
    let agent = format!("Mozilla\r\n\u{1b}[31m\u{2028}\u{202e}/5.0{}", "x".repeat(1_000));
    let address: IpAddr = "2001:db8:1:2:3:4:5:6".parse().unwrap();

    let new = NewSession::new("alice").user_agent(&agent).address(address);
    let (_, session) = done(world.sessions.create(new)).unwrap();

    let kept = session.user_agent.unwrap();
    assert!(kept.starts_with("Mozilla[31m/5.0xxx"), "{kept}");
    assert_eq!(kept.chars().count(), 256);
    assert_eq!(session.network, Some("2001:db8:1::".parse().unwrap()));

    let silent = NewSession::new("alice").user_agent("\n");
    assert_eq!(done(world.sessions.create(silent)).unwrap().1.user_agent, None);
}

/// Attack 92.
#[test]
fn nothing_is_decided_while_the_store_is_unavailable() {
    let world = World::new();
    let (token, session) = world.sign_in("alice");
    world.pass(2 * MINUTE);
    world.store.set_away(true);
    let sessions = &world.sessions;

    for answer in [
        done(sessions.verify(&token)).map(drop),
        done(sessions.get(&session.id)).map(drop),
        done(sessions.touch(&session)),
        done(sessions.rotate(&session.id)).map(drop),
        done(sessions.step_up(&session.id)).map(drop),
        done(sessions.data(&session.id)).map(drop),
        done(sessions.put_data(&session.id, &SessionData::default())),
    ] {
        assert!(matches!(answer, Err(VerifySessionError::Unavailable(_))), "{answer:?}");
    }
    for answer in [
        done(sessions.list(&session.user)).map(drop),
        done(sessions.end_of(&session.user, &session.id)).map(drop),
        done(sessions.end_others(&session.user, &session.id)).map(drop),
        done(sessions.sweep()).map(drop),
    ] {
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    }
    let created = done(sessions.create(NewSession::new("alice")));
    assert!(matches!(created, Err(CreateSessionError::Unavailable(_))));

    world.store.set_away(false);
    assert!(world.opens(&token));
}

#[test]
fn a_full_store_is_reported() {
    let world = World::new();
    let store = Arc::new(MemoryStore::with_capacity(1));
    let revocations = Arc::clone(&store);
    let sessions = Sessions::new(store, revocations, Arc::new(world.clock), Arc::new(Random));
    done(sessions.create(NewSession::new("alice"))).unwrap();

    let second = done(sessions.create(NewSession::new("bob")));

    assert!(matches!(second, Err(CreateSessionError::Full)));
}

#[test]
fn an_application_keeps_data_with_a_session() {
    let world = World::new();
    let data = |value: &str| {
        let mut data = SessionData::default();
        data.0.insert("auth_token".to_owned(), json!(value));
        data
    };
    let new = NewSession::new("alice").data(data("first"));
    let (_, session) = done(world.sessions.create(new)).unwrap();
    let (_, other) = world.sign_in("alice");

    assert_eq!(done(world.sessions.data(&session.id)).unwrap(), data("first"));
    done(world.sessions.put_data(&session.id, &data("second"))).unwrap();
    assert_eq!(done(world.sessions.data(&session.id)).unwrap(), data("second"));
    assert_eq!(done(world.sessions.data(&other.id)).unwrap(), SessionData::default());

    done(world.sessions.end(&session.id)).unwrap();
    assert!(done(world.sessions.data(&session.id)).is_err());
    assert!(done(world.sessions.put_data(&session.id, &data("third"))).is_err());
}

#[test]
fn a_sweep_deletes_sessions_that_ended_long_ago() {
    let world = World::new();
    world.sign_in("alice");
    world.pass(13 * HOUR - SECOND);
    world.sign_in("bob");

    assert_eq!(done(world.sessions.sweep()).unwrap(), 0);
    world.pass(SECOND);
    assert_eq!(done(world.sessions.sweep()).unwrap(), 1);
}

/// Attack 100.
#[test]
fn no_output_contains_a_token_an_id_or_data() {
    let world = World::new();
    let mut data = SessionData::default();
    data.0.insert("canary".to_owned(), json!("canary"));
    let new = NewSession::new("alice").data(data);
    let printed_new = format!("{new:?}");
    let (token, session) = done(world.sessions.create(new)).unwrap();
    world.store.set_away(true);
    let error = done(world.sessions.verify(&token)).unwrap_err();

    let printed = format!(
        "{printed_new} {token:?} {session:?} {:?} {error} {error:?} {error:#?}",
        world.sessions,
    );

    for secret in ["canary", &token.expose(), session.id.as_str()] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
