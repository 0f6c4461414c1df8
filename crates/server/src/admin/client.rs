//! Sends requests to the running servers of a data directory.

use std::{io::ErrorKind, path::PathBuf};

use axum::http::Method;
use serde::{Serialize, de::DeserializeOwned};

use super::{running::Running, socket::sockets};
use crate::{
    config::{Config, PlaceOptions},
    terminal::{Failure, OrFail as _, quoted::quoted},
};

/// Client of all running servers of a data directory.
pub(crate) struct AdminClient {
    data_dir: PathBuf,
    sockets: Vec<PathBuf>,
}

impl AdminClient {
    /// Finds the admin sockets in the data directory that the options name. Fails if there is none, or if the directory
    /// cannot be read.
    pub(crate) fn of(place: &PlaceOptions) -> Result<Self, Failure> {
        let client = Self::find(place)?;
        if client.is_alone() { Err(client.no_server()) } else { Ok(client) }
    }

    /// Finds the admin sockets in the data directory that the options name, or none. Fails if the directory cannot be
    /// read.
    pub(crate) fn find(place: &PlaceOptions) -> Result<Self, Failure> {
        let data_dir = Config::load(place, None)?.data_dir;
        let sockets = match sockets(&data_dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            found => found.or_fail(format_args!(
                "cannot look for a server in {} (run the command as the user of the server, or as root)",
                data_dir.display()
            ))?,
        };
        Ok(Self { sockets, data_dir })
    }

    /// Returns `true` if no server was found.
    pub(crate) fn is_alone(&self) -> bool {
        self.sockets.is_empty()
    }

    /// Sends a request to the first running server. Fails if no server is running, or if this server does not
    /// answer or reports an error.
    pub(crate) async fn ask_one<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        for socket in &self.sockets {
            if let Some(server) = Running::reach(socket).await? {
                return server.ask(method, path, body).await;
            }
        }
        Err(self.no_server())
    }

    /// Passes each line of an endless answer of the first running server to `each`. Returns when `each` fails or the
    /// server ends.
    pub(crate) async fn follow(
        &self,
        path: &str,
        each: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for socket in &self.sockets {
            if let Some(server) = Running::reach(socket).await? {
                return server.follow(path, each).await;
            }
        }
        Err(self.no_server())
    }

    /// Sends a request to every server. Returns the responses, and the first failure if a running server does not
    /// answer or reports an error. Fails if no server is running.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answers<T>, Failure> {
        let mut answers = Answers { said: Vec::new(), failed: None };
        for socket in &self.sockets {
            let asked = async {
                let Some(server) = Running::reach(socket).await? else { return Ok(None) };
                server.ask(method.clone(), path, body).await.map(Some)
            };
            match asked.await {
                Ok(answer) => answers.said.extend(answer),
                Err(failure) => _ = answers.failed.get_or_insert(failure),
            }
        }
        if answers.said.is_empty() && answers.failed.is_none() {
            return Err(self.no_server());
        }
        Ok(answers)
    }

    fn no_server(&self) -> Failure {
        let (place, word) = (self.data_dir.display(), quoted(&self.data_dir));
        Failure::new(format_args!(
            "no server runs on the data directory {place}; start one with doorward serve --data-dir {word}, or \
             name the right one with --data-dir"
        ))
    }
}

/// Fails if nodes have not answered, so that their part of a list is missing. `away` are the dependencies that do not
/// answer the asked node.
pub(crate) fn incomplete(missing: &[String], away: &[String]) -> Result<(), Failure> {
    if missing.is_empty() {
        return Ok(());
    }
    let nodes = missing.join(", ");
    Err(match cut_off(away) {
        Some(cause) => Failure::new(format_args!(
            "the list is not complete: {cause}, so nothing is known about {nodes}: see doorward doctor"
        )),
        None => Failure::new(format_args!("the list is not complete: no answer from {nodes}")),
    })
}

/// Returns the reason if the asked node cannot know anything about other nodes. `away` are the dependencies that do not
/// answer it, by the names of the metric `doorward_away`.
pub(crate) fn cut_off(away: &[String]) -> Option<&'static str> {
    let is_away = |what: &[&str]| away.iter().any(|one| what.contains(&&**one));
    if is_away(&["cluster", "sessions"]) {
        Some("the asked node does not reach Redis")
    } else if is_away(&["bus"]) {
        Some("the asked node does not reach the bus in Redis")
    } else {
        None
    }
}

/// Responses of the servers that succeeded, and the failure of the first server that did not.
pub(crate) struct Answers<T> {
    pub(crate) said: Vec<T>,
    pub(crate) failed: Option<Failure>,
}

impl<T> Answers<T> {
    /// Returns the responses if every server has succeeded. Fails with the first failure otherwise.
    pub(crate) fn all(self) -> Result<Vec<T>, Failure> {
        self.failed.map_or(Ok(self.said), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_without_redis_is_told_from_nodes_that_do_not_answer() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let missing = names(&["eu-2", "eu-3"]);
        for (away, expected) in [
            (names(&[]), "no answer from eu-2, eu-3"),
            (names(&["database"]), "no answer from eu-2, eu-3"),
            (names(&["bus"]), "not reach the bus in Redis, so nothing is known about eu-2, eu-3"),
            (names(&["bus", "cluster"]), "not reach Redis, so nothing is known about eu-2, eu-3"),
        ] {
            let failure = incomplete(&missing, &away).unwrap_err().to_string();

            assert!(failure.contains(expected), "{failure}");
        }
        assert!(incomplete(&[], &names(&["bus"])).is_ok());
    }
}
