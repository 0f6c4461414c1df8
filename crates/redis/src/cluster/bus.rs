//! Bus on the publish/subscribe channels of the server.
//!
//! One connection with protocol 3 (RESP3) publishes and receives. The server closes the connection of a subscriber that
//! does not read, so the task that reads only appends to a queue. Start reading at [`RedisBus`].

use std::{
    mem,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use doorward_core::{
    StoreError, StoreFuture,
    bus::{Bus, Channel, Message, Received},
    lock,
};
use redis::{PushInfo, PushKind, RedisResult, Value, aio::MultiplexedConnection};
use tokio::{sync::Notify, time};

use crate::{
    RedisStore,
    link::{failed, unavailable, unreadable},
};

/// Connection of one node to the bus.
pub(super) struct RedisBus {
    store: RedisStore,
    /// Prefix of the names of all channels.
    prefix: String,
    current: Mutex<Option<Open>>,
}

/// Open connection, and the queue of what it has received.
#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
    incoming: Arc<Incoming>,
}

/// Messages that were received and not taken yet.
#[derive(Default)]
struct Incoming {
    queue: Mutex<Queue>,
    /// Notified when the queue has changed.
    changed: Notify,
}

#[derive(Default)]
struct Queue {
    received: Received,
    bytes: usize,
    /// `true` if the connection has ended.
    is_closed: bool,
}

impl RedisBus {
    pub(super) fn new(store: &RedisStore) -> Self {
        Self { store: store.clone(), prefix: store.0.keys.bus(), current: Mutex::default() }
    }

    fn current(&self) -> Result<Open, StoreError> {
        lock(&self.current).clone().ok_or_else(|| unreadable("the bus is not open"))
    }

    fn named(&self, channels: &[Channel]) -> Vec<String> {
        channels.iter().map(|channel| format!("{}{channel}", self.prefix)).collect()
    }
}

impl Bus for RedisBus {
    fn open(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            self.close();
            let incoming: Arc<Incoming> = Arc::default();
            let pushed = Arc::clone(&incoming);
            let pushed = move |info: PushInfo| -> Result<(), ()> {
                pushed.push(info);
                Ok(())
            };
            let connection = in_time(self.store.0.link.subscriber(pushed)).await?;
            let connection = connection.map_err(unavailable)?;
            *lock(&self.current) = Some(Open { connection, incoming });
            Ok(())
        })
    }

    fn subscribe<'a>(&'a self, channels: &'a [Channel]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let mut open = self.current()?;
            if channels.is_empty() {
                return Ok(());
            }
            answer(open.connection.subscribe(self.named(channels))).await
        })
    }

    fn unsubscribe<'a>(&'a self, channels: &'a [Channel]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let mut open = self.current()?;
            if channels.is_empty() {
                // Without a name, the command ends all subscriptions.
                return Ok(());
            }
            answer(open.connection.unsubscribe(self.named(channels))).await
        })
    }

    fn publish<'a>(&'a self, messages: &'a [Message]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let mut open = self.current()?;
            let mut all = redis::pipe();
            for Message { channel, bytes } in messages {
                let channel = format!("{}{channel}", self.prefix);
                all.cmd("PUBLISH").arg(channel).arg(&bytes[..]).ignore();
            }
            answer(all.exec_async(&mut open.connection)).await
        })
    }

    fn close(&self) {
        let before = lock(&self.current).take();
        if let Some(before) = before {
            before.incoming.close();
        }
    }

    fn receive(&self) -> StoreFuture<'_, Received> {
        Box::pin(async move {
            let open = self.current()?;
            loop {
                if let Some(received) = open.incoming.drain()? {
                    return Ok(received);
                }
                open.incoming.changed.notified().await;
            }
        })
    }
}

impl Incoming {
    /// Keeps a message of the server. Drops it if the queue is full.
    fn push(&self, info: PushInfo) {
        let mut queue = lock(&self.queue);
        match info.kind {
            PushKind::Message => {
                let Some(Value::BulkString(bytes)) = info.data.into_iter().nth(1) else { return };
                if queue.bytes + bytes.len() > MAX_BYTES
                    || queue.received.messages.len() >= MAX_MESSAGES
                {
                    queue.received.dropped += 1;
                    return;
                }
                queue.bytes += bytes.len();
                queue.received.messages.push(Bytes::from(bytes));
            }
            PushKind::Disconnection => queue.is_closed = true,
            _ => return,
        }
        drop(queue);
        self.changed.notify_one();
    }

    /// Returns the messages that have arrived since the last call, if there are any. Fails if the connection has
    /// ended.
    fn drain(&self) -> Result<Option<Received>, StoreError> {
        let mut queue = lock(&self.queue);
        if queue.received != Received::default() {
            queue.bytes = 0;
            return Ok(Some(mem::take(&mut queue.received)));
        }
        if queue.is_closed {
            Err(unreadable("the connection of the bus has ended"))
        } else {
            Ok(None)
        }
    }

    fn close(&self) {
        lock(&self.queue).is_closed = true;
        self.changed.notify_one();
    }
}

/// Waits for an answer of the server.
async fn answer(call: impl Future<Output = RedisResult<()>>) -> Result<(), StoreError> {
    in_time(call).await?.map_err(failed)
}

async fn in_time<T>(call: impl Future<Output = T>) -> Result<T, StoreError> {
    let done = time::timeout(ANSWERED_WITHIN, call).await;
    done.map_err(|elapsed| StoreError::Unavailable(elapsed.into()))
}

/// Time limit for an answer, including the time to connect.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// Maximum number of messages that wait.
const MAX_MESSAGES: usize = 65_536;

/// Maximum size of the messages that wait, in bytes.
const MAX_BYTES: usize = 32 * 1024 * 1024;
