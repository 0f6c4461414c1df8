//! Inspects the server of a new connection, and refuses a server that cannot keep revocations.

use std::{error::Error, io, sync::Arc};

use redis::{ErrorKind, RedisError, RedisResult, aio::MultiplexedConnection, cmd};

use crate::ConnectError;

/// Properties of a server that the store depends on.
#[derive(Debug)]
pub(super) struct Server {
    /// Id of the server process. It changes with each start.
    pub(super) run_id: String,
    /// `true` if acknowledged writes survive a restart. It is `false` for a promoted replica, which may lack
    /// the last writes that the previous primary has acknowledged.
    pub(super) keeps_its_word: bool,
}

impl Server {
    /// Returns the properties of the server. Fails if the server is not Redis, is too old, is loading its data, is a
    /// replica, or may evict revocations.
    pub(super) async fn look_at(
        connection: &mut MultiplexedConnection,
        address: &str,
    ) -> Result<Self, ConnectError> {
        let information: RedisResult<String> = cmd("INFO").query_async(connection).await;
        let information = information.map_err(|error| explain(address, error))?;
        let line = |name| line(&information, name);
        let Some((version, run_id)) = line("redis_version").zip(line("run_id")) else {
            let source = "the answer to INFO has no redis_version or no run_id".into();
            return Err(ConnectError::NotRedis { address: address.to_owned(), source });
        };
        // While Redis loads its append-only log, it reports that it has none.
        if line("loading") == Some("1") {
            let source = "it is loading its data".into();
            return Err(ConnectError::Away { address: address.to_owned(), source });
        }
        if is_old(version) {
            let version = version.to_owned();
            return Err(ConnectError::Old { address: address.to_owned(), version });
        }
        if line("role") != Some("master") {
            return Err(ConnectError::Replica { address: address.to_owned() });
        }
        let policy = line("maxmemory_policy").unwrap_or("noeviction");
        if policy != "noeviction" && line("maxmemory") != Some("0") {
            let policy = policy.to_owned();
            return Err(ConnectError::Evicts { address: address.to_owned(), policy });
        }
        // Redis sets `second_repl_offset` when it promotes a replica. It is -1 otherwise.
        let was_promoted = line("second_repl_offset").is_some_and(|offset| offset != "-1");
        let has_log = line("aof_enabled") == Some("1");
        let run_id = run_id.to_owned();
        let keeps_its_word = has_log && !was_promoted && syncs_always(connection).await;
        Ok(Self { run_id, keeps_its_word })
    }
}

/// Returns `true` if the server syncs its log after each write. Returns `false` if the user has no permission
/// for `CONFIG GET`.
async fn syncs_always(connection: &mut MultiplexedConnection) -> bool {
    let asked = cmd("CONFIG").arg("GET").arg("appendfsync").query_async(connection).await;
    let answer: RedisResult<Vec<String>> = asked;
    answer.is_ok_and(|answer| answer.get(1).is_some_and(|value| value == "always"))
}

/// Returns the value of the line `name:value` of the answer to `INFO`. Returns `None` if there is no such line.
fn line<'a>(information: &'a str, name: &str) -> Option<&'a str> {
    information.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

/// Returns `true` for versions before 7.0, in which scripts write although `min-replicas-to-write` forbids it.
fn is_old(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < (7, 0)
}

/// Converts an error on a new connection into a reason that an operator can act on.
pub(crate) fn explain(address: &str, error: RedisError) -> ConnectError {
    let address = address.to_owned();
    let code = error.code().unwrap_or_default();
    match error.kind() {
        ErrorKind::AuthenticationFailed => ConnectError::Refused { address },
        _ if matches!(code, "NOAUTH" | "WRONGPASS") => ConnectError::Refused { address },
        // With a database in the URL, the library sends SELECT first and passes on only the text of the
        // server's answer, without its code.
        _ if error.detail() == Some("Authentication required.") => {
            ConnectError::Refused { address }
        }
        _ if code == "READONLY" => ConnectError::Replica { address },
        // They pass: a script of another program runs, or replicas restart.
        _ if matches!(code, "LOADING" | "MASTERDOWN" | "NOREPLICAS" | "BUSY") => {
            ConnectError::Away { address, source: error.into() }
        }
        ErrorKind::Io if is_tls(&error) => ConnectError::Tls { address, source: error.into() },
        // A server that has reached its `maxclients` sends a line about it before it closes the connection. That line
        // is the answer to no command, and the library drops it.
        ErrorKind::Io if error.is_connection_dropped() && !error.is_connection_refusal() => {
            ConnectError::Closes { address, source: error.into() }
        }
        ErrorKind::Io => ConnectError::Away { address, source: error.into() },
        ErrorKind::Parse => ConnectError::NotRedis { address, source: error.into() },
        _ => ConnectError::Unusable { address, source: error.into() },
    }
}

/// Returns `true` if TLS has failed, and not the connection below it.
fn is_tls(error: &RedisError) -> bool {
    // The library keeps its cause in an `Arc`, and the I/O error keeps that of TLS.
    let cause =
        error.source().and_then(|cause| cause.downcast_ref::<Arc<dyn Error + Send + Sync>>());
    let cause = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.and_then(io::Error::get_ref).is_some_and(|cause| cause.is::<rustls::Error>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (version, expected) in [
            ("7.0.0", false),
            ("7.0.15", false),
            ("10.0.0", false),
            ("6.2.14", true),
            ("5.9", true),
            ("", true),
        ] {
            assert_eq!(is_old(version), expected, "{version}");
        }
    }

    #[test]
    fn a_line_is_found_by_its_whole_name() {
        let information = "# Server\r\nredis_version:7.0.15\r\nrole:master\r\nmaxmemory:0\r\n";

        assert_eq!(line(information, "redis_version"), Some("7.0.15"));
        assert_eq!(line(information, "maxmemory"), Some("0"));
        assert_eq!(line(information, "version"), None);
        assert_eq!(line(information, "max"), None);
    }
}
