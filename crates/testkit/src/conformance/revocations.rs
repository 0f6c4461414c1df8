//! Rules that every revocation store must satisfy.
//!
//! A store may reject credentials that are older than the store, so an unknown user need not be in generation 0.
//! The rules compare later states with the state that the store returns first.
#![expect(clippy::missing_errors_doc, reason = "a rule fails when the store does not answer")]
#![expect(clippy::missing_panics_doc, reason = "a rule panics when it is broken")]

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward_core::{
    CredentialRef, Issued, RevocationState, RevocationStore, SessionId, StoreError, TokenId, UserId,
};

use super::{
    Outcome,
    at_once::at_once,
    samples::{HOSTILE, SIMILAR, at},
};

/// The store of a rule.
type Store = Arc<dyn RevocationStore>;

/// Reads the revocation state of a user, without a session or token.
pub(super) async fn read(
    store: &dyn RevocationStore,
    user: &UserId,
) -> Result<RevocationState, StoreError> {
    store.read(user, None, None).await
}

/// Returns the state of a user whose credentials were all revoked at `at`. No single session or token was ended.
fn revoked(generation: u64, at: SystemTime) -> RevocationState {
    RevocationState { generation, revoked_at: Some(at), is_ended: false }
}

/// Returns `true` if a credential of this user that was issued as given is still accepted.
pub(super) fn holds(user: &UserId, issued: Issued, epoch: &RevocationState) -> bool {
    CredentialRef { user, session: None, token: None, issued }.holds(epoch)
}

/// A credential of a user without a revocation is accepted if it was issued in the current generation of the user.
pub async fn a_user_is_not_revoked_at_first(store: Store) -> Outcome {
    let (session, token) = (SessionId::new("s-1"), TokenId::new("t-1"));
    for name in HOSTILE {
        let user = UserId::new(*name);

        let epoch = store.read(&user, Some(&session), Some(&token)).await?;

        assert!(!epoch.is_ended, "{name:?}");
        assert!(holds(&user, Issued::Generation(epoch.generation), &epoch), "{name:?}");
        assert!(holds(&user, Issued::At(at(0)), &epoch), "{name:?}");
    }
    Ok(())
}

/// Attack 28: a credential from before a revocation.
pub async fn a_revocation_ends_earlier_credentials_and_no_later_ones(store: Store) -> Outcome {
    let user = UserId::new("alice");
    let before = read(&*store, &user).await?;

    let claimed = |millis| Issued::Claimed { at: at(millis), ahead: Duration::from_secs(5) };

    let begun = store.bump(&user, at(5_000)).await?;

    let after = read(&*store, &user).await?;
    assert_eq!(begun, before.next_generation(at(5_000)));
    assert_eq!(after, revoked(begun, at(5_000)));
    for (issued, expected) in [
        (Issued::Generation(before.generation), false),
        (Issued::Generation(begun), true),
        (Issued::At(at(0)), false),
        // `iat` has whole seconds: here the second of the revocation, and the next one. `at(0)` is 123 ms after a
        // full second, so `at(4_877)` is a full second.
        (Issued::At(at(4_877)), false),
        (Issued::At(at(5_877)), true),
        // The same for an issuer whose clock may be five seconds ahead.
        (claimed(9_877), false),
        (claimed(10_877), true),
        (Issued::Shown(at(5_000)), false),
        (Issued::Shown(at(5_001)), true),
    ] {
        assert_eq!(holds(&user, issued, &after), expected, "{issued:?}");
    }
    Ok(())
}

/// Every revocation begins a higher generation, even on a node whose clock is behind the time of an earlier
/// revocation. The time of the latest revocation does not go back.
pub async fn generations_grow_even_if_the_clock_goes_back(store: Store) -> Outcome {
    let user = UserId::new("alice");
    let mut epoch = read(&*store, &user).await?;
    let mut latest = SystemTime::UNIX_EPOCH;
    for now in [at(5_000), at(5_000), at(1_000), at(0), at(5_001), at(2_000), at(60_000)] {
        let begun = store.bump(&user, now).await?;

        assert!(begun > epoch.generation, "{begun} after {}", epoch.generation);
        assert_eq!(begun, epoch.next_generation(now));
        latest = now.max(latest);
        epoch = read(&*store, &user).await?;
        assert_eq!(epoch, revoked(begun, latest));
    }
    Ok(())
}

/// A credential that was shown just before a revocation is revoked, even if both happened in the same millisecond.
pub async fn the_time_of_a_revocation_is_never_rounded_down(store: Store) -> Outcome {
    let user = UserId::new("alice");
    let (shown, revoked) =
        (at(0) + Duration::from_nanos(400_000), at(0) + Duration::from_nanos(400_001));

    store.bump(&user, revoked).await?;

    let epoch = read(&*store, &user).await?;
    assert!(!holds(&user, Issued::Shown(shown), &epoch));
    assert!(!holds(&user, Issued::Shown(revoked), &epoch));
    assert!(epoch.revoked_at < Some(revoked + Duration::from_millis(1)));
    Ok(())
}

/// A revocation affects exactly the named user.
pub async fn a_revocation_does_not_touch_users_with_similar_names(store: Store) -> Outcome {
    let users: Vec<_> = SIMILAR.iter().map(|name| UserId::new(*name)).collect();
    let mut expected = Vec::new();
    for user in &users {
        expected.push(read(&*store, user).await?);
    }
    for (number, now) in (0..users.len()).zip(1_u64..) {
        let begun = store.bump(&users[number], at(now)).await?;
        expected[number] = revoked(begun, at(now));

        for (user, expected) in users.iter().zip(&expected) {
            assert_eq!(read(&*store, user).await?, *expected, "{user:?} after {:?}", users[number]);
        }
    }
    Ok(())
}

/// A credential that names an ended session is rejected, even if its user or token differs.
pub async fn an_ended_session_takes_its_tokens_with_it_and_no_others(store: Store) -> Outcome {
    let (alice, bob) = (UserId::new("alice"), UserId::new("bob"));
    let (ended, other) = (SessionId::new("s-1"), SessionId::new("s-10"));
    let token = TokenId::new("t-1");

    store.end_session(&ended, at(0)).await?;

    assert!(store.read(&alice, Some(&ended), None).await?.is_ended);
    assert!(store.read(&alice, Some(&ended), Some(&token)).await?.is_ended);
    assert!(store.read(&bob, Some(&ended), None).await?.is_ended);
    assert!(!store.read(&alice, Some(&other), Some(&token)).await?.is_ended);
    assert!(!store.read(&alice, None, Some(&token)).await?.is_ended);
    assert!(!read(&*store, &alice).await?.is_ended);
    Ok(())
}

/// An ended token does not end its session, so other tokens of the session are still accepted.
pub async fn an_ended_token_is_ended_alone(store: Store) -> Outcome {
    let user = UserId::new("alice");
    let session = SessionId::new("s-1");
    for name in SIMILAR {
        let token = TokenId::new(*name);
        assert!(!store.read(&user, Some(&session), Some(&token)).await?.is_ended, "{name:?}");

        store.end_token(&token, at(0)).await?;

        assert!(store.read(&user, Some(&session), Some(&token)).await?.is_ended, "{name:?}");
        assert!(store.read(&user, None, Some(&token)).await?.is_ended, "{name:?}");
        assert!(!store.read(&user, Some(&session), None).await?.is_ended, "{name:?}");
    }
    Ok(())
}

/// The issuers of tokens choose the ids of tokens, so a session and a token may have the same id. Ending one does
/// not end the other.
pub async fn a_session_and_a_token_may_have_the_same_id(store: Store) -> Outcome {
    let user = UserId::new("same");
    let (session, token) = (SessionId::new("same"), TokenId::new("same"));
    let (other_session, other_token) = (SessionId::new("other"), TokenId::new("other"));

    store.end_session(&session, at(0)).await?;
    store.end_token(&other_token, at(0)).await?;

    assert!(!store.read(&user, None, Some(&token)).await?.is_ended);
    assert!(!store.read(&user, Some(&other_session), None).await?.is_ended);
    assert!(!read(&*store, &user).await?.is_ended);
    Ok(())
}

/// Ending a session or a token again succeeds, in any order of times.
pub async fn ending_a_session_or_token_is_idempotent(store: Store) -> Outcome {
    let user = UserId::new("alice");
    let (session, token) = (SessionId::new("s-1"), TokenId::new("t-1"));
    for now in [at(5_000), at(5_000), at(0), at(9_000)] {
        store.end_session(&session, now).await?;
        store.end_token(&token, now).await?;

        assert!(store.read(&user, Some(&session), None).await?.is_ended);
        assert!(store.read(&user, None, Some(&token)).await?.is_ended);
    }
    Ok(())
}

/// No two revocations begin the same generation. Otherwise the second would not end credentials issued after the
/// first.
pub async fn revocations_at_once_begin_generations_of_their_own(store: Store) -> Outcome {
    let user = UserId::new("alice");

    let shared = (store.clone(), user.clone());
    let begun = at_once(32, &shared, |(store, user), number| async move {
        store.bump(&user, at(u64::from(number % 2 == 0))).await
    });
    let begun: HashSet<u64> = begun.await.into_iter().collect::<Result<_, _>>()?;

    assert_eq!(begun.len(), 32);
    let epoch = read(&*store, &user).await?;
    assert_eq!(Some(&epoch.generation), begun.iter().max());
    assert_eq!(epoch.revoked_at, Some(at(1)));
    Ok(())
}
