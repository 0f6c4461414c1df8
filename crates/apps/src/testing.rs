//! Helpers for the tests of all applications: an authenticator, a directory of accounts in memory, and databases of
//! both kinds.

use std::{any::Any, collections::HashMap, sync::Arc, time::Duration};

use doorward::{
    BoxError, Refusal, UserId,
    auth::{Authenticator, Grant},
    prelude::authenticate_fn,
    server::OsEntropy,
    store::BoxFuture,
    test::ManualClock,
};
use doorward_testkit::PostgresServer;
use sqlx::{Connection as _, PgConnection, SqliteConnection, raw_sql};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::{
    application::{Application, Directory, NamedUser, Person, Services},
    database::Database,
    sql::SqlDatabase,
};

/// Makes two tests of each function: one with a SQLite file, and one with PostgreSQL.
macro_rules! on_both {
    ($($test:ident)*) => {
        mod in_sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::testing::Kind::Sqlite).await;
            })*
        }

        mod in_postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::testing::Kind::Postgres).await;
            })*
        }
    };
}

pub(crate) use on_both;

/// Kind of database that a test uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Postgres,
    Sqlite,
}

/// Database of a test. The test may open it several times, like several nodes.
pub(crate) enum Home {
    /// URL of the database.
    Postgres(String),
    Sqlite(TempDir),
}

impl Home {
    pub(crate) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Postgres => Self::Postgres(PostgresServer::shared().database()),
            Kind::Sqlite => Self::Sqlite(tempfile::tempdir().unwrap()),
        }
    }

    pub(crate) async fn open(&self, mounted: &[&'static dyn Application]) -> Database {
        match self {
            Self::Postgres(url) => Database::connect(url, mounted).await.unwrap(),
            Self::Sqlite(folder) => {
                Database::open(&folder.path().join("apps.db"), mounted).await.unwrap()
            }
        }
    }

    /// Blocks every change of these tables until the returned value is dropped. In SQLite, blocks all tables.
    pub(crate) async fn lock(&self, tables: &str) -> Box<dyn Any> {
        match self {
            Self::Postgres(url) => {
                let mut outsider = PgConnection::connect(url).await.unwrap();
                let lock = format!("BEGIN; LOCK TABLE {tables} IN EXCLUSIVE MODE");
                raw_sql(sqlx::AssertSqlSafe(lock)).execute(&mut outsider).await.unwrap();
                Box::new(outsider)
            }
            Self::Sqlite(folder) => {
                let url = format!("sqlite:{}", folder.path().join("apps.db").display());
                let mut outsider = SqliteConnection::connect(&url).await.unwrap();
                raw_sql("BEGIN IMMEDIATE").execute(&mut outsider).await.unwrap();
                Box::new(outsider)
            }
        }
    }
}

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
    database: &SqlDatabase,
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
