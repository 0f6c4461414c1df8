//! Rules that every session store must satisfy.
#![expect(clippy::missing_errors_doc, reason = "a rule fails when the store does not answer")]
#![expect(clippy::missing_panics_doc, reason = "a rule panics when it is broken")]

mod at_once;
mod changes;
mod ends;

use std::{sync::Arc, time::Duration};

use doorward_core::{Session, SessionData, SessionId, SessionStore, StoreError, UserId};
use serde_json::{Value, json};

use super::{
    Outcome,
    samples::{HOSTILE, SIMILAR, at, key, session},
};
pub use at_once::{
    an_abandoned_change_is_complete_or_absent, changes_at_once_do_not_undo_each_other,
    many_tasks_at_once_neither_hang_nor_lose_data,
    of_many_creations_with_one_id_at_once_one_succeeds,
    of_many_creations_with_one_key_at_once_one_succeeds,
    of_many_removals_of_a_session_at_once_one_succeeds,
    of_many_rotations_at_once_one_token_is_left,
};
pub use changes::{
    a_removed_session_is_absent_everywhere,
    a_rotated_session_keeps_its_id_and_its_old_token_opens_nothing,
    a_rotation_to_a_taken_key_changes_nothing,
    a_rotation_updates_the_time_of_sign_in_only_if_given, data_is_replaced_as_a_whole,
};
pub use ends::{
    a_sweep_removes_only_sessions_that_may_be_forgotten,
    activity_extends_a_session_and_never_shortens_it,
    an_expired_session_is_found_until_it_may_be_forgotten, an_expired_session_is_not_revived,
    no_activity_extends_a_session_beyond_its_end,
};

/// The store of a rule.
type Store = Arc<dyn SessionStore>;

/// Asserts that every kind of lookup finds a session, with the expected fields.
pub(super) async fn assert_kept(
    store: &dyn SessionStore,
    number: usize,
    expected: &Session,
) -> Outcome {
    assert_eq!(store.find(&key(number)).await?.as_ref(), Some(expected));
    assert_eq!(store.get(&expected.id).await?.as_ref(), Some(expected));
    let of_user = store.of_user(&expected.user).await?;
    let same = of_user.iter().filter(|other| other.id == expected.id);
    assert_eq!(same.collect::<Vec<_>>(), [expected]);
    Ok(())
}

/// Asserts that no kind of lookup finds a session.
pub(super) async fn assert_gone(
    store: &dyn SessionStore,
    number: usize,
    id: &SessionId,
    user: &UserId,
) -> Outcome {
    assert_eq!(store.find(&key(number)).await?, None);
    assert_eq!(store.get(id).await?, None);
    assert!(store.of_user(user).await?.iter().all(|other| other.id != *id));
    Ok(())
}

/// Each token and each id finds its own session only.
pub async fn a_session_is_found_by_its_token_and_by_its_id(store: Store) -> Outcome {
    let (first, second) = (session("s-1", "alice"), session("s-2", "alice"));

    store.create(&key(1), &first).await?;
    store.create(&key(2), &second).await?;

    assert_kept(&*store, 1, &first).await?;
    assert_kept(&*store, 2, &second).await?;
    assert_eq!(store.of_user(&first.user).await?, [first, second]);
    Ok(())
}

/// An operation on an unknown session finds, changes, removes and creates nothing.
pub async fn a_session_that_was_never_created_is_absent(store: Store) -> Outcome {
    let kept = session("s-1", "alice");
    store.create(&key(1), &kept).await?;

    for id in ["s-2", "", "s-1 ", "S-1", "alice"].map(SessionId::new) {
        assert_gone(&*store, 2, &id, &UserId::new("bob")).await?;
        assert!(!store.touch(&id, at(1)).await?);
        assert!(!store.rotate(&id, &key(2), Some(at(1))).await?);
        assert!(!store.put_data(&id, &SessionData::default()).await?);
        assert!(!store.remove(&id).await?);
        assert_gone(&*store, 2, &id, &UserId::new("bob")).await?;
    }
    assert_kept(&*store, 1, &kept).await
}

/// Creating a session with the key or the id of another session fails, and leaves the other session unchanged.
pub async fn a_taken_key_or_id_is_never_overwritten(store: Store) -> Outcome {
    let (first, second) = (session("s-1", "alice"), session("s-2", "bob"));
    store.create(&key(1), &first).await?;

    let same_key = store.create(&key(1), &second).await;
    let same_id = store.create(&key(2), &session("s-1", "bob")).await;
    let same_both = store.create(&key(1), &session("s-1", "bob")).await;

    for result in [same_key, same_id, same_both] {
        assert!(matches!(result, Err(StoreError::Exists)), "{result:?}");
    }
    assert_kept(&*store, 1, &first).await?;
    assert_gone(&*store, 2, &second.id, &second.user).await?;
    assert_eq!(store.of_user(&second.user).await?, []);
    // The refused creations have left nothing behind that blocks a valid one.
    store.create(&key(2), &second).await?;
    assert_kept(&*store, 2, &second).await
}

/// The fields contain hostile text, every kind of JSON value, every kind of address, and the largest numbers.
pub async fn every_field_is_read_back_as_written(store: Store) -> Outcome {
    let networks = ["203.0.113.0", "2001:db8:1::", "::ffff:203.0.113.0", "::", "255.255.255.255"];
    for (number, text) in HOSTILE.iter().enumerate() {
        let mut written = session(&format!("{text}{number}"), text);
        written.generation = [0, 1, u64::MAX, 1 << 53][number % 4];
        written.seen_at = at(1_001);
        written.signed_in_at = at(2_002);
        written.idle_timeout = Duration::from_millis(3_600_001);
        written.ends_at = at(86_400_004);
        written.user_agent = Some((*text).into());
        written.network = networks.get(number % 6).map(|text| text.parse().expect("an address"));
        written.data = data(text);

        store.create(&key(number), &written).await?;

        assert_kept(&*store, number, &written).await?;
    }
    let mut long = session(&"i".repeat(200), &"u".repeat(1_000));
    long.user_agent = Some("Mozilla/5.0 ".repeat(42).into());
    store.create(&key(1_000), &long).await?;
    assert_kept(&*store, 1_000, &long).await
}

fn data(text: &str) -> SessionData {
    let mut data = SessionData::default();
    data.0.insert(text.to_owned(), Value::from(text));
    data.0.insert(
        "nested".to_owned(),
        json!({
            "list": [null, true, false, 0, -1, u64::MAX, i64::MIN, 0.5, -1.25, "", [], {}],
            "object": { "a": { "b": { "c": [[[text]]] } } },
            "": { "": "" },
        }),
    );
    data
}

/// Times are stored with a precision of a millisecond or better.
pub async fn times_are_kept_to_the_millisecond(store: Store) -> Outcome {
    let exact = Duration::from_nanos(999_999);
    let mut written = session("s-1", "alice");
    for time in [
        &mut written.created_at,
        &mut written.seen_at,
        &mut written.signed_in_at,
        &mut written.ends_at,
    ] {
        *time += exact;
    }
    store.create(&key(1), &written).await?;
    store.touch(&written.id, at(77) + exact).await?;
    store.rotate(&written.id, &key(2), Some(at(78) + exact)).await?;

    let read = store.find(&key(2)).await?.expect("it was written");

    for (read, written) in [
        (read.created_at, at(0)),
        (read.seen_at, at(77)),
        (read.signed_in_at, at(78)),
        (read.ends_at, session("s-1", "alice").ends_at),
    ] {
        assert!(read >= written && read <= written + exact, "{read:?} is not {written:?}");
    }
    Ok(())
}

/// The order also holds for sessions created in the same millisecond, and after the clock was set back.
pub async fn sessions_of_a_user_are_listed_in_order_of_creation(store: Store) -> Outcome {
    let user = UserId::new("alice");
    let mut made = Vec::new();
    for number in 0..24 {
        // Neither the ids nor the keys sort in this order.
        let mut session = session(&format!("s-{}", (number * 7) % 24), "alice");
        let began = if number == 20 { 0 } else { number / 8 };
        session.created_at = at(began);
        session.seen_at = at(100 - began);
        store.create(&key(usize::try_from(number).unwrap_or(0)), &session).await?;
        made.push(session);
    }

    assert_eq!(store.of_user(&user).await?, made);

    // A change does not affect the order.
    let first = &mut made[0];
    first.seen_at = at(200);
    store.touch(&first.id, at(200)).await?;
    store.rotate(&first.id, &key(99), None).await?;
    assert_eq!(store.of_user(&user).await?, made);
    Ok(())
}

/// Attack 64: users whose names a pattern, a collation or a separator could confuse.
pub async fn users_with_similar_names_do_not_share_sessions(store: Store) -> Outcome {
    let sessions: Vec<_> = SIMILAR.iter().map(|name| session(&format!("s{name}"), name)).collect();
    for (number, session) in sessions.iter().enumerate() {
        store.create(&key(number), session).await?;
    }

    for session in &sessions {
        assert_eq!(store.of_user(&session.user).await?, std::slice::from_ref(session));
    }
    // Removing a session removes no session of a similar name.
    for (number, session) in sessions.iter().enumerate() {
        assert!(store.remove(&session.id).await?);
        assert_gone(&*store, number, &session.id, &session.user).await?;
        for (number, other) in sessions.iter().enumerate().skip(number + 1) {
            assert_kept(&*store, number, other).await?;
        }
    }
    Ok(())
}
