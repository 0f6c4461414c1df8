//! Everything that a store acknowledges, and how to see later that it was kept.
//!
//! A test does a round of deeds while something goes wrong, and asks a store that was opened afterwards for each
//! one that was acknowledged. Each deed of each number stands alone, so one that was refused spoils no other.

use std::time::{Duration, SystemTime};

use doorward_core::{
    Account, AccountStore, CreateAccountError, CredentialId, Epochs, PasskeyRecord, RecoveryCodes,
    Session, SessionId, SessionKey, SessionStore, StoreError, TicketKey, TicketRecord, TicketStore,
    TokenId, UserId,
};

/// The name of a deed, and what the store said.
pub type Deed = (&'static str, Result<(), StoreError>);

/// Does everything that a store of sessions, tickets and revocations acknowledges.
pub async fn do_sessions<S: SessionStore + TicketStore + Epochs>(store: &S, n: u8) -> Vec<Deed> {
    let (hour, id) = (Duration::from_secs(3600), session(n));
    let made = Session::new(id.clone(), user(n), at(0), hour, 12 * hour);
    let record = TicketRecord { session: id, challenge: [0; 32], expires_at: at(30) };
    vec![
        ("create", store.create(&SessionKey::new([n; 32]), &made).await),
        ("put_ticket", store.put_ticket(&TicketKey::new([n; 32]), &record).await),
        // Another user: it would end the session.
        ("bump", store.bump(&revoked(n), at(1)).await.map(drop)),
        ("end_session", store.end_session(&ended(n), at(1)).await),
        ("end_token", store.end_token(&token(n), at(1)).await),
    ]
}

/// Whether a store of sessions knows of the deed with this name and number.
///
/// # Errors
/// What the store says.
pub async fn knows_session<S: SessionStore + TicketStore + Epochs>(
    store: &S,
    n: u8,
    name: &str,
) -> Result<bool, StoreError> {
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

/// Makes what [`do_accounts`] of these numbers change.
///
/// # Errors
/// What the store says.
pub async fn prepare_accounts<S: AccountStore>(
    store: &S,
    numbers: impl IntoIterator<Item = u8>,
) -> Result<(), StoreError> {
    for n in numbers {
        create(store, &format!("old {n}"), &[n, 0]).await?;
    }
    Ok(())
}

/// Does everything that a store of accounts acknowledges.
pub async fn do_accounts<S: AccountStore>(store: &S, n: u8) -> Vec<Deed> {
    let old = UserId::new(format!("old {n}"));
    let codes = RecoveryCodes { salt: [n; 16], hashes: vec![[n; 32]] };
    vec![
        ("create_account", create(store, &format!("new {n}"), &[n, 1]).await),
        ("add_passkey", store.add_passkey(&passkey(&old, &[n, 2]), 10).await.map(drop)),
        ("put_recovery_codes", store.put_recovery_codes(&old, &codes).await.map(drop)),
        ("set_disabled", store.set_disabled(&old, Some(at(1))).await.map(drop)),
    ]
}

/// Whether a store of accounts knows of the deed with this name and number.
///
/// # Errors
/// What the store says.
pub async fn knows_account<S: AccountStore>(
    store: &S,
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

async fn create<S: AccountStore>(store: &S, name: &str, id: &[u8]) -> Result<(), StoreError> {
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
        // As large as those of some authenticators: a full disk shows sooner.
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

/// 2100-01-01T00:00:00Z and so many seconds: no store forgets it by its own clock.
fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800 + seconds)
}
