//! Rules for a store of sessions, tickets and revocations. A revocation and its sessions must change in one step.
#![expect(clippy::missing_errors_doc, reason = "a rule fails when the store does not answer")]
#![expect(clippy::missing_panics_doc, reason = "a rule panics when it is broken")]

use std::{sync::Arc, time::Duration};

use doorward_core::{
    Issued, REMEMBERED, RevocationState, SessionId, StoreError, TicketRecord, TokenId, UserId,
};

use super::{
    Outcome, Stores, Subject,
    at_once::{abandon, at_once},
    revocations::{holds, read},
    samples::{HOSTILE, SIMILAR, at, hex, key, session, ticket, token},
    sessions::{assert_gone, assert_kept},
};

/// The store of a rule.
type Store = Arc<dyn Stores>;

/// The sessions of the user on all devices are removed, and the sessions of other users are kept.
pub async fn a_revocation_removes_all_sessions_of_its_user_and_no_others(store: Store) -> Outcome {
    let sessions: Vec<_> =
        (0..2 * SIMILAR.len()).map(|n| session(&format!("s-{n}"), SIMILAR[n / 2])).collect();
    for (number, session) in sessions.iter().enumerate() {
        store.create(&key(number), session).await?;
    }

    for (number, session) in sessions.iter().enumerate() {
        if number % 2 == 1 {
            store.bump(&session.user, at(1)).await?;
        }
        for (other, kept) in sessions.iter().enumerate() {
            if other / 2 < number.div_ceil(2) {
                assert_gone(&*store, other, &kept.id, &kept.user).await?;
            } else {
                assert_kept(&*store, other, kept).await?;
            }
        }
    }
    Ok(())
}

/// Attack 58: the session is removed, its token opens nothing, and the user's other device stays signed in.
pub async fn an_ended_session_is_removed_and_others_of_its_user_are_kept(store: Store) -> Outcome {
    let (ended, other) = (session("s-1", "alice"), session("s-2", "alice"));
    store.create(&key(1), &ended).await?;
    store.create(&key(2), &other).await?;
    store.rotate(&ended.id, &key(3), None).await?;

    store.end_session(&ended.id, at(1)).await?;

    assert_gone(&*store, 1, &ended.id, &ended.user).await?;
    assert_gone(&*store, 3, &ended.id, &ended.user).await?;
    assert!(!store.touch(&ended.id, at(2)).await?);
    assert!(store.read(&ended.user, Some(&ended.id), None).await?.is_ended);
    assert_kept(&*store, 2, &other).await?;
    assert!(!store.read(&other.user, Some(&other.id), None).await?.is_ended);
    Ok(())
}

/// A token may name a session that the store has never seen, or has removed.
pub async fn an_unknown_session_can_be_ended(store: Store) -> Outcome {
    for name in HOSTILE {
        let id = SessionId::new(*name);

        store.end_session(&id, at(0)).await?;

        assert!(store.read(&UserId::new("alice"), Some(&id), None).await?.is_ended, "{name:?}");
    }
    Ok(())
}

/// Sweeps keep a revocation for as long as an earlier credential may be valid.
pub async fn revocations_are_remembered_long_enough(store: Store) -> Outcome {
    let (user, session, token) = (UserId::new("alice"), SessionId::new("s-1"), TokenId::new("t-1"));
    let begun = store.bump(&user, at(0)).await?;
    store.end_session(&session, at(0)).await?;
    store.end_token(&token, at(0)).await?;

    for now in [at(0), at(0) + REMEMBERED / 2, at(0) + REMEMBERED - Duration::from_millis(1)] {
        store.sweep(now).await?;

        let epoch = read(&*store, &user).await?;
        assert_eq!((epoch.generation, epoch.revoked_at), (begun, Some(at(0))));
        assert!(store.read(&user, Some(&session), None).await?.is_ended);
        assert!(store.read(&user, None, Some(&token)).await?.is_ended);
    }
    Ok(())
}

/// Attack 87, in the store: a session that is created during a revocation of its user is removed or revoked.
pub async fn a_session_created_during_a_revocation_is_removed_or_revoked(store: Store) -> Outcome {
    let user = UserId::new("alice");
    for round in 0..20_usize {
        let mut made = session(&format!("s-{round}"), "alice");
        made.generation = read(&*store, &user).await?.generation;

        let shared = (store.clone(), made.clone());
        let results = at_once(2, &shared, |(store, made), number| async move {
            match number {
                0 => store.create(&key(round), &made).await,
                _ => store.bump(&made.user, at(0)).await.map(|_| ()),
            }
        });
        results.await.into_iter().collect::<Result<(), StoreError>>()?;

        let epoch = read(&*store, &user).await?;
        if let Some(found) = store.find(&key(round)).await? {
            assert!(!holds(&user, Issued::Generation(found.generation), &epoch));
        }
    }
    Ok(())
}

/// A revocation whose future is dropped has removed the sessions of its user if and only if it has begun a new
/// generation.
pub async fn an_abandoned_revocation_is_complete_or_absent(store: Store) -> Outcome {
    for polls in 0..40_usize {
        let made = session(&format!("s-{polls}"), &format!("user-{polls}"));
        store.create(&key(polls), &made).await?;

        abandon(polls, store.bump(&made.user, at(0))).await;
        abandon(polls, store.end_session(&made.id, at(0))).await;

        let begun = store.bump(&made.user, at(0)).await?;
        assert_gone(&*store, polls, &made.id, &made.user).await?;
        assert!(read(&*store, &made.user).await?.generation >= begun);
    }
    Ok(())
}

/// Creates sessions and takes tickets, with revocations in between, as one of many tasks.
async fn live(store: Store, number: usize) -> Outcome {
    let user = UserId::new(format!("user-{}", number / 2));
    let key_of_ticket = ticket(number).key();
    for round in 0..8 {
        let id = format!("s-{number}-{round}");
        let mut made = session(&id, user.as_str());
        made.generation = read(&*store, &user).await?.generation;
        store.create(&key(10 * number + round), &made).await?;
        let expires_at = at(30_000);
        let record = TicketRecord { session: made.id.clone(), challenge: [1; 32], expires_at };
        store.put_ticket(&key_of_ticket, &record).await?;
        assert!(store.take_ticket(&key_of_ticket).await? == Some(record));
        match round % 4 {
            0 => {
                store.bump(&user, at(0)).await?;
            }
            1 => store.end_session(&made.id, at(0)).await?,
            2 => store.end_token(&TokenId::new(id), at(0)).await?,
            _ => {
                store.of_user(&user).await?;
            }
        }
    }
    Ok(())
}

/// Runs 32 tasks, two for each user.
pub async fn all_operations_at_once_neither_hang_nor_lose_data(store: Store) -> Outcome {
    let lived = at_once(32, &store, live).await;
    lived.into_iter().collect::<Outcome>()?;

    for number in 0..32 {
        let user = UserId::new(format!("user-{}", number / 2));
        let ended = SessionId::new(format!("s-{number}-1"));
        assert!(store.read(&user, Some(&ended), None).await?.is_ended);
        assert_eq!(store.get(&ended).await?, None);
        let token = TokenId::new(format!("s-{number}-2"));
        assert!(store.read(&user, None, Some(&token)).await?.is_ended);
        // Two tasks have revoked the user twice each, and every revocation has counted.
        let first = RevocationState::default().next_generation(at(0));
        assert_eq!(read(&*store, &user).await?.generation, first + 3);
        for session in store.of_user(&user).await? {
            assert_eq!(store.get(&session.id).await?, Some(session));
        }
    }
    Ok(())
}

/// Attack 63: a stolen copy of the data contains no usable token and no usable ticket.
pub async fn stored_data_contains_no_usable_secret(
    subject: &impl Subject<Store: Stores>,
) -> Outcome {
    let store: Store = subject.store();
    for number in 0..10 {
        let kept = session(&format!("s-{number}"), "alice");
        store.create(&token(number).key(), &kept).await?;
        store.rotate(&kept.id, &token(100 + number).key(), None).await?;
        let record = TicketRecord { session: kept.id, challenge: [0; 32], expires_at: at(30_000) };
        store.put_ticket(&ticket(200 + number).key(), &record).await?;
    }

    let dump = subject.dump().await;

    assert!(
        dump.is_empty() || dump.contains("alice"),
        "the dump does not contain the store's data"
    );
    for number in (0..10).flat_map(|number| [number, 100 + number, 200 + number]) {
        assert!(!dump.contains(&token(number).expose()), "a secret is stored as text");
        assert!(!dump.contains(&hex(number)), "a secret is stored as bytes");
    }
    Ok(())
}
