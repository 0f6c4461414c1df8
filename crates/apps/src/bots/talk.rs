//! Runs the bots that are members of one room of the chat.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{sync::mpsc, time::timeout};

use super::{
    chatter::{self, Order, Slate},
    door::{BotError, Door},
};

/// Number of members and messages, for one room of the chat.
#[derive(Clone, Debug)]
pub struct ChatLoad {
    /// Number of members, 2 at least.
    pub members: u16,
    /// Number of messages per second that all members send together, 1 at least.
    pub rate: u32,
    /// Number of messages that all members send together.
    pub messages: u32,
}

/// Fills one room, sends all messages, and reports how long they took to arrive.
pub(super) async fn chat(load: &ChatLoad, door: &Door) -> Result<(), BotError> {
    let count = usize::from(load.members);
    let names: Vec<_> = (1..=count).map(|number| format!("bot-{number:04}")).collect();
    let clients = door.enter_all(&names, "/chat").await?;
    let slate = Arc::<Slate>::default();
    let mut orders = Vec::new();
    for mut client in clients {
        let (order, ordered) = mpsc::channel(64);
        let slate = Arc::clone(&slate);
        orders.push(order);
        tokio::spawn(async move { chatter::chat(&mut client, ordered, &slate).await });
    }
    let order = async |number: usize, order| {
        let sent = orders[number].send(order).await;
        sent.map_err(|_order| BotError::Out { name: names[number].clone() })
    };
    order(0, Order::Create).await?;
    let mut room = slate.room.subscribe();
    let room = within(room.wait_for(Option::is_some), "the room").await?.clone();
    let room = room.unwrap_or_default();
    let mut members = slate.members.subscribe();
    for (number, user) in names.iter().enumerate().skip(1) {
        // Each member invites a few others, within the limit on invitations of one user.
        let host = (number - 1) / INVITED_BY_ONE;
        if number % INVITED_BY_ONE == 1 {
            within(members.wait_for(|members| *members >= number), "the members").await?;
        }
        let invite = Order::Invite { id: user.clone(), room: room.clone() };
        order(host, invite).await?;
    }
    within(members.wait_for(|members| *members == count), "the members").await?;
    door.say(&format!("{count} bots are in one room."))?;

    // The clock sets the pace, not the acks. If the queue of orders of a member is full, the loop
    // waits.
    let mut beat = tokio::time::interval(Duration::from_secs(1) / load.rate);
    for number in 0..load.messages {
        beat.tick().await;
        let speaker = usize::try_from(number).unwrap_or(0) * STRIDE % count;
        order(speaker, Order::Say { key: number.to_string(), room: room.clone() }).await?;
    }
    let expected = u64::from(load.messages) * u64::try_from(count).unwrap_or(u64::MAX);
    let all = async {
        while slate.heard.load(Ordering::Relaxed) < expected {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let is_complete = timeout(PATIENCE, all).await.is_ok();
    let lost = expected.saturating_sub(slate.heard.load(Ordering::Relaxed));
    let disordered = slate.disordered.load(Ordering::Relaxed);
    door.say(&format!(
        "{} messages to {count} members, {} a second: {lost} lost, {disordered} out of order; \
         a message until it is at a bot: {}",
        load.messages,
        load.rate,
        slate.latency.take()
    ))?;
    if is_complete && disordered == 0 { Ok(()) } else { Err(BotError::Lost) }
}

async fn within<T, E>(
    future: impl Future<Output = Result<T, E>>,
    what: &'static str,
) -> Result<T, BotError> {
    match timeout(PATIENCE, future).await {
        Ok(Ok(value)) => Ok(value),
        _ => Err(BotError::Late { what, patience: PATIENCE }),
    }
}

const INVITED_BY_ONE: usize = 10;

/// Step between the numbers of consecutive senders, so that they are far apart.
const STRIDE: usize = 7919;

const PATIENCE: Duration = Duration::from_secs(30);
