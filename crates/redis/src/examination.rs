//! Examines a Redis server for an operator.

use std::time::Duration;

use doorward_core::Clock;
use redis::{Client, RedisError, RedisResult, ServerErrorKind, aio::MultiplexedConnection, cmd};
use tokio::time::timeout;

use crate::{ConnectError, RedisOptions, RedisStore, time::from_millis};

/// State of a Redis server, and of the permissions of its user.
///
/// [`RedisOptions::examine`] returns it.
///
/// # Examples
/// ```
/// fn warning(found: &doorward_redis::Examination) -> Option<&'static str> {
///     found.is_open.then_some("a program without a password can read sessions")
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a finding of its own")]
pub struct Examination {
    /// Address of the server, `host:port` or the path of its socket.
    pub address: String,
    /// Version of the server.
    pub version: String,
    /// Name of the user, or `None` if the user may not ask for it.
    pub user: Option<String>,
    /// `true` if acknowledged writes survive a restart.
    pub keeps_writes: bool,
    /// `true` if a client without a user name and a password may read the keys of Doorward.
    pub is_open: bool,
    /// `true` if the user may read keys of other programs.
    pub reads_other_keys: bool,
    /// `true` if the user may publish on the channels of the bus.
    pub may_publish: bool,
    /// Difference between the clock of the server and that of this machine.
    pub clock_difference: Duration,
    /// Time of one question and its answer.
    pub round_trip: Duration,
}

impl RedisOptions {
    /// Examines the server at `url`, in the form that [`RedisStore::connect`] describes. `clock` is that of this
    /// machine.
    ///
    /// # Errors
    /// [`ConnectError`] if a store could not use the server.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn examine(clock: impl doorward_core::Clock) -> Result<(), doorward_redis::ConnectError> {
    /// use doorward_redis::RedisOptions;
    ///
    /// let found = RedisOptions::default().examine("redis://localhost", &clock).await?;
    /// println!("Redis {} at {}", found.version, found.address);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn examine(&self, url: &str, clock: &dyn Clock) -> Result<Examination, ConnectError> {
        let store = self.open(url)?;
        store.try_connect().await?;
        let (client, address) = store.0.link.client_and_address();
        let mut connection = client.get_multiplexed_async_connection().await.map_err(|error| {
            ConnectError::Away { address: address.clone(), source: error.into() }
        })?;
        let information: String =
            ask(&mut connection, cmd("INFO").arg("server")).await.unwrap_or_default();
        let version = information.lines().find_map(|line| line.strip_prefix("redis_version:"));
        let begun = clock.now();
        let time: Option<(u64, u64)> = ask(&mut connection, &cmd("TIME")).await.ok();
        let round_trip = clock.now().saturating_duration_since(begun);
        let now = clock.wall();
        let server =
            time.map_or(now, |(seconds, micros)| from_millis(seconds * 1_000 + micros / 1_000));
        let ahead = server.duration_since(now).unwrap_or_default();
        let clock_difference = ahead.max(now.duration_since(server).unwrap_or_default());
        Ok(Examination {
            version: version.unwrap_or("?").trim().to_owned(),
            user: ask(&mut connection, cmd("ACL").arg("WHOAMI")).await.ok(),
            keeps_writes: store.0.link.keeps_writes(),
            is_open: is_open(&store, client).await,
            reads_other_keys: is_allowed(&mut connection, cmd("EXISTS").arg("doctor-of-doorward"))
                .await,
            may_publish: may_publish(&store, &mut connection).await,
            clock_difference,
            round_trip,
            address,
        })
    }
}

/// Returns `true` if a client that says no name and no password may read the floor.
async fn is_open(store: &RedisStore, client: &Client) -> bool {
    let information = client.get_connection_info().clone();
    let anonymous = redis::RedisConnectionInfo::default().set_db(information.redis_settings().db());
    let Ok(client) = Client::open(information.set_redis_settings(anonymous)) else { return false };
    let connecting = timeout(LIMIT, client.get_multiplexed_async_connection()).await;
    let Ok(Ok(mut connection)) = connecting else { return false };
    is_allowed(&mut connection, cmd("EXISTS").arg(store.0.keys.floor())).await
}

async fn may_publish(store: &RedisStore, connection: &mut MultiplexedConnection) -> bool {
    let channel = store.0.keys.bus() + "doctor";
    is_allowed(connection, cmd("PUBLISH").arg(channel).arg("")).await
}

/// Returns `true` unless the server forbids a command.
async fn is_allowed(connection: &mut MultiplexedConnection, command: &redis::Cmd) -> bool {
    let answer: RedisResult<i64> = ask(connection, command).await;
    answer.is_ok()
}

async fn ask<T: redis::FromRedisValue>(
    connection: &mut MultiplexedConnection,
    command: &redis::Cmd,
) -> RedisResult<T> {
    let answer = timeout(LIMIT, command.query_async(connection)).await;
    answer.unwrap_or_else(|_late| {
        Err(RedisError::from((ServerErrorKind::TryAgain.into(), "no answer in time")))
    })
}

/// Time limit for one answer.
const LIMIT: Duration = Duration::from_secs(2);
