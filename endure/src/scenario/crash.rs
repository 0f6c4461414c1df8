//! Kills a server repeatedly while messages are being written.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use doorward_testkit::RawClient;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    server::{Server, client_address},
    token::Tokens,
};

pub(super) async fn run() -> String {
    let mut server = Server::start("");
    let (mut acknowledged, mut lost) = (0, 0);
    for round in 0..ROUNDS {
        let tokens = server.tokens();
        let kept = Arc::<Mutex<Vec<(String, String, String)>>>::default();
        let writers = (0..WRITERS).map(|number| {
            let user = format!("round-{round}-user-{number}");
            let token = tokens.sign(&user);
            tokio::spawn(write(server.address, number, user, token, Arc::clone(&kept)))
        });
        let writers: Vec<_> = writers.collect();
        // Each round kills the server after a different number of messages, while all writers are active.
        let enough = 40 + 13 * round;
        let begun = Instant::now();
        while kept.lock().unwrap_or_else(PoisonError::into_inner).len() < enough {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{enough} messages are not acknowledged"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server = server.kill_and_restart();
        for writer in writers {
            writer.abort();
        }
        let kept = std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner));
        acknowledged += kept.len();
        lost += missing(&server, &kept, &server.tokens()).await;
    }
    assert_eq!(lost, 0, "of {acknowledged} messages that were acknowledged");
    format!("{acknowledged} messages acknowledged, {lost} lost in {ROUNDS} kills")
}

/// Writes messages to a new room of the user, and adds each acknowledged message to `kept` with its
/// user and room.
async fn write(
    address: SocketAddr,
    number: usize,
    user: String,
    token: String,
    kept: Arc<Mutex<Vec<(String, String, String)>>>,
) {
    let mut chat = Chat::enter(address, number, &token).await;
    let Some(room) = chat.ask("create", json!({ "name": "Own" })).await else { return };
    let room = room["id"].as_str().unwrap_or_default().to_owned();
    // The server's rate limit allows 20 messages per user in 10 s.
    for message in 0..20 {
        let text = format!("message {message}");
        let sent = json!({ "room": room, "key": text, "text": text });
        let Some(answer) = chat.ask("send", sent).await else { return };
        if answer["text"] == text {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push((user.clone(), room.clone(), text));
        }
    }
}

/// Returns the number of messages in `kept` that the server no longer has.
async fn missing(server: &Server, kept: &[(String, String, String)], tokens: &Tokens) -> usize {
    let rooms: BTreeSet<_> = kept.iter().map(|(user, room, _)| (user, room)).collect();
    let lost = rooms.into_iter().enumerate().map(|(number, (user, room))| {
        let token = tokens.sign(user);
        async move {
            let mut chat = Chat::enter(server.address, number, &token).await;
            chat.ask("rooms", Value::Null).await;
            let history = chat.ask("history", json!({ "room": room, "lastSeen": 0 })).await;
            let history = history.unwrap_or_default();
            let messages = history["messages"].as_array().cloned().unwrap_or_default();
            let own = kept.iter().filter(|(_, other, _)| other == room);
            own.filter(|(_, _, text)| !messages.iter().any(|one| one["text"] == **text)).count()
        }
    });
    join_all(lost).await.into_iter().sum()
}

/// A socket in `/chat`.
struct Chat {
    raw: RawClient,
    asked: u32,
}

impl Chat {
    async fn enter(address: SocketAddr, number: usize, token: &str) -> Self {
        let mut raw = RawClient::open_from(client_address(number), address, "").await;
        raw.text(&format!("40/chat,{{\"token\":\"{token}\"}}")).await;
        raw.json("40/chat,").await;
        Self { raw, asked: 0 }
    }

    /// Sends an event and returns its ack. Returns `None` if the server has closed the link.
    async fn ask(&mut self, event: &str, payload: Value) -> Option<Value> {
        self.asked += 1;
        self.raw.text(&format!("42/chat,{}{}", self.asked, json!([event, payload]))).await;
        let answer = format!("43/chat,{}", self.asked);
        loop {
            let packet = self.raw.packet().await?;
            if let Some(json) = packet.strip_prefix(&answer) {
                let arguments: Vec<Value> = serde_json::from_str(json).ok()?;
                return arguments.into_iter().next();
            }
        }
    }
}

const ROUNDS: usize = 10;

const WRITERS: usize = 20;
