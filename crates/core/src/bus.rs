//! Bus: messages between the nodes of a cluster, such as events for the sockets of other nodes.
//!
//! A bus may lose messages, for example while a connection is replaced. What must not be lost is an
//! [order](crate::cluster::Order). Start reading at [`Bus`].

use std::{fmt, sync::Arc};

use bytes::Bytes;

use crate::StoreFuture;

/// Name of a channel. A message on a channel reaches the nodes that have subscribed to it.
///
/// # Examples
/// ```
/// use doorward_core::bus::Channel;
///
/// assert_eq!(Channel::new("room:1:/lobby").as_str(), "room:1:/lobby");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel(Arc<str>);

impl Channel {
    /// Creates the name of a channel. It may contain any character.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Message for all nodes that have subscribed to a channel.
///
/// # Examples
/// ```
/// use doorward_core::bus::{Channel, Message};
///
/// let message = Message { channel: Channel::new("all"), bytes: "hello".into() };
/// assert_eq!(message.bytes.len(), 5);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Channel of the message.
    pub channel: Channel,
    /// Content of the message.
    pub bytes: Bytes,
}

/// Prints only the size of the content, because it is private to the clients.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("channel", &self.channel)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// Messages that a node has received.
///
/// # Examples
/// ```
/// let nothing = doorward_core::bus::Received::default();
/// assert_eq!((nothing.messages.len(), nothing.dropped), (0, 0));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Contents of the messages, in the order in which they have arrived.
    pub messages: Vec<Bytes>,
    /// Number of messages that were dropped since the last call, because the node did not take them
    /// fast enough.
    pub dropped: u64,
}

/// Prints only numbers, because the content of messages is private to the clients.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("messages", &self.messages.len())
            .field("dropped", &self.dropped)
            .finish()
    }
}

/// Connection of one node to the bus of its cluster.
///
/// Messages that one node publishes arrive in the order in which they were published. A node also
/// receives its own messages, if it has subscribed to their channel.
///
/// # Errors
/// All methods but [`open`](Bus::open) fail with
/// [`StoreError::Unavailable`](crate::StoreError::Unavailable) until `open` has completed. All methods
/// fail with it if the bus does not answer. The caller then opens another connection.
///
/// # Cancel safety
/// If a future is dropped, its change may have happened or not. Dropping the future of
/// [`receive`](Bus::receive) loses no message.
///
/// # Examples
/// ```
/// use doorward_core::{StoreError, bus::{Bus, Channel, Message}};
///
/// async fn echo(bus: &dyn Bus) -> Result<(), StoreError> {
///     let channel = Channel::new("all");
///     bus.open().await?;
///     bus.subscribe(&[channel.clone()]).await?;
///     bus.publish(&[Message { channel, bytes: "hello".into() }]).await?;
///     assert_eq!(bus.receive().await?.messages, ["hello"]);
///     Ok(())
/// }
/// ```
pub trait Bus: Send + Sync + 'static {
    /// Opens a new connection, without subscriptions. An earlier connection is closed, and its
    /// messages that were not received are dropped.
    fn open(&self) -> StoreFuture<'_, ()>;

    /// Subscribes to channels. A message that is published after the future has completed is
    /// received.
    fn subscribe<'a>(&'a self, channels: &'a [Channel]) -> StoreFuture<'a, ()>;

    /// Ends subscriptions.
    fn unsubscribe<'a>(&'a self, channels: &'a [Channel]) -> StoreFuture<'a, ()>;

    /// Publishes messages, in this order.
    fn publish<'a>(&'a self, messages: &'a [Message]) -> StoreFuture<'a, ()>;

    /// Waits for messages. Fails when the connection has ended.
    fn receive(&self) -> StoreFuture<'_, Received>;

    /// Closes the connection.
    fn close(&self);
}
