//! Bot in one room of the chat. It follows orders, and checks that it receives every message in order.

use std::sync::atomic::{AtomicU64, Ordering};

use doorward::server::{Clock, SystemClock};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::{
    client::{Client, ClientError, Received},
    latency::Latency,
};

/// State that all bots of the room share.
#[derive(Default)]
pub(super) struct Slate {
    pub(super) latency: Latency<String>,
    /// Number of bots that have become members of the room.
    pub(super) members: watch::Sender<usize>,
    /// Id of the room, after its creation.
    pub(super) room: watch::Sender<Option<String>>,
    /// Number of messages that all bots have received together.
    pub(super) heard: AtomicU64,
    /// Number of messages that arrived out of order, or after a missing message.
    pub(super) disordered: AtomicU64,
}

/// Order for one member.
pub(super) enum Order {
    Create,
    Invite { id: String, room: String },
    Say { key: String, room: String },
}

#[derive(Deserialize)]
struct Room {
    id: String,
}

#[derive(Deserialize)]
struct Invitation {
    room: String,
}

#[derive(Deserialize)]
struct Message {
    key: String,
    version: i64,
}

/// Follows orders until the channel of orders closes. Fails if the connection ends before.
pub(super) async fn chat(
    client: &mut Client,
    mut orders: mpsc::Receiver<Order>,
    slate: &Slate,
) -> Result<(), ClientError> {
    let mut last = 0;
    client.ask("rooms", ()).await?;
    loop {
        let received = tokio::select! {
            received = client.next() => received?,
            order = orders.recv() => {
                let Some(order) = order else { return Ok(()) };
                let (event, payload) = written(&order);
                if let Order::Say { key, .. } = order {
                    slate.latency.sent(key, SystemClock.now());
                }
                client.ask(event, payload).await?;
                continue;
            }
        };
        match received {
            Received::Event(name, arguments) if name == "room" => {
                if let Ok((Room { id },)) = serde_json::from_str(&arguments) {
                    slate.room.send_replace(Some(id));
                    slate.members.send_modify(|members| *members += 1);
                }
            }
            Received::Event(name, arguments) if name == "invitation" => {
                if let Ok((Invitation { room },)) = serde_json::from_str(&arguments) {
                    client.ask("accept", json!({ "room": room })).await?;
                }
            }
            Received::Event(name, arguments) if name == "message" => {
                let message = serde_json::from_str(&arguments);
                let Ok((Message { key, version },)) = message else { continue };
                slate.latency.arrived(&key, SystemClock.now());
                slate.heard.fetch_add(1, Ordering::Relaxed);
                if version != last + 1 {
                    slate.disordered.fetch_add(1, Ordering::Relaxed);
                }
                last = version;
            }
            Received::Ack(_, answer) if answer.starts_with(r#"[{"status":"error""#) => {
                tracing::warn!(answer, "The server has rejected an event of a bot.");
            }
            Received::Ack(..) | Received::Event(..) => {}
        }
    }
}

fn written(order: &Order) -> (&'static str, Value) {
    match order {
        Order::Create => ("create", json!({ "name": "Bots" })),
        Order::Invite { id, room } => ("invite", json!({ "room": room, "id": id })),
        Order::Say { key, room } => {
            ("send", json!({ "room": room, "key": key, "text": format!("message {key}") }))
        }
    }
}
