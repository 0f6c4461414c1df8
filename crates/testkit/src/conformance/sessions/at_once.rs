//! Rules about concurrent calls, and about calls whose futures are dropped.

use doorward_core::{SessionData, SessionId, StoreError, UserId};
use serde_json::json;

use super::super::{
    Outcome,
    at_once::{abandon, at_once},
    samples::{at, key, session},
};
use super::{Store, assert_gone, assert_kept};

/// Returns the numbers of the calls that succeeded. Fails if another call has failed with an error other than
/// `Exists`.
fn winners(results: Vec<Result<(), StoreError>>) -> Result<Vec<usize>, StoreError> {
    let mut winners = Vec::new();
    for (number, result) in results.into_iter().enumerate() {
        match result {
            Ok(()) => winners.push(number),
            Err(StoreError::Exists) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(winners)
}

/// One call succeeds, and the key opens the session of that call.
pub async fn of_many_creations_with_one_key_at_once_one_succeeds(store: Store) -> Outcome {
    let made = |number: usize| session(&format!("s-{number}"), &format!("user-{number}"));

    let results =
        at_once(32, &store, |store, n| async move { store.create(&key(0), &made(n)).await });

    let winners = winners(results.await)?;
    assert_eq!(winners.len(), 1);
    for number in 0..32 {
        if winners.contains(&number) {
            assert_kept(&*store, 0, &made(number)).await?;
        } else {
            assert_eq!(store.get(&made(number).id).await?, None);
            assert_eq!(store.of_user(&made(number).user).await?, []);
        }
    }
    Ok(())
}

/// One call succeeds, its session has the id, and only the key of that session opens it.
pub async fn of_many_creations_with_one_id_at_once_one_succeeds(store: Store) -> Outcome {
    let made = |number: usize| session("s-1", &format!("user-{number}"));

    let results =
        at_once(32, &store, |store, n| async move { store.create(&key(n), &made(n)).await });

    let winners = winners(results.await)?;
    assert_eq!(winners.len(), 1);
    for number in 0..32 {
        if winners.contains(&number) {
            assert_kept(&*store, number, &made(number)).await?;
        } else {
            assert_eq!(store.find(&key(number)).await?, None);
            assert_eq!(store.of_user(&made(number).user).await?, []);
        }
    }
    Ok(())
}

/// Only one removal reports that the session existed.
pub async fn of_many_removals_of_a_session_at_once_one_succeeds(store: Store) -> Outcome {
    let removed = session("s-1", "alice");
    store.create(&key(1), &removed).await?;

    let shared = (store.clone(), removed.id.clone());
    let results = at_once(32, &shared, |(store, id), _| async move { store.remove(&id).await });

    let results: Vec<bool> = results.await.into_iter().collect::<Result<_, _>>()?;
    assert_eq!(results.into_iter().filter(|was_there| *was_there).count(), 1);
    assert_gone(&*store, 1, &removed.id, &removed.user).await
}

/// Concurrent rotations of one session all succeed, and only the token of the last rotation is valid.
pub async fn of_many_rotations_at_once_one_token_is_left(store: Store) -> Outcome {
    let rotated = session("s-1", "alice");
    store.create(&key(0), &rotated).await?;

    let shared = (store.clone(), rotated.id.clone());
    let results = at_once(16, &shared, |(store, id), number| async move {
        store.rotate(&id, &key(number + 1), None).await
    });

    let results: Vec<bool> = results.await.into_iter().collect::<Result<_, _>>()?;
    assert!(results.into_iter().all(|was_there| was_there));
    let mut good = Vec::new();
    for number in 0..=16 {
        good.extend(store.find(&key(number)).await?);
    }
    assert_eq!(good, [rotated]);
    Ok(())
}

/// Changes the activity, the data and the token of one session at the same moment.
pub async fn changes_at_once_do_not_undo_each_other(store: Store) -> Outcome {
    let mut changed = session("s-1", "alice");
    store.create(&key(0), &changed).await?;
    for round in 1..=10_usize {
        let now = at(u64::try_from(round).unwrap_or(0));
        let mut data = SessionData::default();
        data.0.insert("round".to_owned(), json!(round));
        changed.seen_at = now;
        changed.signed_in_at = now;
        changed.data = data;

        let shared = (store.clone(), changed.clone());
        let results = at_once(3, &shared, |(store, next), number| async move {
            match number {
                0 => store.touch(&next.id, next.seen_at).await,
                1 => store.rotate(&next.id, &key(round), Some(next.signed_in_at)).await,
                _ => store.put_data(&next.id, &next.data).await,
            }
        });

        let results: Vec<bool> = results.await.into_iter().collect::<Result<_, _>>()?;
        assert_eq!(results, [true; 3]);
        assert_kept(&*store, round, &changed).await?;
        assert_eq!(store.find(&key(round - 1)).await?, None);
    }
    Ok(())
}

/// A call whose future is dropped has happened completely or not at all, and does not block later calls.
pub async fn an_abandoned_change_is_complete_or_absent(store: Store) -> Outcome {
    for polls in 0..40 {
        let (user, number) = (format!("user-{polls}"), 100 * polls);
        let made = session(&format!("s-{polls}"), &user);

        abandon(polls, store.create(&key(number), &made)).await;

        // If the abandoned creation is still running, it fails from now on.
        match store.create(&key(number), &made).await {
            Ok(()) | Err(StoreError::Exists) => assert_kept(&*store, number, &made).await?,
            Err(other) => return Err(other),
        }

        abandon(polls, store.rotate(&made.id, &key(number + 1), None)).await;
        abandon(polls, store.touch(&made.id, at(1))).await;
        abandon(polls, store.remove(&made.id)).await;

        store.remove(&made.id).await?;
        for number in [number, number + 1] {
            assert_gone(&*store, number, &made.id, &made.user).await?;
        }
        assert_eq!(store.of_user(&made.user).await?, []);
    }
    Ok(())
}

/// Uses every operation, as one of many tasks. One session belongs to a user of this task, and one to a user that
/// all tasks share.
async fn live(store: Store, number: usize) -> Outcome {
    let own = session(&format!("own-{number}"), &format!("user-{number}"));
    let shared = session(&format!("shared-{number}"), "shared");
    store.create(&key(10 * number), &own).await?;
    store.create(&key(10 * number + 1), &shared).await?;
    for round in 2..8 {
        assert!(store.touch(&own.id, at(1)).await?);
        assert!(store.rotate(&own.id, &key(10 * number + round), None).await?);
        assert!(store.find(&key(10 * number + round)).await?.is_some());
        assert!(store.put_data(&shared.id, &SessionData::default()).await?);
        assert!(store.of_user(&shared.user).await?.iter().any(|other| other.id == shared.id));
        store.sweep(at(0)).await?;
    }
    if number.is_multiple_of(2) {
        assert!(store.remove(&shared.id).await?);
        assert!(store.remove(&own.id).await?);
    }
    Ok(())
}

/// Of 32 tasks, half remove their sessions. No other session is missing afterwards.
pub async fn many_tasks_at_once_neither_hang_nor_lose_data(store: Store) -> Outcome {
    let lived = at_once(32, &store, live).await;
    lived.into_iter().collect::<Outcome>()?;

    let shared = store.of_user(&UserId::new("shared")).await?;
    let mut left: Vec<_> = shared.iter().map(|session| session.id.as_str().to_owned()).collect();
    left.sort();
    let mut expected: Vec<_> =
        (0..32).filter(|number| number % 2 == 1).map(|number| format!("shared-{number}")).collect();
    expected.sort();
    assert_eq!(left, expected);
    for number in 0..32 {
        let mut own = session(&format!("own-{number}"), &format!("user-{number}"));
        own.seen_at = at(1);
        if number % 2 == 1 {
            assert_kept(&*store, 10 * number + 7, &own).await?;
        } else {
            assert_eq!(store.get(&SessionId::new(format!("own-{number}"))).await?, None);
        }
    }
    Ok(())
}
