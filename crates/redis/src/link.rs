//! The connection to the server: shared by all operations, and made anew when it is broken.
//!
//! An operation that needs a connection makes one, and the others wait for it. A connection that has not
//! answered in time is given up, and the next operation makes another one: a peer that has gone without
//! a word would otherwise hold everybody up for minutes. (The connection manager of the client library
//! keeps such a connection, and hands out the failure of an attempt long after the server is back.)
//! Start reading at [`Link::run`].

mod server;

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use doorward_core::StoreError;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, RedisError, RedisResult, Script,
    ServerErrorKind, aio::MultiplexedConnection, io::tcp::TcpSettings,
};
use tokio::time;

use self::server::Server;
use crate::{ConnectError, keys::Keys, scripts::Scripts};

/// How the server is reached.
pub(crate) struct Link {
    client: Client,
    config: AsyncConnectionConfig,
    address: String,
    trusts_failover: bool,
    /// What to do first on a new connection.
    floor: String,
    adopt: Script,
    /// The connection that is in use, if there is one. Held for a moment.
    current: Mutex<Current>,
    /// Held by whoever makes a connection.
    connecting: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Current {
    /// Grows with each connection, so that nobody gives up a newer one than theirs.
    number: u64,
    open: Option<Open>,
}

/// A connection, and the id of the process at its other end.
#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
    run_id: String,
}

/// What is to be done, and whether it may be done twice.
pub(crate) struct Order<'a> {
    task: Task<'a>,
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
    is_question: bool,
}

enum Task<'a> {
    /// A command of the server, by its name.
    Command(&'static str),
    Script(&'a Script),
}

impl<'a> Order<'a> {
    /// A script that changes what is kept.
    pub(crate) fn change(script: &'a Script) -> Self {
        Self::new(Task::Script(script))
    }

    /// A script that changes nothing: it is asked again when the connection is found to be gone.
    pub(crate) fn question(script: &'a Script) -> Self {
        Self { is_question: true, ..Self::change(script) }
    }

    /// A command that changes what is kept.
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
                invocation.key(&self.keys).arg(&self.arguments).arg(&open.run_id);
                invocation.invoke_async(&mut open.connection).await
            }
        }
    }
}

impl Link {
    /// Connects for the first time.
    pub(crate) async fn open(
        url: &str,
        keys: &Keys,
        scripts: &Scripts,
        trusts_failover: bool,
    ) -> Result<Self, ConnectError> {
        let client = client(url)?;
        let link = Self {
            address: client.get_connection_info().addr().to_string(),
            client,
            config: AsyncConnectionConfig::new()
                .set_connection_timeout(Some(CONNECT_TIMEOUT))
                .set_response_timeout(Some(RESPONSE_TIMEOUT))
                .set_pipeline_buffer_size(PIPELINE),
            trusts_failover,
            floor: keys.floor(),
            adopt: scripts.adopt.clone(),
            current: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        };
        match time::timeout(CONNECT_TIMEOUT, link.connection()).await {
            Ok(connected) => connected.map(|_| link),
            Err(elapsed) => {
                Err(ConnectError::Away { address: link.address, source: elapsed.into() })
            }
        }
    }

    /// Does something, for two seconds at most.
    pub(crate) async fn run<T: FromRedisValue>(&self, order: &Order<'_>) -> Result<T, StoreError> {
        match time::timeout(DEADLINE, self.attempt(order)).await {
            Ok(result) => result,
            Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
        }
    }

    async fn attempt<T: FromRedisValue>(&self, order: &Order<'_>) -> Result<T, StoreError> {
        let mut may_ask_again = order.is_question;
        loop {
            let (number, mut open) = self.connection().await.map_err(unavailable)?;
            let error = match order.send(&mut open).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if is_lost(&error) {
                self.give_up(number);
                if may_ask_again && error.is_connection_dropped() {
                    may_ask_again = false;
                    continue;
                }
            }
            return Err(failed(error));
        }
    }

    /// The connection in use, or a new one.
    async fn connection(&self) -> Result<(u64, Open), ConnectError> {
        if let Some(found) = self.found() {
            return Ok(found);
        }
        let _connecting = self.connecting.lock().await;
        // Somebody else may have made one meanwhile.
        if let Some(found) = self.found() {
            return Ok(found);
        }
        let connecting = self.client.get_multiplexed_async_connection_with_config(&self.config);
        let mut connection =
            connecting.await.map_err(|error| server::explain(&self.address, error))?;
        let server = Server::look_at(&mut connection, &self.address).await?;
        let may_have_lost = !(self.trusts_failover || server.keeps_its_word);
        let run_id = server.run_id;
        let mut adopt = self.adopt.prepare_invoke();
        adopt.key(&self.floor).arg(MARGIN).arg(u8::from(may_have_lost)).arg(&run_id);
        let adopted: RedisResult<i64> = adopt.invoke_async(&mut connection).await;
        let is_new = adopted.map_err(|error| server::explain(&self.address, error))? == 1;
        if is_new {
            tracing::warn!(
                address = self.address,
                "Redis was started anew and may have lost what was revoked: everybody has to sign in \
                 again. With `appendonly yes` and `appendfsync always` it would not.",
            );
        }
        let open = Open { connection, run_id };
        let mut current = self.current();
        current.number += 1;
        current.open = Some(open.clone());
        Ok((current.number, open))
    }

    fn found(&self) -> Option<(u64, Open)> {
        let current = self.current();
        Some((current.number, current.open.clone()?))
    }

    /// Uses a connection no more. What others still wait for on it they get, or wait in vain.
    fn give_up(&self, number: u64) {
        let mut current = self.current();
        if current.number == number {
            current.open = None;
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("address", &self.address).finish_non_exhaustive()
    }
}

fn client(url: &str) -> Result<Client, ConnectError> {
    if url.starts_with("rediss:") || url.starts_with("valkeys:") {
        return Err(ConnectError::Tls);
    }
    // What the library says about a wrong URL may hold parts of it.
    let client = Client::open(url).map_err(|_reason| ConnectError::Url)?;
    // Without it, every answer that is awaited alone would wait for the system's delayed acknowledgement.
    let settings = TcpSettings::default().set_nodelay(true);
    let information = client.get_connection_info().clone().set_tcp_settings(settings);
    Client::open(information).map_err(|_reason| ConnectError::Url)
}

/// Whether the next operation needs another connection: this one is gone, or silent, or leads to a
/// server that has become a replica, and the name of the server may lead elsewhere by now.
fn is_lost(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_unrecoverable_error()
        || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

fn failed(error: RedisError) -> StoreError {
    match error.code() {
        Some("OOM") => StoreError::Full,
        _ => StoreError::Unavailable(error.into()),
    }
}

fn unavailable(error: ConnectError) -> StoreError {
    StoreError::Unavailable(error.into())
}

/// For an answer that the server never should give.
pub(crate) fn unreadable(what: &'static str) -> StoreError {
    StoreError::Unavailable(what.into())
}

/// An operation is given up then, whatever it is waiting for.
const DEADLINE: Duration = Duration::from_secs(2);

/// A new connection is given up then.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection that leaves a question open for so long is given up.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);

/// So many operations may wait to be written before others wait for their turn.
const PIPELINE: usize = 512;

/// How far the clock of the fastest server may be ahead of Redis, in milliseconds: see `raise` in
/// `lua/prelude.lua`.
pub(crate) const MARGIN: u64 = 60_000;
