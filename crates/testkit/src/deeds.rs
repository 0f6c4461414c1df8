//! Makes every kind of change to a store, and looks for each change later.
//!
//! A test makes a round of changes during a fault. Afterwards it opens the store again and looks for each
//! acknowledged change. The changes are independent of each other, so a change that fails affects no other.

use std::time::{Duration, SystemTime};

use doorward_core::{
    Account, AccountStore, CreateAccountError, CredentialId, PasskeyRecord, RecoveryCodes, Session,
    SessionId, SessionKey, StoreError, TicketKey, TicketRecord, TokenId, UserId,
};

use crate::conformance::Stores;

/// Name of a change, and the result that the store returned for it.
pub type Deed = (&'static str, Result<(), StoreError>);

/// Makes every kind of change to a store of sessions, tickets and revocations, with ids made of `n`. Returns the
/// name and the result of each change.
pub async fn do_sessions(store: &dyn Stores, n: u8) -> Vec<Deed> {
    let (hour, id) = (Duration::from_secs(3600), session(n));
    let made = Session::new(id.clone(), user(n), at(0), hour, 12 * hour);
    let record = TicketRecord { session: id, challenge: [0; 32], expires_at: at(30) };
    vec![
        ("create", store.create(&SessionKey::new([n; 32]), &made).await),
        ("put_ticket", store.put_ticket(&TicketKey::new([n; 32]), &record).await),
        // For another user, because a revocation would remove the session.
        ("bump", store.bump(&revoked(n), at(1)).await.map(drop)),
        ("end_session", store.end_session(&ended(n), at(1)).await),
        ("end_token", store.end_token(&token(n), at(1)).await),
    ]
}

/// Returns `true` if a store has the change with this name that [`do_sessions`] makes for `n`. Looking for
/// `put_ticket` takes the ticket, so it succeeds only once.
///
/// # Errors
/// The error of the store.
pub async fn knows_session(store: &dyn Stores, n: u8, name: &str) -> Result<bool, StoreError> {
    let nothing = user(n);
    Ok(match name {
        "create" => store.get(&session(n)).await?.is_some(),
        "put_ticket" => store.take_ticket(&TicketKey::new([n; 32])).await?.is_some(),
        "bump" => store.read(&revoked(n), None, None).await?.revoked_at.is_some(),
        "end_session" => store.read(&nothing, Some(&ended(n)), None).await?.is_ended,
        "end_token" => store.read(&nothing, None, Some(&token(n))).await?.is_ended,
        _ => false,
    })
}

/// Creates the accounts that [`do_accounts`] changes.
///
/// # Errors
/// The error of the store.
pub async fn prepare_accounts(
    store: &dyn AccountStore,
    numbers: impl IntoIterator<Item = u8>,
) -> Result<(), StoreError> {
    for n in numbers {
        create(store, &format!("old {n}"), &[n, 0]).await?;
    }
    Ok(())
}

/// Makes every kind of change to a store of accounts, with ids made of `n`. Returns the name and the result of each
/// change. Call [`prepare_accounts`] with the same number first.
pub async fn do_accounts(store: &dyn AccountStore, n: u8) -> Vec<Deed> {
    let old = UserId::new(format!("old {n}"));
    let codes = RecoveryCodes { salt: [n; 16], hashes: vec![[n; 32]] };
    vec![
        ("create_account", create(store, &format!("new {n}"), &[n, 1]).await),
        ("add_passkey", store.add_passkey(&passkey(&old, &[n, 2]), 10).await.map(drop)),
        ("put_recovery_codes", store.put_recovery_codes(&old, &codes).await.map(drop)),
        ("set_disabled", store.set_disabled(&old, Some(at(1))).await.map(drop)),
    ]
}

/// Returns `true` if a store has the change with this name that [`do_accounts`] makes for `n`.
///
/// # Errors
/// The error of the store.
pub async fn knows_account(
    store: &dyn AccountStore,
    n: u8,
    name: &str,
) -> Result<bool, StoreError> {
    let old = UserId::new(format!("old {n}"));
    Ok(match name {
        "create_account" => store.account_named(&format!("new {n}")).await?.is_some(),
        "add_passkey" => store.passkey(&CredentialId::new([n, 2])).await?.is_some(),
        "put_recovery_codes" => !store.recovery_codes(&old).await?.hashes.is_empty(),
        "set_disabled" => store.account(&old).await?.is_some_and(|it| it.disabled_at.is_some()),
        _ => false,
    })
}

async fn create(store: &dyn AccountStore, name: &str, id: &[u8]) -> Result<(), StoreError> {
    let account = Account::new(UserId::new(name), name, name, at(0));
    match store.create_account(&account, &passkey(&account.id, id)).await {
        Ok(()) => Ok(()),
        Err(CreateAccountError::Store(error)) => Err(error),
        Err(_taken) => Err(StoreError::Exists),
    }
}

fn passkey(user: &UserId, id: &[u8]) -> PasskeyRecord {
    PasskeyRecord {
        id: CredentialId::new(id),
        user: user.clone(),
        name: "Phone".into(),
        created_at: at(0),
        used_at: None,
        is_synced: false,
        // As large as the keys of some authenticators, so that a disk is full sooner.
        key: vec![7; 1_500].into(),
    }
}

fn user(n: u8) -> UserId {
    UserId::new(format!("user {n}"))
}

fn revoked(n: u8) -> UserId {
    UserId::new(format!("revoked {n}"))
}

fn session(n: u8) -> SessionId {
    SessionId::new(format!("session {n}"))
}

fn ended(n: u8) -> SessionId {
    SessionId::new(format!("ended {n}"))
}

fn token(n: u8) -> TokenId {
    TokenId::new(format!("token {n}"))
}

/// Returns 2100-01-01T00:00:00Z plus `seconds`, so that no store expires an entry by its own clock.
fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800 + seconds)
}
