//! Rules about rotation, data and removal.

use doorward_core::{SessionData, StoreError};
use serde_json::{Value, json};

use super::super::{
    Outcome,
    samples::{at, key, session},
};
use super::{Store, assert_gone, assert_kept};

fn data(value: Value) -> SessionData {
    match value {
        Value::Object(map) => SessionData(map),
        _ => SessionData::default(),
    }
}

/// Attack 56: after a rotation only the new token opens the session.
pub async fn a_rotated_session_keeps_its_id_and_its_old_token_opens_nothing(
    store: Store,
) -> Outcome {
    let rotated = session("s-1", "alice");
    store.create(&key(1), &rotated).await?;

    for number in 1..6 {
        assert!(store.rotate(&rotated.id, &key(number + 1), None).await?);

        assert_eq!(store.find(&key(number)).await?, None, "the old token");
        assert_kept(&*store, number + 1, &rotated).await?;
    }
    // The key of the replaced token can be used for another session.
    store.create(&key(1), &session("s-2", "bob")).await?;
    assert_kept(&*store, 6, &rotated).await
}

/// A rotation without a time of sign-in keeps the old time, because it does not prove that the user is present.
pub async fn a_rotation_updates_the_time_of_sign_in_only_if_given(store: Store) -> Outcome {
    let mut rotated = session("s-1", "alice");
    store.create(&key(1), &rotated).await?;

    store.rotate(&rotated.id, &key(2), None).await?;
    assert_kept(&*store, 2, &rotated).await?;

    store.rotate(&rotated.id, &key(3), Some(at(5_000))).await?;
    rotated.signed_in_at = at(5_000);
    assert_kept(&*store, 3, &rotated).await
}

/// A rotation never takes over the token of another session.
pub async fn a_rotation_to_a_taken_key_changes_nothing(store: Store) -> Outcome {
    let (alice, bob) = (session("s-1", "alice"), session("s-2", "bob"));
    store.create(&key(1), &alice).await?;
    store.create(&key(2), &bob).await?;

    let to_bobs = store.rotate(&alice.id, &key(2), Some(at(5_000))).await;
    let to_its_own = store.rotate(&alice.id, &key(1), Some(at(5_000))).await;

    for result in [to_bobs, to_its_own] {
        assert!(matches!(result, Err(StoreError::Exists)), "{result:?}");
    }
    assert_kept(&*store, 1, &alice).await?;
    assert_kept(&*store, 2, &bob).await
}

/// Replacing the data of a session removes all members that are not in the new data.
pub async fn data_is_replaced_as_a_whole(store: Store) -> Outcome {
    let mut kept = session("s-1", "alice");
    kept.data = data(json!({ "a": 1, "b": { "c": [2] } }));
    let other = session("s-2", "alice");
    store.create(&key(1), &kept).await?;
    store.create(&key(2), &other).await?;

    for next in [json!({ "b": {} }), json!({}), json!({ "'": "\"\\\n\u{1f9d9}" })] {
        kept.data = data(next);
        assert!(store.put_data(&kept.id, &kept.data).await?);
        assert_kept(&*store, 1, &kept).await?;
    }
    assert_kept(&*store, 2, &other).await
}

/// The session is not found by token, by id or in the list. Other sessions are kept, and the key and the id can be
/// used again.
pub async fn a_removed_session_is_absent_everywhere(store: Store) -> Outcome {
    let (removed, other) = (session("s-1", "alice"), session("s-2", "alice"));
    store.create(&key(1), &removed).await?;
    store.create(&key(2), &other).await?;
    store.rotate(&removed.id, &key(3), None).await?;

    assert!(store.remove(&removed.id).await?);

    assert!(!store.remove(&removed.id).await?);
    assert!(!store.touch(&removed.id, at(1)).await?);
    assert!(!store.put_data(&removed.id, &removed.data).await?);
    assert!(!store.rotate(&removed.id, &key(4), None).await?);
    for number in [1, 3, 4] {
        assert_gone(&*store, number, &removed.id, &removed.user).await?;
    }
    assert_kept(&*store, 2, &other).await?;

    store.create(&key(3), &session("s-1", "bob")).await?;
    assert_kept(&*store, 3, &session("s-1", "bob")).await?;
    assert_eq!(store.of_user(&removed.user).await?, [other]);
    Ok(())
}
