//! Checks every two seconds whether the stores answer and their disk has room, and logs each outage once.
//!
//! Each outage is logged in two lines, one at its beginning and one at its end ([`Outage`]). The log limits the
//! lines about requests that fail during the outage. `/readyz` reports the results of the last checks, and outages of
//! the bus, which the framework notices. Start reading at [`Dependencies::watch`].

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use doorward::{
    UserId,
    server::{Clock, CurrentOutage, Outage, SystemClock},
    store::RevocationStore,
};
use doorward_apps::Database;
use doorward_core::{AccountStore, StoreError, StoreFuture, lock};
use doorward_sql::SqlStore;
use futures_util::future::join_all;
use serde_json::{Map, json};

use crate::data::stores::Stores;

/// All stores that the server depends on.
pub(crate) struct Dependencies {
    all: Vec<Dependency>,
    /// `true` if the server is a node of a cluster.
    has_bus: bool,
}

struct Dependency {
    name: &'static str,
    ask: Box<dyn Fn() -> StoreFuture<'static, ()> + Send + Sync>,
    outage: Outage,
}

impl Dependencies {
    /// Creates the checks of these stores.
    pub(crate) fn of(stores: &Stores) -> Arc<Self> {
        let accounts = Arc::clone(&stores.accounts);
        let (database, revocations) = (stores.database.clone(), Arc::clone(&stores.revocations));
        let floor = Arc::new(Mutex::new(None));
        let mut all = vec![
            Dependency::new("accounts", move || ask_accounts(Arc::clone(&accounts))),
            Dependency::new("database", move || ask_database(database.clone())),
            Dependency::new("sessions", move || {
                ask_sessions(Arc::clone(&revocations), Arc::clone(&floor))
            }),
        ];
        if stores.applications.tables().is_some() {
            let applications = stores.applications.clone();
            all.push(Dependency::new("applications", move || {
                ask_applications(applications.clone())
            }));
        }
        Arc::new(Self { all, has_bus: stores.cluster.is_some() })
    }

    /// Checks periodically until the future is dropped.
    pub(crate) async fn watch(&self) {
        join_all(self.all.iter().map(Dependency::watch)).await;
    }

    /// Returns the names of everything that does not answer: stores by the last checks, and the `outages` that the
    /// framework knows.
    pub(crate) fn away(&self, outages: &[CurrentOutage]) -> Vec<String> {
        let stores = self.all.iter().filter(|one| one.outage.is_away()).map(|one| one.name);
        stores.chain(outages.iter().map(|one| one.what)).map(str::to_owned).collect()
    }

    /// Returns the response to `GET /readyz`, with the results of the last checks and the `outages` that the framework
    /// knows. A request triggers no check. A server that stops is not ready.
    pub(crate) fn report(&self, is_stopping: bool, outages: &[CurrentOutage]) -> Response {
        let mut checks = Map::new();
        for dependency in &self.all {
            checks.insert(dependency.name.to_owned(), state_of(dependency.outage.is_away()).into());
        }
        let is_up = checks.values().all(|state| state == UP);
        // A node without the bus stays ready. It serves its clients, who only miss events of other nodes, and all nodes
        // may lose the bus at the same moment.
        if self.has_bus {
            let is_away = |one: &CurrentOutage| one.what == BUS && one.lasts >= BUS_GRACE;
            checks.insert(BUS.to_owned(), state_of(outages.iter().any(is_away)).into());
        }
        let (status, word) = match is_up {
            _ if is_stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            true => (StatusCode::OK, "ready"),
            false => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
        };
        (status, Json(json!({ "status": word, "checks": checks }))).into_response()
    }
}

fn state_of(is_away: bool) -> &'static str {
    if is_away { "down" } else { UP }
}

impl Dependency {
    fn new<F: Future<Output = Result<(), StoreError>> + Send + 'static>(
        name: &'static str,
        ask: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        // The first successful check ends the outage, without a waiting time.
        let outage = Outage::new(name, Duration::ZERO);
        Self { name, ask: Box::new(move || Box::pin(ask())), outage }
    }

    async fn watch(&self) {
        let took = metrics::histogram!("doorward_dependency_seconds", "dependency" => self.name);
        loop {
            let asked = SystemClock.now();
            let answer = tokio::select! {
                answer = (self.ask)() => answer,
                () = SystemClock.sleep_until(asked + PATIENCE) => {
                    Err(StoreError::Unavailable("no answer in time".into()))
                }
            };
            let now = SystemClock.now();
            took.record(now.saturating_duration_since(asked));
            match answer {
                Ok(()) => self.outage.answered(now),
                Err(error) => self.outage.failed(now, &error),
            }
            SystemClock.sleep_until(asked + BETWEEN_LOOKS).await;
        }
    }
}

async fn ask_accounts(accounts: Arc<dyn AccountStore>) -> Result<(), StoreError> {
    accounts.account(&UserId::new(STRANGER)).await.map(drop)
}

async fn ask_database(database: SqlStore) -> Result<(), StoreError> {
    database.check().await
}

async fn ask_applications(applications: Database) -> Result<(), StoreError> {
    applications.check().await
}

/// Checks the session store by reading the revocations of a user that does not exist. Logs an error if the store
/// has lost its data since the last check. Such a store rejects all earlier credentials, so all users have to sign
/// in again.
async fn ask_sessions(
    revocations: Arc<dyn RevocationStore>,
    floor: Arc<Mutex<Option<SystemTime>>>,
) -> Result<(), StoreError> {
    let now = revocations.read(&UserId::new(STRANGER), None, None).await?.revoked_at;
    let before = std::mem::replace(&mut *lock(&floor), now);
    if before.is_some() && now > before {
        tracing::error!(
            "The session store has lost its data (was it emptied or replaced?): earlier credentials \
             are refused, and users have to sign in again."
        );
    }
    Ok(())
}

/// Id of a user that does not exist. Checks look up its revocations.
const STRANGER: &str = "-";

const UP: &str = "up";

/// Name of the bus among the outages of the framework.
const BUS: &str = "bus";

/// Duration of an outage of the bus from which on `/readyz` reports it. A node that has lost its connection opens
/// another one within this time.
const BUS_GRACE: Duration = Duration::from_secs(5);

const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Timeout of a check, as long as that of a store operation.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_stops_is_not_ready() {
        let dependencies = Dependencies { all: Vec::new(), has_bus: false };

        assert_eq!(dependencies.report(false, &[]).status(), StatusCode::OK);
        assert_eq!(dependencies.report(true, &[]).status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
