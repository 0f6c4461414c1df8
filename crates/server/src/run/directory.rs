//! Finds users for the applications, by the user names and ids of accounts.

use std::sync::Arc;

use doorward::{BoxError, UserId, store::BoxFuture};
use doorward_apps::{Directory, Person};
use doorward_core::{Account, AccountStore};
use doorward_identity::{Username, shown_name};

/// Directory of the accounts of the server.
pub(crate) struct AccountDirectory(pub(crate) Arc<dyn AccountStore>);

impl Directory for AccountDirectory {
    fn named<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Person>, BoxError>> {
        Box::pin(async move {
            let Ok(username) = name.parse::<Username>() else { return Ok(None) };
            self.person(self.0.account_named(username.key()).await?).await
        })
    }

    fn with_id<'a>(&'a self, id: &'a UserId) -> BoxFuture<'a, Result<Option<Person>, BoxError>> {
        Box::pin(async move { self.person(self.0.account(id).await?).await })
    }
}

impl AccountDirectory {
    async fn person(&self, account: Option<Account>) -> Result<Option<Person>, BoxError> {
        let Some(account) = account else { return Ok(None) };
        let name = shown_name(&*self.0, &account).await?;
        Ok(Some(Person { id: account.id, name }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use doorward_core::{CredentialId, PasskeyRecord};
    use doorward_sql::SqlStore;

    use super::*;

    /// The subject of a token may equal the user name of an account.
    #[tokio::test]
    async fn a_user_name_and_an_id_never_stand_for_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let accounts = SqlStore::open(folder.path().join("accounts.db")).await.unwrap();
        let account = Account::new(UserId::new("0b5c"), "opsX", "opsx", UNIX_EPOCH);
        let passkey = PasskeyRecord {
            id: CredentialId::new(b"key".as_slice()),
            user: account.id.clone(),
            name: "Phone".into(),
            created_at: UNIX_EPOCH,
            used_at: None,
            is_synced: false,
            key: b"{}".as_slice().into(),
        };
        accounts.create_account(&account, &passkey).await.unwrap();
        let directory = AccountDirectory(Arc::new(accounts));

        // The lookup of a user name ignores case.
        let named = directory.named("OPSX").await.unwrap().unwrap();
        let with_id = directory.with_id(&UserId::new("0b5c")).await.unwrap().unwrap();

        assert_eq!((named.id.as_str(), &*named.name), ("0b5c", "opsX"));
        assert_eq!((with_id.id.as_str(), &*with_id.name), ("0b5c", "opsX"));
        assert!(directory.named("0b5c").await.unwrap().is_none());
        assert!(directory.named("#ops").await.unwrap().is_none());
        assert!(directory.with_id(&UserId::new("opsX")).await.unwrap().is_none());
    }
}
