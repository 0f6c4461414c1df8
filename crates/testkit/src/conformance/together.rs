//! What a store promises that keeps sessions and revocations: one step for both.
#![expect(clippy::missing_errors_doc, reason = "a rule fails when the store does not answer")]
#![expect(clippy::missing_panics_doc, reason = "a rule panics when it is broken")]

use std::{sync::Arc, time::Duration};

use doorward_core::{
    Epoch, Epochs, Issued, REMEMBERED, SessionId, SessionStore, StoreError, TicketRecord,
    TicketStore, TokenId, UserId,
};

use super::{
    Outcome, Subject,
    at_once::{abandon, at_once},
    epochs::{holds, read},
    samples::{HOSTILE, SIMILAR, at, hex, key, session, ticket, token},
    sessions::{assert_gone, assert_kept},
};

/// All of the user's sessions, also those of another device, and nobody else's.
pub async fn a_revoked_user_has_no_session_left_and_everybody_else_has_theirs<S>(
    store: Arc<S>,
) -> Outcome
where
    S: SessionStore + Epochs,
{
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

/// Attack 58: the session is gone, its token opens nothing, and the user's other device stays in.
pub async fn an_ended_session_is_gone_and_the_others_of_its_user_are_not<S>(
    store: Arc<S>,
) -> Outcome
where
    S: SessionStore + Epochs,
{
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

/// Tokens may name a session that the store has never seen, or has forgotten.
pub async fn a_session_that_is_not_there_can_be_ended<S>(store: Arc<S>) -> Outcome
where
    S: SessionStore + Epochs,
{
    for name in HOSTILE {
        let id = SessionId::new(*name);

        store.end_session(&id, at(0)).await?;

        assert!(store.read(&UserId::new("alice"), Some(&id), None).await?.is_ended, "{name:?}");
    }
    Ok(())
}

/// For as long as a credential of that time may live, whatever else is swept away.
pub async fn what_was_revoked_is_remembered_long_enough<S>(store: Arc<S>) -> Outcome
where
    S: SessionStore + Epochs,
{
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

/// Attack 87, in the store: who signs in while they are revoked does not stay.
pub async fn a_session_that_is_made_while_its_user_is_revoked_is_gone_or_does_not_hold<S>(
    store: Arc<S>,
) -> Outcome
where
    S: SessionStore + Epochs,
{
    let user = UserId::new("alice");
    for round in 0..20_usize {
        let mut made = session(&format!("s-{round}"), "alice");
        made.generation = read(&*store, &user).await?.generation;

        let results = at_once(2, |number| {
            let (store, made) = (store.clone(), made.clone());
            async move {
                match number {
                    0 => store.create(&key(round), &made).await,
                    _ => store.bump(&made.user, at(0)).await.map(|_| ()),
                }
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

/// The user's sessions are gone if and only if their generation is over.
pub async fn a_revocation_that_was_abandoned_is_whole_or_was_not_made<S>(store: Arc<S>) -> Outcome
where
    S: SessionStore + Epochs,
{
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

/// What one of many does, with tickets and revocations between.
async fn live<S>(store: Arc<S>, number: usize) -> Outcome
where
    S: SessionStore + TicketStore + Epochs,
{
    let user = UserId::new(format!("user-{}", number / 2));
    let behind = ticket(number).key();
    for round in 0..8 {
        let id = format!("s-{number}-{round}");
        let mut made = session(&id, user.as_str());
        made.generation = read(&*store, &user).await?.generation;
        store.create(&key(10 * number + round), &made).await?;
        let expires_at = at(30_000);
        let record = TicketRecord { session: made.id.clone(), challenge: [1; 32], expires_at };
        store.put_ticket(&behind, &record).await?;
        assert!(store.take_ticket(&behind).await? == Some(record));
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

/// 32 of them, two for each user.
pub async fn everything_at_once_neither_hangs_nor_loses<S>(store: Arc<S>) -> Outcome
where
    S: SessionStore + TicketStore + Epochs,
{
    at_once(32, |number| live(store.clone(), number))
        .await
        .into_iter()
        .collect::<Result<(), StoreError>>()?;

    for number in 0..32 {
        let user = UserId::new(format!("user-{}", number / 2));
        let ended = SessionId::new(format!("s-{number}-1"));
        assert!(store.read(&user, Some(&ended), None).await?.is_ended);
        assert_eq!(store.get(&ended).await?, None);
        let token = TokenId::new(format!("s-{number}-2"));
        assert!(store.read(&user, None, Some(&token)).await?.is_ended);
        // Two tasks have revoked the user twice each, and each time has counted.
        let first = Epoch::default().next_generation(at(0));
        assert_eq!(read(&*store, &user).await?.generation, first + 3);
        for session in store.of_user(&user).await? {
            assert_eq!(store.get(&session.id).await?, Some(session));
        }
    }
    Ok(())
}

/// Attack 63: a thief of the file finds no token and no ticket that works.
pub async fn what_is_written_down_opens_nothing<T>(subject: &T) -> Outcome
where
    T: Subject,
    T::Store: SessionStore + TicketStore,
{
    let store = subject.store();
    for number in 0..10 {
        let kept = session(&format!("s-{number}"), "alice");
        store.create(&token(number).key(), &kept).await?;
        store.rotate(&kept.id, &token(100 + number).key(), None).await?;
        let record = TicketRecord { session: kept.id, challenge: [0; 32], expires_at: at(30_000) };
        store.put_ticket(&ticket(200 + number).key(), &record).await?;
    }

    let dump = subject.dump().await;

    assert!(dump.is_empty() || dump.contains("alice"), "this is no dump of the store");
    for number in (0..10).flat_map(|number| [number, 100 + number, 200 + number]) {
        assert!(!dump.contains(&token(number).expose()), "a secret is written down as text");
        assert!(!dump.contains(&hex(number)), "a secret is written down as bytes");
    }
    Ok(())
}
