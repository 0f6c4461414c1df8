//! Defines the trait for applications of the ready-made server, and the services that the server passes to an
//! application. Start reading at [`Application`].

use std::{fmt, sync::Arc, time::Duration};

use doorward::{
    BoxError, Gateway, Socket, UserId,
    server::{Clock, Entropy},
    store::BoxFuture,
};

use crate::sql::{Connection, Migrations, SqlDatabase};

/// Application of the ready-made server: a gateway, a page and database tables.
///
/// To add an application, implement this trait, list the type in [`ALL`](crate::ALL), and add a page to the
/// server.
pub trait Application: fmt::Debug + Send + Sync {
    /// Returns the name of the application in the setting `apps` of the server. The name also identifies the tables
    /// in the database, so it must never change.
    fn name(&self) -> &'static str;

    /// Returns the path of the page and of the namespace, without the leading slash.
    fn path(&self) -> &'static str;

    /// Returns the migrations that create the tables of the application.
    fn schema(&self) -> Migrations;

    /// Deletes the data that the application keeps about a user. Runs inside a transaction of the caller.
    fn forget<'c>(
        &self,
        connection: &'c mut Connection<'_>,
        user: &'c UserId,
    ) -> BoxFuture<'c, sqlx::Result<()>>;

    /// Returns the source of the gateway, which the page of the application shows.
    fn source(&self) -> &'static str;

    /// Builds the gateway of the application.
    fn gateway(&self, services: &Services) -> Gateway<NamedUser>;
}

/// Services that the server passes to every application.
#[derive(Clone)]
pub struct Services {
    /// Clock for every decision that depends on time.
    pub clock: Arc<dyn Clock>,
    /// Source of randomness, for ids and for draws.
    pub entropy: Arc<dyn Entropy>,
    /// Database with the tables of all applications.
    pub database: SqlDatabase,
    /// Looks up users by name or id.
    pub directory: Arc<dyn Directory>,
    /// Duration of a round of whack-a-mole.
    pub round: Duration,
}

/// Principal of the applications: an authenticated user with a name.
#[derive(Clone, Debug)]
pub struct NamedUser {
    /// Name of the user that other users see.
    pub name: Box<str>,
}

/// Connection of the user who has sent an event.
pub(crate) type Me = Socket<NamedUser>;

/// User that a [`Directory`] has found.
#[derive(Clone, Debug)]
pub struct Person {
    /// Id of the user.
    pub id: UserId,
    /// Name of the user that other users see.
    pub name: Box<str>,
}

/// Looks up users, for example to invite them.
///
/// Names and ids are looked up separately, because the id of a user without an account may be any text,
/// including the user name of an account.
pub trait Directory: Send + Sync {
    /// Finds the user whose account has this user name. Returns `None` if there is no such account.
    ///
    /// # Errors
    /// Returns the errors of the underlying store.
    fn named<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Person>, BoxError>>;

    /// Finds the user whose account has this id. Returns `None` if there is no such account.
    ///
    /// # Errors
    /// Returns the errors of the underlying store.
    fn with_id<'a>(&'a self, id: &'a UserId) -> BoxFuture<'a, Result<Option<Person>, BoxError>>;
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("round", &self.round).finish_non_exhaustive()
    }
}
