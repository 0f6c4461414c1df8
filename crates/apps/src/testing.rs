//! Helpers for the tests of all applications: an authenticator, and a directory of accounts in
//! memory.

use std::{collections::HashMap, sync::Arc, time::Duration};

use doorward::{
    BoxError, Refusal, UserId,
    auth::{Authenticator, Grant},
    prelude::authenticate_fn,
    server::OsEntropy,
    store::BoxFuture,
    test::ManualClock,
};
use doorward_sql::SqliteFile;
use tokio::sync::Mutex;

use crate::application::{Directory, NamedUser, Person, Services};

/// Returns an authenticator that admits every client as the user that the client names.
pub(crate) fn authenticator() -> impl Authenticator<Principal = NamedUser> {
    authenticate_fn(|handshake| async move {
        let user = handshake.auth.get_str("user").ok_or_else(Refusal::forbidden)?;
        Ok(Grant::new(NamedUser { name: user.into() }, user))
    })
}

/// Directory of accounts in memory, with user names and ids.
#[derive(Default)]
pub(crate) struct Accounts(Mutex<HashMap<String, UserId>>);

impl Accounts {
    pub(crate) async fn sign_up(&self, id: &str, name: &str) {
        self.0.lock().await.insert(name.to_owned(), UserId::new(id));
    }
}

impl Directory for Accounts {
    fn named<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Person>, BoxError>> {
        Box::pin(async move {
            let id = self.0.lock().await.get(name).cloned();
            Ok(id.map(|id| Person { id, name: name.into() }))
        })
    }

    fn with_id<'a>(&'a self, id: &'a UserId) -> BoxFuture<'a, Result<Option<Person>, BoxError>> {
        Box::pin(async move {
            let accounts = self.0.lock().await;
            let found = accounts.iter().find(|(_, known)| *known == id);
            Ok(found.map(|(name, id)| Person { id: id.clone(), name: name.as_str().into() }))
        })
    }
}

/// Returns the services of an application, with a manual clock.
pub(crate) fn services(
    clock: &ManualClock,
    database: &SqliteFile,
    directory: Arc<dyn Directory>,
) -> Services {
    Services {
        clock: Arc::new(clock.clone()),
        entropy: Arc::new(OsEntropy),
        database: database.clone(),
        directory,
        round: Duration::from_secs(10),
    }
}
