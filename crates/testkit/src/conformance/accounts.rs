//! Rules that every account store must satisfy.
#![expect(clippy::missing_errors_doc, reason = "a rule fails when the store does not answer")]
#![expect(clippy::missing_panics_doc, reason = "a rule panics when it is broken")]
#![expect(clippy::panic, reason = "a rule panics when it is broken")]

use std::sync::Arc;

use doorward_core::{
    Account, AccountStore, CreateAccountError, CredentialId, PasskeyRecord, PasskeyRemoval,
    PasskeyUse, RecoveryCodes, StoreError, UserId,
};

use super::{
    Outcome,
    at_once::at_once,
    samples::{HOSTILE, at},
};

/// The store of a rule.
type Store = Arc<dyn AccountStore>;

fn account(id: &str, key: &str) -> Account {
    Account::new(UserId::new(id), key.to_uppercase(), key, at(0))
}

fn passkey(id: &str, user: &str) -> PasskeyRecord {
    PasskeyRecord {
        id: CredentialId::new(id.as_bytes()),
        user: UserId::new(user),
        name: "Phone".into(),
        created_at: at(1),
        used_at: None,
        is_synced: false,
        key: b"key".as_slice().into(),
    }
}

async fn create(store: &dyn AccountStore, id: &str, key: &str) -> Result<(), StoreError> {
    match store.create_account(&account(id, key), &passkey(&format!("of {id}"), id)).await {
        Ok(()) => Ok(()),
        Err(CreateAccountError::Store(error)) => Err(error),
        Err(taken) => panic!("{taken}"),
    }
}

/// Every field is stored unchanged, even text that is chosen to break statements and encodings.
pub async fn an_account_is_read_back_as_written(store: Store) -> Outcome {
    // PostgreSQL cannot store NUL in text, and no valid name contains one.
    let texts = HOSTILE.iter().filter(|text| !text.is_empty() && !text.contains('\0'));
    for (number, text) in texts.enumerate() {
        let id = format!("id {number}");
        let mut written = Account::new(UserId::new(&*id), *text, format!("{number}{text}"), at(5));
        written.display_name = format!("{text}!").into();
        let mut first = passkey(&format!("{number}"), &id);
        first.name = (*text).into();
        first.used_at = Some(at(9));
        first.is_synced = number % 2 == 0;
        first.key = (0..=255).collect::<Vec<u8>>().into();

        let made = store.create_account(&written, &first).await;

        assert!(made.is_ok(), "{made:?} {text:?}");
        assert_eq!(store.account(&written.id).await?.as_ref(), Some(&written));
        assert_eq!(store.account_named(&written.name_key).await?, Some(written.clone()));
        assert!(store.passkey(&first.id).await? == Some(first.clone()), "{text:?}");
        assert!(store.passkeys_of(&written.id).await? == [first], "{text:?}");
    }
    Ok(())
}

/// Reads of a missing account find nothing, and changes report that it is missing.
pub async fn an_account_that_was_never_created_is_absent(store: Store) -> Outcome {
    let unknown = UserId::new("unknown");

    assert!(store.account(&unknown).await?.is_none());
    assert!(store.account_named("unknown").await?.is_none());
    assert!(store.passkeys_of(&unknown).await?.is_empty());
    assert!(store.passkey(&CredentialId::new([1])).await?.is_none());
    assert!(!store.set_disabled(&unknown, Some(at(0))).await?);
    assert!(!store.remove_account(&unknown).await?);
    assert!(!store.add_passkey(&passkey("a", "unknown"), 9).await?);
    assert!(!store.put_recovery_codes(&unknown, &RecoveryCodes::default()).await?);
    assert_eq!(store.recovery_codes(&unknown).await?, RecoveryCodes::default());
    Ok(())
}

/// A name belongs to one account, and so does a passkey. A refused creation leaves nothing behind.
pub async fn a_taken_name_or_passkey_makes_no_account(store: Store) -> Outcome {
    create(&*store, "1", "alice").await?;

    let name = store.create_account(&account("2", "alice"), &passkey("new", "2")).await;
    let key = store.create_account(&account("3", "bob"), &passkey("of 1", "3")).await;

    assert!(matches!(name, Err(CreateAccountError::NameTaken)), "{name:?}");
    assert!(matches!(key, Err(CreateAccountError::PasskeyTaken)), "{key:?}");
    for id in ["2", "3"] {
        assert!(store.account(&UserId::new(id)).await?.is_none());
    }
    assert!(store.passkey(&CredentialId::new(*b"new")).await?.is_none());
    Ok(())
}

/// Of many sign-ups that claim one name at the same moment, one succeeds. Each has a different passkey.
pub async fn of_many_sign_ups_with_one_name_at_once_one_succeeds(store: Store) -> Outcome {
    let made = at_once(16, &store, |store, number| async move {
        let id = number.to_string();
        store.create_account(&account(&id, "alice"), &passkey(&id, &id)).await
    });
    let made = made.await;

    let taken =
        made.iter().filter(|made| matches!(made, Err(CreateAccountError::NameTaken))).count();
    assert_eq!((made.iter().filter(|made| made.is_ok()).count(), taken), (1, 15), "{made:?}");
    Ok(())
}

/// Attack 73: many accounts that claim one passkey at the same moment.
pub async fn of_many_accounts_with_one_passkey_at_once_one_is_made(store: Store) -> Outcome {
    let made = at_once(16, &store, |store, number| async move {
        let id = number.to_string();
        store.create_account(&account(&id, &id), &passkey("one", &id)).await
    });
    let made = made.await;

    let taken =
        made.iter().filter(|made| matches!(made, Err(CreateAccountError::PasskeyTaken))).count();
    assert_eq!((made.iter().filter(|made| made.is_ok()).count(), taken), (1, 15), "{made:?}");
    assert_eq!(store.list_accounts(None, 99).await?.len(), 1);
    Ok(())
}

/// Accounts are listed in the order of the bytes of their names, beginning after the given name.
pub async fn accounts_are_listed_by_name(store: Store) -> Outcome {
    for (id, key) in [("1", "b"), ("2", "a"), ("3", "é"), ("4", "Z"), ("5", "a.b")] {
        create(&*store, id, key).await?;
    }

    let keys = |found: Vec<Account>| {
        found.into_iter().map(|account| account.name_key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(keys(store.list_accounts(None, 9).await?), ["Z", "a", "a.b", "b", "é"]);
    assert_eq!(keys(store.list_accounts(Some("a"), 2).await?), ["a.b", "b"]);
    assert!(store.list_accounts(Some("é"), 9).await?.is_empty());
    Ok(())
}

/// Disabling or enabling an account does not affect other accounts.
pub async fn an_account_is_disabled_and_enabled(store: Store) -> Outcome {
    create(&*store, "1", "alice").await?;
    create(&*store, "2", "bob").await?;
    let (alice, bob) = (UserId::new("1"), UserId::new("2"));
    let disabled = async |id| {
        Ok::<_, StoreError>(store.account(id).await?.and_then(|account| account.disabled_at))
    };

    assert!(store.set_disabled(&alice, Some(at(7))).await?);
    assert_eq!((disabled(&alice).await?, disabled(&bob).await?), (Some(at(7)), None));
    assert!(store.set_disabled(&alice, None).await?);
    assert_eq!(disabled(&alice).await?, None);
    Ok(())
}

/// The passkeys and codes of the account are removed too, and its name can be used again.
pub async fn a_removed_account_leaves_nothing_behind(store: Store) -> Outcome {
    create(&*store, "1", "alice").await?;
    let alice = UserId::new("1");
    store.put_recovery_codes(&alice, &codes(&[1])).await?;

    assert!(store.remove_account(&alice).await?);
    assert!(!store.remove_account(&alice).await?);

    assert!(store.account_named("alice").await?.is_none());
    assert!(store.passkey(&CredentialId::new(*b"of 1")).await?.is_none());
    assert_eq!(store.recovery_codes(&alice).await?, RecoveryCodes::default());
    create(&*store, "1", "alice").await?;
    assert!(store.recovery_codes(&alice).await?.hashes.is_empty());
    Ok(())
}

/// Passkeys are listed in the order of addition. A passkey of another account counts as taken.
pub async fn passkeys_are_added_up_to_a_limit(store: Store) -> Outcome {
    create(&*store, "1", "alice").await?;
    create(&*store, "2", "bob").await?;

    assert!(store.add_passkey(&passkey("b", "1"), 3).await?);
    assert!(store.add_passkey(&passkey("a", "1"), 3).await?);
    assert!(!store.add_passkey(&passkey("c", "1"), 3).await?);
    let taken = store.add_passkey(&passkey("of 2", "1"), 9).await;

    assert!(matches!(taken, Err(StoreError::Exists)), "{taken:?}");
    let own = store.passkeys_of(&UserId::new("1")).await?;
    let ids: Vec<_> = own.iter().map(|passkey| passkey.id.as_bytes()).collect();
    assert_eq!(ids, [&b"of 1"[..], b"b", b"a"]);
    Ok(())
}

/// The limit also applies to concurrent additions.
pub async fn passkeys_that_are_added_at_once_do_not_exceed_the_limit(store: Store) -> Outcome {
    create(&*store, "1", "alice").await?;

    let added = at_once(16, &store, |store, number| async move {
        store.add_passkey(&passkey(&number.to_string(), "1"), 5).await
    });
    let added: Result<Vec<_>, _> = added.await.into_iter().collect();

    assert_eq!(added?.iter().filter(|added| **added).count(), 4);
    assert_eq!(store.passkeys_of(&UserId::new("1")).await?.len(), 5);
    Ok(())
}

/// A use of a passkey replaces the key only if the stored key is still the one that was verified.
pub async fn a_use_is_recorded_only_if_the_key_is_unchanged(store: Store) -> Outcome {
    create(&*store, "1", "alice").await?;
    let id = CredentialId::new(*b"of 1");
    let usage = |before, after, at| PasskeyUse { before, after, is_synced: true, at };

    assert!(store.record_use(&id, usage(b"key", b"new", at(50))).await?);
    assert!(!store.record_use(&id, usage(b"key", b"newer", at(60))).await?);
    assert!(store.record_use(&id, usage(b"new", b"new", at(40))).await?);
    assert!(!store.record_use(&CredentialId::new(*b"none"), usage(b"key", b"new", at(50))).await?);

    let kept = store.passkey(&id).await?.expect("it is there");
    assert_eq!((&*kept.key, kept.used_at, kept.is_synced), (&b"new"[..], Some(at(50)), true));
    Ok(())
}

/// Attack 72: several answers with the same signature counter.
pub async fn of_many_uses_of_one_counter_at_once_one_is_recorded(store: Store) -> Outcome {
    create(&*store, "1", "alice").await?;

    let used = at_once(16, &store, |store, number| async move {
        let after = format!("key {number}");
        let after = after.as_bytes();
        let usage = PasskeyUse { before: b"key", after, is_synced: false, at: at(2) };
        store.record_use(&CredentialId::new(*b"of 1"), usage).await
    });
    let used: Result<Vec<_>, _> = used.await.into_iter().collect();

    assert_eq!(used?.iter().filter(|used| **used).count(), 1);
    Ok(())
}

/// A user cannot rename the passkey of another account. Such a passkey counts as missing.
pub async fn a_passkey_is_renamed_by_its_owner(store: Store) -> Outcome {
    create(&*store, "1", "alice").await?;
    create(&*store, "2", "bob").await?;
    let id = CredentialId::new(*b"of 1");

    assert!(store.rename_passkey(&UserId::new("1"), &id, "Key").await?);
    assert!(!store.rename_passkey(&UserId::new("2"), &id, "Mine").await?);

    assert_eq!(&*store.passkey(&id).await?.expect("it is there").name, "Key");
    Ok(())
}

/// Attack 78: removing the last passkey.
pub async fn the_last_passkey_is_removed_only_if_a_recovery_code_is_left(store: Store) -> Outcome {
    create(&*store, "1", "alice").await?;
    create(&*store, "2", "bob").await?;
    let (alice, bob) = (UserId::new("1"), UserId::new("2"));
    let (first, second) = (CredentialId::new(*b"of 1"), CredentialId::new(*b"second"));

    assert_eq!(store.remove_passkey(&bob, &first).await?, PasskeyRemoval::NotThere);
    assert_eq!(store.remove_passkey(&alice, &first).await?, PasskeyRemoval::LastOne);
    store.add_passkey(&passkey("second", "1"), 9).await?;
    assert_eq!(store.remove_passkey(&alice, &first).await?, PasskeyRemoval::Removed);
    assert_eq!(store.remove_passkey(&alice, &first).await?, PasskeyRemoval::NotThere);
    assert_eq!(store.remove_passkey(&alice, &second).await?, PasskeyRemoval::LastOne);
    store.put_recovery_codes(&alice, &codes(&[1])).await?;
    assert_eq!(store.remove_passkey(&alice, &second).await?, PasskeyRemoval::Removed);
    Ok(())
}

/// Attack 78: removing all passkeys of an account at the same moment.
pub async fn of_all_passkeys_removed_at_once_one_is_kept(store: Store) -> Outcome {
    create(&*store, "1", "alice").await?;
    for number in 0..15 {
        store.add_passkey(&passkey(&number.to_string(), "1"), 99).await?;
    }

    let removed = at_once(16, &store, |store, number| async move {
        let id = if number == 15 { "of 1".to_owned() } else { number.to_string() };
        store.remove_passkey(&UserId::new("1"), &CredentialId::new(id.as_bytes())).await
    });
    let removed: Result<Vec<_>, _> = removed.await.into_iter().collect();

    let removed = removed?;
    assert_eq!(removed.iter().filter(|one| **one == PasskeyRemoval::Removed).count(), 15);
    assert_eq!(store.passkeys_of(&UserId::new("1")).await?.len(), 1);
    Ok(())
}

fn codes(numbers: &[u8]) -> RecoveryCodes {
    let hashes = numbers.iter().map(|number| [*number; 32]).collect();
    RecoveryCodes { salt: [numbers.len().try_into().unwrap_or(0); 16], hashes }
}

/// New recovery codes replace all old codes of the account.
pub async fn recovery_codes_are_replaced_as_a_whole(store: Store) -> Outcome {
    create(&*store, "1", "alice").await?;
    let alice = UserId::new("1");

    assert!(store.put_recovery_codes(&alice, &codes(&[1, 2, 3])).await?);
    assert!(store.put_recovery_codes(&alice, &codes(&[4, 5])).await?);

    let mut kept = store.recovery_codes(&alice).await?;
    kept.hashes.sort_unstable();
    assert_eq!(kept, codes(&[4, 5]));
    assert!(!store.take_recovery_code(&alice, &[1; 32]).await?);
    assert!(store.take_recovery_code(&alice, &[4; 32]).await?);
    assert!(store.take_recovery_code(&alice, &[5; 32]).await?);
    let left = store.recovery_codes(&alice).await?;
    assert_eq!((left.salt, left.hashes.len()), (codes(&[4, 5]).salt, 0));
    Ok(())
}

/// Of many requests that show one code at the same time, one succeeds. A code of another account is
/// not accepted.
pub async fn a_recovery_code_is_good_once(store: Store) -> Outcome {
    create(&*store, "1", "alice").await?;
    create(&*store, "2", "bob").await?;
    store.put_recovery_codes(&UserId::new("1"), &codes(&[1])).await?;

    assert!(!store.take_recovery_code(&UserId::new("2"), &[1; 32]).await?);
    let taken = at_once(16, &store, |store, _| async move {
        store.take_recovery_code(&UserId::new("1"), &[1; 32]).await
    });
    let taken: Result<Vec<_>, _> = taken.await.into_iter().collect();

    assert_eq!(taken?.iter().filter(|taken| **taken).count(), 1);
    Ok(())
}

/// The secret that was stored first is kept, and every caller receives it. Decoy passkeys are
/// derived from this secret.
pub async fn the_secret_of_decoys_is_drawn_once(store: Store) -> Outcome {
    let drawn = at_once(16, &store, |store, number| async move {
        store.decoy_secret(&[number.try_into().unwrap_or(0); 32]).await
    });
    let drawn: Result<Vec<_>, _> = drawn.await.into_iter().collect();
    let drawn = drawn?;

    assert!(drawn.iter().all(|secret| *secret == drawn[0]), "{drawn:?}");
    assert_eq!(store.decoy_secret(&[99; 32]).await?, drawn[0]);
    Ok(())
}
