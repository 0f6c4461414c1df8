//! Description of a server, by which a command notices that it has other settings than the server.

use doorward_redis::RedisOptions;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnectOptions;

use crate::config::{Config, RedisConfig, SecretUrl};

/// Answer to the greeting of a command: the settings of the server that decide which data it uses. Contains no password.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Server {
    pub(crate) version: String,
    /// Address of the Redis server. `None` if the server is the only node.
    pub(crate) redis: Option<String>,
    /// Name of the node. `None` if the server is the only node.
    pub(crate) node: Option<String>,
    /// Address and name of the PostgreSQL database. `None` if accounts are in the SQLite file.
    pub(crate) postgres: Option<String>,
}

impl Server {
    /// Describes a server with these settings.
    pub(crate) fn of(config: &Config) -> Self {
        let unreadable = || "an address that cannot be read".to_owned();
        let address = |redis: &RedisConfig| {
            let store = RedisOptions::default().open(redis.url.expose());
            store.map_or_else(|_| unreadable(), |store| store.address())
        };
        let place = |url: &SecretUrl| {
            let options = url.expose().parse::<PgConnectOptions>();
            options.map_or_else(|_| unreadable(), |options| database(&options))
        };
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            redis: config.redis().map(address),
            node: config.redis().map(RedisConfig::node_name),
            postgres: config.postgres.as_ref().map(place),
        }
    }
}

/// Returns the address and the name of a PostgreSQL database.
fn database(options: &PgConnectOptions) -> String {
    let name = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("{}/{name}", socket.display()),
        None => format!("{}:{}/{name}", options.get_host(), options.get_port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_without_its_user_and_password() {
        for (url, expected) in [
            ("postgres://me:secret@db.example.org/doorward", "db.example.org:5432/doorward"),
            ("postgres://me:p%3Fs@db:6000/d?sslmode=require&password=secret", "db:6000/d"),
            ("postgres://me@localhost/d?host=/run/postgresql", "/run/postgresql/d"),
        ] {
            assert_eq!(database(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
