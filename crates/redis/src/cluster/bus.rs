//! Bus on the publish/subscribe channels of the server.
//!
//! One connection with protocol 3 (RESP3) publishes and receives. The server closes the connection of a subscriber that
//! does not read, so the task that reads only appends to a queue. Start reading at [`RedisBus`].

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use doorward_core::{
    StoreError, StoreFuture,
    bus::{Bus, Channel, Message, Received},
    lock,
};
use redis::{PushInfo, PushKind, Value, aio::MultiplexedConnection};

use crate::{
    RedisStore,
    answer::{answer, in_time},
    incoming::{Incoming, Taken},
    link::{unavailable, unreadable},
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
    incoming: Arc<Incoming<Bytes>>,
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
            let incoming = Arc::new(Incoming::new());
            let pushed = Arc::clone(&incoming);
            let pushed = move |info: PushInfo| -> Result<(), ()> {
                take(&pushed, info);
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
                if let Some(Taken { messages, dropped }) = open.incoming.take(usize::MAX)? {
                    return Ok(Received { messages, dropped });
                }
                open.incoming.changed().await;
            }
        })
    }
}

/// Keeps a message of the server.
fn take(incoming: &Incoming<Bytes>, info: PushInfo) {
    match info.kind {
        PushKind::Message => {
            let Some(Value::BulkString(bytes)) = info.data.into_iter().nth(1) else { return };
            let size = bytes.len();
            incoming.push(Bytes::from(bytes), size);
        }
        PushKind::Disconnection => incoming.close(),
        _ => {}
    }
}
