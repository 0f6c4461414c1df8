//! Defines an application of the ready server, and the services that it receives. Start reading at
//! [`Application`].

use std::{fmt, sync::Arc, time::Duration};

use doorward::{
    BoxError, Gateway, UserId,
    server::{Clock, Entropy},
    store::BoxFuture,
};
use doorward_sql::SqliteFile;
use sqlx::SqliteConnection;

/// One application: a gateway, a page, and tables of its own.
///
/// To add one, implement this trait, list the type in [`ALL`](crate::ALL), and add a page to the server.
pub trait Application: fmt::Debug + Send + Sync {
    /// Returns the name in the setting `apps`. The name also identifies the tables in the database, so it must
    /// never change.
    fn name(&self) -> &'static str;

    /// Returns the path of page and namespace, without the slash.
    fn path(&self) -> &'static str;

    /// Returns the migrations that make its tables, in order. A released migration never changes; append new ones.
    fn schema(&self) -> &'static [&'static str];

    /// Deletes what the application keeps of a user, inside a transaction of the caller.
    fn forget<'c>(
        &self,
        connection: &'c mut SqliteConnection,
        user: &'c UserId,
    ) -> BoxFuture<'c, sqlx::Result<()>>;

    /// Builds the gateway.
    fn gateway(&self, services: &Services) -> Gateway<NamedUser>;
}

/// Services that the server passes to every application.
#[derive(Clone)]
pub struct Services {
    /// Clock for every decision that depends on time.
    pub clock: Arc<dyn Clock>,
    /// Source of random ids and draws.
    pub entropy: Arc<dyn Entropy>,
    /// File that holds the tables of all applications.
    pub database: SqliteFile,
    /// Looks up users by name or id.
    pub directory: Arc<dyn Directory>,
    /// Length of a round of whack-a-mole.
    pub round: Duration,
}

/// The principal of the applications: an authenticated user with a name.
#[derive(Clone, Debug)]
pub struct NamedUser {
    /// Name that other users read.
    pub name: Box<str>,
}

/// A user and the name that other users read.
#[derive(Clone, Debug)]
pub struct Person {
    /// Id of the user.
    pub id: UserId,
    /// Name that other users read.
    pub name: Box<str>,
}

/// Looks up users that an application does not know itself.
///
/// Names and ids are looked up separately: the subject of a token may be any text, including the user name of an
/// account.
pub trait Directory: Send + Sync {
    /// Finds the user with this user name; `None` when there is none.
    ///
    /// # Errors
    /// Errors of the underlying store.
    fn named<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Person>, BoxError>>;

    /// Finds the user with this id; `None` when no account has it.
    ///
    /// # Errors
    /// Errors of the underlying store.
    fn with_id<'a>(&'a self, id: &'a UserId) -> BoxFuture<'a, Result<Option<Person>, BoxError>>;
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("round", &self.round).finish_non_exhaustive()
    }
}
