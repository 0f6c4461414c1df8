//! Stores that record their calls and pass them on to the real stores.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use doorward_core::{
    Account, AccountStore, BoxFuture, CreateAccountError, CredentialId, PasskeyRecord,
    PasskeyRemoval, PasskeyUse, RecoveryCodes, Session, SessionData, SessionId, SessionKey,
    SessionStore, StoreError, StoreFuture, TicketKey, TicketRecord, TicketStore, UserId,
};
use doorward_sql::SqlStore;

/// Store that records the name of each method when the call has completed.
#[derive(Clone)]
pub(crate) struct Recorded {
    pub(crate) store: Arc<SqlStore>,
    pub(crate) log: Arc<Mutex<Vec<&'static str>>>,
    /// `true` if a rival records the next use of a passkey first.
    pub(crate) has_rival: Arc<AtomicBool>,
    /// `true` if sessions cannot be looked up by their key.
    pub(crate) is_away: Arc<AtomicBool>,
    /// Name of the method that fails as if the store were full; `None` if no method fails.
    pub(crate) full: Arc<Mutex<Option<&'static str>>>,
}

impl Recorded {
    pub(crate) fn new(store: Arc<SqlStore>) -> Self {
        Self {
            store,
            log: Arc::default(),
            has_rival: Arc::default(),
            is_away: Arc::default(),
            full: Arc::default(),
        }
    }

    /// Makes one method fail as if the store were full. With `None`, no method fails.
    pub(crate) fn fill(&self, method: Option<&'static str>) {
        *self.full.lock().unwrap() = method;
    }

    /// Returns and removes the recorded calls.
    pub(crate) fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

/// Implements methods that call the real store and record their names.
macro_rules! recorded {
    ($($name:ident($($argument:ident: $type:ty),*) -> $output:ty;)+) => { $(
        fn $name<'a>(&'a self, $($argument: $type),*) -> BoxFuture<'a, $output> {
            Box::pin(async move {
                if *self.full.lock().unwrap() == Some(stringify!($name)) {
                    return Err(StoreError::Full.into());
                }
                let done = self.store.$name($($argument),*).await;
                self.log.lock().unwrap().push(stringify!($name));
                done
            })
        }
    )+ };
}

impl AccountStore for Recorded {
    fn record_use<'a>(
        &'a self,
        id: &'a CredentialId,
        signed_in: PasskeyUse<'a>,
    ) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            if self.has_rival.swap(false, Ordering::Relaxed) {
                let faster = PasskeyUse { after: b"of a faster rival", ..signed_in };
                assert!(self.store.record_use(id, faster).await?);
            }
            self.log.lock().unwrap().push("record_use");
            self.store.record_use(id, signed_in).await
        })
    }

    recorded! {
        decoy_secret(drawn: &'a [u8; 32]) -> Result<[u8; 32], StoreError>;
        create_account(account: &'a Account, passkey: &'a PasskeyRecord) -> Result<(), CreateAccountError>;
        account(id: &'a UserId) -> Result<Option<Account>, StoreError>;
        account_named(name_key: &'a str) -> Result<Option<Account>, StoreError>;
        list_accounts(after: Option<&'a str>, limit: u32) -> Result<Vec<Account>, StoreError>;
        set_disabled(id: &'a UserId, at: Option<SystemTime>) -> Result<bool, StoreError>;
        remove_account(id: &'a UserId) -> Result<bool, StoreError>;
        add_passkey(passkey: &'a PasskeyRecord, limit: u32) -> Result<bool, StoreError>;
        passkey(id: &'a CredentialId) -> Result<Option<PasskeyRecord>, StoreError>;
        passkeys_of(user: &'a UserId) -> Result<Vec<PasskeyRecord>, StoreError>;
        rename_passkey(user: &'a UserId, id: &'a CredentialId, name: &'a str) -> Result<bool, StoreError>;
        remove_passkey(user: &'a UserId, id: &'a CredentialId) -> Result<PasskeyRemoval, StoreError>;
        put_recovery_codes(user: &'a UserId, codes: &'a RecoveryCodes) -> Result<bool, StoreError>;
        recovery_codes(user: &'a UserId) -> Result<RecoveryCodes, StoreError>;
        take_recovery_code(user: &'a UserId, hash: &'a [u8; 32]) -> Result<bool, StoreError>;
    }
}

impl SessionStore for Recorded {
    recorded! {
        create(key: &'a SessionKey, session: &'a Session) -> Result<(), StoreError>;
        get(id: &'a SessionId) -> Result<Option<Session>, StoreError>;
        of_user(user: &'a UserId) -> Result<Vec<Session>, StoreError>;
        touch(id: &'a SessionId, seen_at: SystemTime) -> Result<bool, StoreError>;
        rotate(id: &'a SessionId, key: &'a SessionKey, signed_in_at: Option<SystemTime>) -> Result<bool, StoreError>;
        put_data(id: &'a SessionId, data: &'a SessionData) -> Result<bool, StoreError>;
        remove(id: &'a SessionId) -> Result<bool, StoreError>;
    }

    fn find<'a>(&'a self, key: &'a SessionKey) -> StoreFuture<'a, Option<Session>> {
        if self.is_away.load(Ordering::Relaxed) {
            return Box::pin(async { Err(StoreError::Unavailable("it is away".into())) });
        }
        SessionStore::find(&*self.store, key)
    }

    fn sweep(&self, now: SystemTime) -> StoreFuture<'_, u64> {
        self.store.sweep(now)
    }
}

impl TicketStore for Recorded {
    recorded! {
        put_ticket(key: &'a TicketKey, ticket: &'a TicketRecord) -> Result<(), StoreError>;
        take_ticket(key: &'a TicketKey) -> Result<Option<TicketRecord>, StoreError>;
    }
}
