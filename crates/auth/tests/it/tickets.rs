//! Redeems tickets, and refuses tickets that are used twice, too late, or by another client.

use std::sync::Arc;

use doorward_auth::{MemoryStore, RedeemError, Tickets, VerifySessionError};
use doorward_core::{SessionToken, Ticket};
use sha2::{Digest as _, Sha256};

use crate::world::{HOUR, Random, SECOND, World, done};

const VERIFIER: &str = "gP2TgnPxcmHYnDTR2kF4E3xq0Wd6p0hY7oQqk6xTzS8";

fn tickets(world: &World) -> Tickets {
    Tickets::new(Arc::new(MemoryStore::default()), Arc::clone(&world.sessions))
}

fn challenge() -> [u8; 32] {
    Sha256::digest(VERIFIER).into()
}

/// Attack 55, attack 61.
#[test]
fn a_ticket_is_exchanged_once_for_a_fresh_token() {
    let world = World::new();
    let tickets = tickets(&world);
    let (preset, session) = world.sign_in("alice");

    let (ticket, expires_at) = done(tickets.issue(&session.id, challenge())).unwrap();
    world.pass(29 * SECOND);
    let (token, redeemed) = done(tickets.redeem(&ticket, VERIFIER)).unwrap();

    assert_eq!(expires_at, world.now() + SECOND);
    assert_eq!(redeemed, session);
    assert_eq!(done(world.sessions.verify(&token)).unwrap(), session);
    assert!(!world.opens(&preset));
    let again = done(tickets.redeem(&ticket, VERIFIER));
    assert!(matches!(again, Err(RedeemError::Unknown)), "{again:?}");
    assert!(world.opens(&token));
}

/// Attack 61.
#[test]
fn an_expired_ticket_is_refused_and_used_up() {
    let world = World::new();
    let tickets = tickets(&world);
    let (_, session) = world.sign_in("alice");

    for seconds in [30, 31] {
        let (ticket, _) = done(tickets.issue(&session.id, challenge())).unwrap();
        world.pass(seconds * SECOND);

        let late = done(tickets.redeem(&ticket, VERIFIER));
        assert!(matches!(late, Err(RedeemError::Expired)), "{late:?}");
        let again = done(tickets.redeem(&ticket, VERIFIER));
        assert!(matches!(again, Err(RedeemError::Unknown)), "{again:?}");
    }
}

/// Attack 61.
#[test]
fn a_ticket_with_another_verifier_is_refused_and_used_up() {
    let world = World::new();
    let tickets = tickets(&world);
    let (before, session) = world.sign_in("alice");
    let challenge_itself = challenge();

    for verifier in [&b""[..], b"wrong", &challenge_itself, &VERIFIER.as_bytes()[1..]] {
        let (ticket, _) = done(tickets.issue(&session.id, challenge())).unwrap();

        let wrong = done(tickets.redeem(&ticket, verifier));
        assert!(matches!(wrong, Err(RedeemError::Verifier)), "{wrong:?}");
        let right = done(tickets.redeem(&ticket, VERIFIER));
        assert!(matches!(right, Err(RedeemError::Unknown)), "{right:?}");
    }
    assert!(world.opens(&before));
}

/// Attack 61.
#[test]
fn a_ticket_that_was_never_issued_is_refused() {
    let world = World::new();

    let answer = done(tickets(&world).redeem(&Ticket::generate(&Random), VERIFIER));

    assert!(matches!(answer, Err(RedeemError::Unknown)), "{answer:?}");
}

#[test]
fn a_ticket_of_a_session_that_has_ended_is_refused() {
    let world = World::new();
    let tickets = tickets(&world);
    let (_, session) = world.sign_in("alice");
    let (ticket, _) = done(tickets.issue(&session.id, challenge())).unwrap();

    done(world.sessions.end(&session.id)).unwrap();
    let ended = done(tickets.redeem(&ticket, VERIFIER));

    assert!(matches!(ended, Err(RedeemError::Session(VerifySessionError::Unknown))), "{ended:?}");
}

#[test]
fn a_ticket_does_not_revive_an_expired_session() {
    let world = World::new();
    let tickets = tickets(&world);
    let (_, session) = world.sign_in("alice");
    world.pass(HOUR - SECOND);
    let (ticket, _) = done(tickets.issue(&session.id, challenge())).unwrap();

    world.pass(SECOND);
    let over = done(tickets.redeem(&ticket, VERIFIER));

    assert!(matches!(over, Err(RedeemError::Session(VerifySessionError::Expired))), "{over:?}");
}

#[test]
fn while_the_store_is_unavailable_no_ticket_is_redeemed() {
    let world = World::new();
    let tickets = tickets(&world);
    let (token, session) = world.sign_in("alice");
    let (ticket, _) = done(tickets.issue(&session.id, challenge())).unwrap();

    world.store.set_away(true);
    let answer = done(tickets.redeem(&ticket, VERIFIER));

    assert!(matches!(answer, Err(RedeemError::Unavailable(_))), "{answer:?}");
    world.store.set_away(false);
    assert!(world.opens(&token));
}

/// Attack 61.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_concurrent_redemptions_of_a_ticket_succeeds() {
    let world = World::new();
    let tickets = Arc::new(tickets(&world));
    for _ in 0..20 {
        let (_, session) = world.sign_in("alice");
        let (ticket, _) = tickets.issue(&session.id, challenge()).await.unwrap();

        let attempts: Vec<_> = (0..32)
            .map(|_| {
                let (tickets, ticket) = (Arc::clone(&tickets), ticket.clone());
                tokio::spawn(async move { tickets.redeem(&ticket, VERIFIER).await.ok() })
            })
            .collect();
        let mut won: Vec<SessionToken> = Vec::new();
        for attempt in attempts {
            won.extend(attempt.await.unwrap().map(|(token, _)| token));
        }

        assert_eq!(won.len(), 1);
        assert!(world.sessions.verify(&won[0]).await.is_ok());
    }
}

/// Attack 100.
#[test]
fn no_output_contains_a_ticket_or_a_verifier() {
    let world = World::new();
    let tickets = tickets(&world);
    let (_, session) = world.sign_in("alice");
    let (ticket, _) = done(tickets.issue(&session.id, challenge())).unwrap();

    let error = done(tickets.redeem(&ticket, "canary")).unwrap_err();

    let printed = format!("{tickets:?} {ticket:?} {error} {error:?}");
    for secret in [&ticket.expose(), "canary", session.id.as_str()] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
