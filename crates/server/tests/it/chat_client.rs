//! Client of the chat on a raw link.

use std::{collections::VecDeque, net::SocketAddr};

use doorward_testkit::RawClient;
use serde_json::Value;

/// Client with a socket in `/chat`.
pub(crate) struct ChatClient {
    raw: RawClient,
    asked: u32,
    /// Events that have arrived before an answer: the name and the payload.
    events: VecDeque<(String, Value)>,
}

impl ChatClient {
    /// Connects with an access token.
    pub(crate) async fn enter(address: SocketAddr, token: &str) -> Self {
        Self::admitted(address, token).await.expect("the token is accepted")
    }

    /// Connects with an access token. Returns `None` if it is refused.
    pub(crate) async fn admitted(address: SocketAddr, token: &str) -> Option<Self> {
        let mut raw = RawClient::open(address).await;
        raw.text(&format!("40/chat,{{\"token\":\"{token}\"}}")).await;
        let answer = raw.packet().await?;
        answer.starts_with("40/chat,").then(|| Self { raw, asked: 0, events: VecDeque::new() })
    }

    /// Waits until the server has ended the link.
    pub(crate) async fn ended(&mut self) {
        while self.raw.packet().await.is_some() {}
    }

    /// Sends an event and returns its answer. Keeps the events before it for [`hear`](Self::hear).
    pub(crate) async fn ask(&mut self, event: &str, payload: Value) -> Value {
        self.asked += 1;
        let event = serde_json::json!([event, payload]);
        self.raw.text(&format!("42/chat,{}{event}", self.asked)).await;
        let answer = format!("43/chat,{}", self.asked);
        loop {
            let packet = self.packet().await;
            if let Some(json) = packet.strip_prefix(&answer) {
                let mut arguments: Vec<Value> = serde_json::from_str(json).unwrap();
                return arguments.remove(0);
            }
        }
    }

    /// Waits for the next event with this name, and returns its payload.
    pub(crate) async fn hear(&mut self, event: &str) -> Value {
        loop {
            while let Some((name, payload)) = self.events.pop_front() {
                if name == event {
                    return payload;
                }
            }
            self.packet().await;
        }
    }

    /// Returns the next packet. Answers a ping, and keeps an event.
    async fn packet(&mut self) -> String {
        let packet = self.raw.packet().await.expect("the link lives");
        if packet == "2" {
            self.raw.text("3").await;
        }
        if let Some(json) = packet.strip_prefix("42/chat,").filter(|json| json.starts_with('[')) {
            self.events.push_back(serde_json::from_str(json).unwrap());
        }
        packet
    }
}
