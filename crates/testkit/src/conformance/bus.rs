//! Rules that every bus must satisfy. Each rule gets a function that returns a new node of one cluster.
#![expect(clippy::missing_errors_doc, reason = "a rule fails when the bus does not answer")]
#![expect(clippy::missing_panics_doc, reason = "a rule panics when it is broken")]

use std::{
    sync::Arc,
    task::{Context, Waker},
};

use bytes::Bytes;
use doorward_core::{
    StoreError,
    bus::{Bus, Channel, Message},
    cluster::Cluster,
};

use super::samples::HOSTILE;

/// Opens a connection that has subscribed to some channels.
async fn open<C: Cluster>(node: C, channels: &[Channel]) -> Result<Arc<dyn Bus>, StoreError> {
    let bus = node.bus();
    bus.open().await?;
    bus.subscribe(channels).await?;
    Ok(bus)
}

fn message(channel: &Channel, bytes: impl Into<Bytes>) -> Message {
    Message { channel: channel.clone(), bytes: bytes.into() }
}

/// Receives as many messages as expected.
async fn receive(bus: &dyn Bus, count: usize) -> Result<Vec<Bytes>, StoreError> {
    let mut all = Vec::new();
    while all.len() < count {
        let received = bus.receive().await?;
        assert_eq!(received.dropped, 0);
        all.extend(received.messages);
    }
    Ok(all)
}

/// Messages reach all subscribers, the sender included, in the order in which they were published.
pub async fn messages_arrive_in_order<C: Cluster>(node: impl Fn(&str) -> C) -> super::Outcome {
    let (one, two) = (Channel::new("one"), Channel::new("two"));
    let both = [one.clone(), two.clone()];
    let sender = open(node("a"), &both).await?;
    let reader = open(node("b"), &both).await?;
    let messages: Vec<_> = (0..1_000)
        .map(|number: u32| message(&both[number as usize % 2], number.to_string()))
        .collect();
    for part in messages.chunks(300) {
        sender.publish(part).await?;
    }

    for bus in [&sender, &reader] {
        let received = receive(&**bus, messages.len()).await?;
        assert!(received.iter().eq(messages.iter().map(|message| &message.bytes)));
    }
    Ok(())
}

/// A message that is published after a subscription has completed is received.
pub async fn a_subscription_is_complete<C: Cluster>(node: impl Fn(&str) -> C) -> super::Outcome {
    let sender = open(node("a"), &[]).await?;
    let reader = open(node("b"), &[]).await?;
    for number in 0..100 {
        let channel = Channel::new(number.to_string());
        reader.subscribe(std::slice::from_ref(&channel)).await?;
        sender.publish(&[message(&channel, number.to_string())]).await?;
        assert_eq!(receive(&*reader, 1).await?, [number.to_string()]);
    }
    Ok(())
}

/// A node receives only messages of channels that it has subscribed to and not left.
pub async fn other_channels_are_not_heard<C: Cluster>(node: impl Fn(&str) -> C) -> super::Outcome {
    let (kept, left, other) = (Channel::new("kept"), Channel::new("left"), Channel::new("other"));
    let sender = open(node("a"), &[]).await?;
    let reader = open(node("b"), &[kept.clone(), left.clone()]).await?;
    reader.unsubscribe(std::slice::from_ref(&left)).await?;
    reader.unsubscribe(&[]).await?;

    sender.publish(&[message(&other, "1"), message(&left, "2"), message(&kept, "3")]).await?;

    assert_eq!(receive(&*reader, 1).await?, ["3"]);
    Ok(())
}

/// A new connection has no subscriptions, and receives nothing of the one before.
pub async fn a_new_connection_begins_anew<C: Cluster>(node: impl Fn(&str) -> C) -> super::Outcome {
    let (old, new) = (Channel::new("old"), Channel::new("new"));
    let sender = open(node("a"), &[]).await?;
    let reader = open(node("b"), std::slice::from_ref(&old)).await?;
    sender.publish(&[message(&old, "1")]).await?;
    reader.open().await?;
    reader.subscribe(std::slice::from_ref(&new)).await?;

    sender.publish(&[message(&old, "2"), message(&new, "3")]).await?;

    assert_eq!(receive(&*reader, 1).await?, ["3"]);
    Ok(())
}

/// Names of channels and contents of messages may be anything.
pub async fn names_and_contents_may_be_anything<C: Cluster>(
    node: impl Fn(&str) -> C,
) -> super::Outcome {
    let names = HOSTILE.iter().chain(&["*", "h?llo", "[a-z]", "\\"]);
    let channels: Vec<_> = names.map(|name| Channel::new(*name)).collect();
    let bus = open(node("a"), &channels).await?;
    let large = Bytes::from(vec![7; 1024 * 1024]);
    let messages: Vec<_> = channels
        .iter()
        .flat_map(|channel| [message(channel, vec![0, 255, b'\r', b'\n']), message(channel, "")])
        .chain([message(&channels[0], large)])
        .collect();

    bus.publish(&messages).await?;

    let received = receive(&*bus, messages.len()).await?;
    assert!(received.iter().eq(messages.iter().map(|message| &message.bytes)));
    Ok(())
}

/// A bus that is not open fails.
pub async fn a_bus_must_be_open<C: Cluster>(node: impl Fn(&str) -> C) -> super::Outcome {
    let closed = open(node("b"), &[]).await?;
    closed.close();
    let channel = Channel::new("all");
    for bus in [node("a").bus(), closed] {
        assert!(bus.subscribe(std::slice::from_ref(&channel)).await.is_err());
        assert!(bus.publish(&[message(&channel, "1")]).await.is_err());
        assert!(bus.receive().await.is_err());
    }
    Ok(())
}

/// A future that waits for messages and is dropped takes none with it.
pub async fn a_dropped_wait_loses_no_message<C: Cluster>(
    node: impl Fn(&str) -> C,
) -> super::Outcome {
    let channel = Channel::new("all");
    let bus = open(node("a"), std::slice::from_ref(&channel)).await?;
    for number in 0..50 {
        let mut waits = bus.receive();
        let mut context = Context::from_waker(Waker::noop());
        assert!(waits.as_mut().poll(&mut context).is_pending());
        bus.publish(&[message(&channel, number.to_string())]).await?;
        drop(waits);
        assert_eq!(receive(&*bus, 1).await?, [number.to_string()]);
    }
    Ok(())
}
