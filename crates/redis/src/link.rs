//! Shares one connection to the server among all operations, and replaces the connection when it breaks.
//!
//! The first operation that needs a connection opens it, and all other operations wait until it is open. A
//! connection that does not answer in time is abandoned, and the next operation opens a new connection. Otherwise a
//! server that disappears without closing the connection would block all operations for minutes. The connection
//! manager of the client library is not used, because it keeps such a connection and returns the error of an old
//! attempt long after the server is back. Start reading at [`Link::run`].

mod client;
mod server;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use doorward_core::{StoreError, lock};
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, RedisError, RedisResult, Script,
    ServerErrorKind,
    aio::{AsyncPushSender, MultiplexedConnection},
};
use tokio::time;

use self::server::Server;
pub(crate) use self::{
    client::{CONNECT_TIMEOUT, client, config, hearing},
    server::explain,
};
use crate::{ConnectError, keys::Keys, scripts::Scripts};

/// Connection to the server, and the settings with which it is opened again.
pub(crate) struct Link {
    client: Client,
    config: AsyncConnectionConfig,
    address: String,
    trusts_failover: bool,
    patience: Patience,
    /// Server process of the last connection. If the floor is missing on a later one, the server has lost its data.
    last_process: Arc<Mutex<Option<String>>>,
    /// Key of the floor. On each new connection, the script `adopt` first checks the floor.
    floor: String,
    adopt: Script,
    /// Connection in use, if there is one. The lock is never held across an `.await`.
    current: Mutex<Current>,
    /// Lock of the operation that opens a connection, so that no other operation opens a second one.
    connecting: tokio::sync::Mutex<()>,
}

/// Time limits of the operations on a link.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// Time limit for an operation, including the time to connect. On timeout, the operation fails with
    /// `Unavailable`.
    operation: Duration,
    /// Time limit for one answer. On timeout, the connection is abandoned.
    answer: Duration,
}

impl Patience {
    /// Time limits for commands that the server answers at once.
    pub(crate) const SHORT: Self =
        Self { operation: Duration::from_secs(2), answer: Duration::from_secs(1) };

    /// Returns the time limits for a command that the server may hold for `time`.
    pub(crate) fn beyond(time: Duration) -> Self {
        Self { operation: time + Duration::from_secs(3), answer: time + Duration::from_secs(2) }
    }
}

#[derive(Default)]
struct Current {
    /// Number of connections so far. With this number, an operation abandons only the connection that it used, and
    /// not a newer one.
    number: u64,
    open: Option<Open>,
}

/// Open connection, and the `run_id` of the server process, which changes with each start.
#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
    run_id: String,
    /// `true` if acknowledged writes survive a restart.
    keeps_writes: bool,
}

/// Script or command with its keys and arguments.
pub(crate) struct Call<'a> {
    task: Task<'a>,
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
    /// `true` if the call changes nothing, so that it may be sent a second time.
    is_question: bool,
}

enum Task<'a> {
    /// Name of a command of the server.
    Command(&'static str),
    Script(&'a Script),
}

impl<'a> Call<'a> {
    /// Creates a call of a script that writes. Such a call is never sent twice.
    pub(crate) fn change(script: &'a Script) -> Self {
        Self::new(Task::Script(script))
    }

    /// Creates a call of a script that only reads. The call is sent again if the connection was closed.
    pub(crate) fn question(script: &'a Script) -> Self {
        Self { is_question: true, ..Self::change(script) }
    }

    /// Creates a call of a command that writes. Such a call is never sent twice.
    pub(crate) fn command(name: &'static str) -> Self {
        Self::new(Task::Command(name))
    }

    fn new(task: Task<'a>) -> Self {
        Self { task, keys: Vec::new(), arguments: Vec::new(), is_question: false }
    }

    pub(crate) fn key(mut self, key: String) -> Self {
        self.keys.push(key);
        self
    }

    pub(crate) fn argument(mut self, argument: impl fmt::Display) -> Self {
        self.arguments.push(argument.to_string().into_bytes());
        self
    }

    async fn send<T: FromRedisValue>(&self, open: &mut Open) -> RedisResult<T> {
        match &self.task {
            Task::Command(name) => {
                let mut command = redis::cmd(name);
                command.arg(&self.keys).arg(&self.arguments);
                command.query_async(&mut open.connection).await
            }
            Task::Script(script) => {
                let mut invocation = script.prepare_invoke();
                // The `run_id` is the last argument of every script. `lua/prelude.lua` compares it with that
                // of the floor.
                invocation.key(&self.keys).arg(&self.arguments).arg(&open.run_id);
                invocation.invoke_async(&mut open.connection).await
            }
        }
    }
}

impl Link {
    /// Creates a link. Its first operation opens a connection. Fails if the URL cannot be used.
    pub(crate) fn new(
        url: &str,
        ca: Option<&[u8]>,
        keys: &Keys,
        scripts: &Scripts,
        trusts_failover: bool,
    ) -> Result<Self, ConnectError> {
        let client = client(url, ca)?;
        Ok(Self {
            address: client.get_connection_info().addr().to_string(),
            client,
            config: config(Patience::SHORT.answer),
            trusts_failover,
            patience: Patience::SHORT,
            last_process: Arc::default(),
            floor: keys.floor(),
            adopt: scripts.adopt.clone(),
            current: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        })
    }

    /// Opens the first connection. Fails if the server cannot be used, or does not answer within
    /// [`CONNECT_TIMEOUT`].
    pub(crate) async fn connect(&self) -> Result<(), ConnectError> {
        match time::timeout(CONNECT_TIMEOUT, self.connection()).await {
            Ok(connected) => connected.map(drop),
            Err(_elapsed) => {
                let source = late(CONNECT_TIMEOUT).into();
                Err(ConnectError::Away { address: self.address.clone(), source })
            }
        }
    }

    /// Returns a link with a connection of its own to the same server, for commands that the server may hold.
    pub(crate) fn beside(&self, patience: Patience) -> Self {
        Self {
            client: self.client.clone(),
            config: self.config.clone().set_response_timeout(Some(patience.answer)),
            address: self.address.clone(),
            trusts_failover: self.trusts_failover,
            patience,
            last_process: Arc::clone(&self.last_process),
            floor: self.floor.clone(),
            adopt: self.adopt.clone(),
            current: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        }
    }

    /// Sends a call and returns the answer. Fails with `Unavailable` after the time limit of the link.
    pub(crate) async fn run<T: FromRedisValue>(&self, call: &Call<'_>) -> Result<T, StoreError> {
        let result = time::timeout(self.patience.operation, self.attempt(call)).await;
        result.unwrap_or_else(|_elapsed| {
            let cause = format!("{}: {}", self.address, late(self.patience.operation));
            Err(StoreError::Unavailable(cause.into()))
        })
    }

    async fn attempt<T: FromRedisValue>(&self, call: &Call<'_>) -> Result<T, StoreError> {
        let mut may_retry = call.is_question;
        loop {
            let (number, mut open) = self.connection().await.map_err(unavailable)?;
            let error = match call.send(&mut open).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if is_lost(&error) {
                self.give_up(number);
                // A write is not sent twice, because the server may have applied it before the connection
                // broke.
                if may_retry && error.is_connection_dropped() {
                    may_retry = false;
                    continue;
                }
            }
            return Err(failed(error));
        }
    }

    /// Closes the connection. The next operation opens another one.
    pub(crate) fn disconnect(&self) {
        self.current().open = None;
    }

    /// Returns `true` if both links are connected, to different server processes.
    pub(crate) fn leads_elsewhere_than(&self, other: &Self) -> bool {
        let run_id = |link: &Self| link.current().open.as_ref().map(|open| open.run_id.clone());
        run_id(self).zip(run_id(other)).is_some_and(|(own, other)| own != other)
    }

    /// Returns the connection in use and its number. Opens a connection if none is in use.
    async fn connection(&self) -> Result<(u64, Open), ConnectError> {
        if let Some(found) = self.found() {
            return Ok(found);
        }
        let _connecting = self.connecting.lock().await;
        // Another operation may have opened a connection while this operation waited for the lock.
        if let Some(found) = self.found() {
            return Ok(found);
        }
        let open = self.open(&self.client, &self.config).await?;
        let mut current = self.current();
        current.number += 1;
        current.open = Some(open.clone());
        Ok((current.number, open))
    }

    /// Opens a connection, and checks its server.
    async fn open(
        &self,
        client: &Client,
        config: &AsyncConnectionConfig,
    ) -> Result<Open, ConnectError> {
        let connecting = client.get_multiplexed_async_connection_with_config(config);
        let mut connection = connecting.await.map_err(|error| explain(&self.address, error))?;
        let server = Server::look_at(&mut connection, &self.address).await?;
        // `adopt` runs before the connection is shared. If the server may have lost revocations, the floor is
        // therefore raised before any operation gets an answer.
        let lost = match (server.keeps_its_word, self.trusts_failover) {
            (true, _) => "nothing",
            (false, true) => "trusted",
            (false, false) => "unknown",
        };
        let (run_id, keeps_writes) = (server.run_id, server.keeps_its_word);
        let last = lock(&self.last_process).replace(run_id.clone());
        let before = match last {
            None => "none",
            Some(last) if last == run_id => "same",
            Some(_) => "other",
        };
        let mut adopt = self.adopt.prepare_invoke();
        adopt.key(&self.floor).arg(MARGIN).arg(lost).arg(before).arg(&run_id);
        let adopted: RedisResult<i64> = adopt.invoke_async(&mut connection).await;
        let is_new = adopted.map_err(|error| explain(&self.address, error))? == 1;
        if is_new {
            tracing::warn!(
                address = self.address,
                "Redis has restarted and may have lost revocations: all users have to sign in again. \
                 With `appendonly yes` and `appendfsync always` it loses none.",
            );
        }
        Ok(Open { connection, run_id, keeps_writes })
    }

    /// Opens a connection that the link does not keep, for subscriptions. `pushed` receives what the server sends on
    /// it without being asked.
    pub(crate) async fn subscriber(
        &self,
        pushed: impl AsyncPushSender,
    ) -> Result<MultiplexedConnection, ConnectError> {
        let client = hearing(&self.client)?;
        let config = self.config.clone().set_push_sender(pushed);
        self.open(&client, &config).await.map(|open| open.connection)
    }

    pub(crate) fn client_and_address(&self) -> (&Client, String) {
        (&self.client, self.address.clone())
    }

    /// Returns `true` if acknowledged writes survive a restart of the connected server.
    pub(crate) fn keeps_writes(&self) -> bool {
        self.current().open.as_ref().is_some_and(|open| open.keeps_writes)
    }

    fn found(&self) -> Option<(u64, Open)> {
        let current = self.current();
        Some((current.number, current.open.clone()?))
    }

    /// Stops using a connection, unless it has been replaced already. Operations that wait for an answer on
    /// this connection may still get it, or time out.
    fn give_up(&self, number: u64) {
        let mut current = self.current();
        if current.number == number {
            current.open = None;
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        lock(&self.current)
    }
}

doorward_core::debug_fields!(Link { address });

/// Returns `true` if the next operation needs a new connection, because this connection is closed, does not
/// answer, or leads to a server that has become a replica. The name of a server that has become a replica may
/// already resolve to the new primary.
fn is_lost(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_unrecoverable_error()
        || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
        || matches!(error.code(), Some("NOREPLICAS" | "UNBLOCKED"))
}

pub(crate) fn failed(error: RedisError) -> StoreError {
    match error.code() {
        Some("OOM") => StoreError::Full,
        _ => StoreError::Unavailable(error.into()),
    }
}

pub(crate) fn unavailable(error: ConnectError) -> StoreError {
    StoreError::Unavailable(error.into())
}

/// Returns the error for a value that this crate cannot have written.
pub(crate) fn unreadable(what: &'static str) -> StoreError {
    StoreError::Unavailable(what.into())
}

/// Maximum time, in milliseconds, that a node's clock may be ahead of the clock of Redis. See
/// `raise` in `lua/prelude.lua`.
pub(crate) const MARGIN: u64 = 60_000;

/// Describes an answer that has not come in time.
pub(crate) fn late(limit: Duration) -> String {
    format!("no answer within {} s", limit.as_secs_f32())
}
