//! Bridge to Socket.IO servers for Node.js that use `@socket.io/redis-adapter`, and to programs with
//! `@socket.io/redis-emitter`.
//!
//! A connection of its own publishes and hears, with the rights of its user: it needs no key, only channels. It is
//! not that of the store, because programs that reach these channels need not be trusted with the keys of Doorward.
//! Start reading at [`SocketIoBridge`].

mod channels;
mod event;
mod names;
mod request;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use doorward_core::{
    StoreError, StoreFuture,
    bridge::{Answer, Bounds, Bridge, Broadcast, Heard, Received, Request, Unread},
    bus::{Channel, Message},
    lock,
};
use redis::{Client, PushInfo, PushKind, RedisResult, Value, aio::MultiplexedConnection};
use tokio::time;

use self::channels::Channels;
use crate::{
    ConnectError, RedisOptions,
    answer::{ANSWERED_WITHIN, answer, in_time},
    incoming::{Incoming, Taken},
    link::{client, config, explain, hearing, unavailable, unreadable},
};

/// Bridge to Socket.IO servers for Node.js on the same Redis server.
///
/// Broadcasts of servers that use `@socket.io/redis-adapter` 8 (without sharding), and of programs that use
/// `@socket.io/redis-emitter` 5, reach the sockets of this node. Events that this node emits to a namespace or to
/// rooms reach theirs. Pass the bridge to `Builder::bridge` of `doorward`.
///
/// # Security
/// Every program that may publish to these channels can send events to any room. The policies of rooms do not
/// apply to it.
///
/// # Examples
/// ```
/// use doorward_redis::{RedisOptions, SocketIoBridge};
///
/// fn bridge() -> Result<SocketIoBridge, doorward_redis::ConnectError> {
///     Ok(RedisOptions::default().socket_io("redis://bridge:secret@localhost:6379")?.key("shop"))
/// }
/// # bridge()?;
/// # Ok::<_, doorward_redis::ConnectError>(())
/// ```
pub struct SocketIoBridge {
    /// Client with protocol 3.
    client: Client,
    address: String,
    channels: Channels,
    current: Mutex<Option<Open>>,
}

/// Open connection.
#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
    incoming: Arc<Incoming<Raw>>,
    /// `true` once the connection has heard its own message.
    has_heard: Arc<AtomicBool>,
    /// Channel that only this connection hears. `None` without namespaces.
    own: Option<Arc<str>>,
    bounds: Bounds,
}

/// Message that was not read yet.
struct Raw {
    source: Source,
    /// Content. `None` if it is too large.
    bytes: Option<Bytes>,
}

/// Origin of a message.
#[derive(Clone)]
enum Source {
    /// Events of this namespace.
    Events(Arc<str>),
    /// Requests about this namespace.
    Requests(Arc<str>),
}

impl RedisOptions {
    /// Creates a bridge to the Socket.IO servers for Node.js that use the Redis server at `url`. It connects when
    /// the server starts. Of these options, only the [certificates](RedisOptions::ca) count.
    ///
    /// # Errors
    /// Same as [`RedisOptions::open`].
    ///
    /// # Examples
    /// ```
    /// use doorward_redis::RedisOptions;
    ///
    /// let bridge = RedisOptions::default().socket_io("redis://localhost")?;
    /// # Ok::<_, doorward_redis::ConnectError>(())
    /// ```
    pub fn socket_io(&self, url: &str) -> Result<SocketIoBridge, ConnectError> {
        let client = hearing(&client(url, self.ca.as_deref())?)?;
        Ok(SocketIoBridge {
            address: client.get_connection_info().addr().to_string(),
            client,
            channels: Channels { key: "socket.io".into() },
            current: Mutex::default(),
        })
    }
}

impl SocketIoBridge {
    /// Sets the key with which all names of channels begin. It is the option `key` of the adapter and of the
    /// emitter. The default is `socket.io`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        Self { channels: Channels { key: key.into() }, ..self }
    }

    fn current(&self) -> Result<Open, StoreError> {
        lock(&self.current).clone().ok_or_else(|| unreadable("the bridge is not open"))
    }

    async fn connect(&self, namespaces: &[Arc<str>], bounds: Bounds) -> Result<Open, StoreError> {
        let mut sources = HashMap::new();
        for namespace in namespaces {
            let pattern = self.channels.broadcasts(namespace);
            sources.insert(pattern.into_bytes(), Source::Events(Arc::clone(namespace)));
            let requests = self.channels.requests(namespace);
            sources.insert(requests.into_bytes(), Source::Requests(Arc::clone(namespace)));
        }
        let (incoming, has_heard) = (Arc::new(Incoming::new()), Arc::new(AtomicBool::new(false)));
        let (pushed, heard) = (Arc::clone(&incoming), Arc::clone(&has_heard));
        let pushed = move |info: PushInfo| -> Result<(), ()> {
            take(&pushed, &sources, &heard, bounds, info);
            Ok(())
        };
        let config = config(ANSWERED_WITHIN).set_push_sender(pushed);
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        let mut connection =
            connecting.await.map_err(|error| unavailable(explain(&self.address, error)))?;
        let id: RedisResult<u64> =
            redis::cmd("CLIENT").arg("ID").query_async(&mut connection).await;
        let id = id.map_err(|error| unavailable(explain(&self.address, error)))?;
        let own = namespaces.first().map(|namespace| self.channels.own(namespace, id));
        let open = Open { connection, incoming, has_heard, own: own.map(Into::into), bounds };
        open.subscribe(&self.channels, namespaces).await?;
        Ok(open)
    }
}

impl Open {
    /// Hears the events first: a server for Node.js counts the subscribers of requests.
    async fn subscribe(
        &self,
        channels: &Channels,
        namespaces: &[Arc<str>],
    ) -> Result<(), StoreError> {
        let mut connection = self.connection.clone();
        for some in namespaces.chunks(AT_ONCE) {
            let patterns: Vec<_> = some.iter().map(|name| channels.broadcasts(name)).collect();
            answer(connection.psubscribe(patterns)).await?;
        }
        let own = self.own.iter().map(ToString::to_string);
        let requests = namespaces.iter().map(|name| channels.requests(name));
        let names: Vec<_> = own.chain(requests).collect();
        for some in names.chunks(AT_ONCE) {
            answer(connection.subscribe(some)).await?;
        }
        Ok(())
    }

    /// Sends a message to itself. Fails if it does not arrive.
    async fn test(&self) -> Result<(), StoreError> {
        let Some(own) = &self.own else { return Ok(()) };
        self.has_heard.store(false, Ordering::Release);
        let mut connection = self.connection.clone();
        let publish = redis::cmd("PUBLISH").arg(&**own).arg("").to_owned();
        answer::<u64>(publish.query_async(&mut connection)).await?;
        let heard = async {
            while !self.has_heard.load(Ordering::Acquire) {
                self.incoming.changed().await;
            }
        };
        in_time(heard)
            .await
            .map_err(|_elapsed| unreadable("the bridge did not receive its own message"))
    }

    fn read(&self, raw: Raw) -> Option<Heard> {
        let Raw { source, bytes } = raw;
        let Some(bytes) = bytes else { return Some(Heard::Unread(Unread::TooLarge)) };
        let read = match source {
            Source::Events(namespace) => event::read(&namespace, &bytes, self.bounds)
                .map(|event| event.map(Heard::Broadcast)),
            Source::Requests(namespace) => {
                request::read(&namespace, &bytes, self.bounds).map(Heard::Request).map(Some)
            }
        };
        read.unwrap_or_else(|reason| Some(Heard::Unread(reason)))
    }
}

impl Bridge for SocketIoBridge {
    fn open<'a>(&'a self, namespaces: &'a [Arc<str>], bounds: Bounds) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let before = lock(&self.current).take();
            if let Some(before) = before {
                before.incoming.close();
            }
            let open = in_time(self.connect(namespaces, bounds)).await??;
            *lock(&self.current) = Some(open);
            Ok(())
        })
    }

    fn broadcast(&self, broadcast: &Broadcast) -> Option<Message> {
        let channel = self.channels.broadcast(&broadcast.namespace, &broadcast.rooms);
        let bytes = event::write(broadcast)?.into();
        Some(Message { channel: Channel::new(channel), bytes })
    }

    fn answer(&self, request: &Request, answer: &Answer) -> Message {
        let channel = Channel::new(self.channels.answers(&request.namespace));
        Message { channel, bytes: request::write(request, answer).into() }
    }

    fn publish<'a>(&'a self, messages: &'a [Message]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let mut open = self.current()?;
            if messages.is_empty() {
                // The library refuses to send nothing.
                return Ok(());
            }
            let mut all = redis::pipe();
            for Message { channel, bytes } in messages {
                all.cmd("PUBLISH").arg(channel.as_str()).arg(&bytes[..]).ignore();
            }
            answer(all.exec_async(&mut open.connection)).await
        })
    }

    fn receive(&self) -> StoreFuture<'_, Received> {
        Box::pin(async move {
            let open = self.current()?;
            loop {
                if let Some(Taken { messages, dropped }) = open.incoming.take(READ_AT_ONCE)? {
                    let messages = messages.into_iter().filter_map(|raw| open.read(raw)).collect();
                    return Ok(Received { messages, dropped });
                }
                if time::timeout(SILENCE, open.incoming.changed()).await.is_err() {
                    open.test().await?;
                }
            }
        })
    }
}

impl fmt::Debug for SocketIoBridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketIoBridge")
            .field("address", &self.address)
            .field("key", &self.channels.key)
            .finish_non_exhaustive()
    }
}

/// Keeps a message of the server. It is read later, because the server closes the connection of a subscriber that
/// does not keep up.
fn take(
    incoming: &Incoming<Raw>,
    sources: &HashMap<Vec<u8>, Source>,
    has_heard: &AtomicBool,
    bounds: Bounds,
    info: PushInfo,
) {
    let mut data = info.data.into_iter();
    let (from, bytes) = match info.kind {
        PushKind::Message => (data.next(), data.next()),
        // The channel is between the pattern and the content.
        PushKind::PMessage => (data.next(), data.nth(1)),
        PushKind::Disconnection => return incoming.close(),
        _ => return,
    };
    let (Some(Value::BulkString(from)), Some(Value::BulkString(bytes))) = (from, bytes) else {
        return;
    };
    let Some(source) = sources.get(&from) else {
        // It is the channel that only this connection hears.
        has_heard.store(true, Ordering::Release);
        return incoming.wake();
    };
    let bytes = (bytes.len() <= bounds.bytes).then(|| Bytes::from(bytes));
    let size = bytes.as_ref().map_or(0, Bytes::len);
    incoming.push(Raw { source: source.clone(), bytes }, size);
}

/// Time without a message after which the bridge tests its connection.
const SILENCE: Duration = Duration::from_secs(2);

/// Maximum number of channels in one command.
const AT_ONCE: usize = 500;

/// Number of messages that are read at once. Reading costs time, and other tasks wait for it.
const READ_AT_ONCE: usize = 16;
