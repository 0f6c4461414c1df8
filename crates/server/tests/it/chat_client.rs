//! Client of the chat on a raw link.

use std::net::SocketAddr;

use doorward_testkit::RawClient;
use serde_json::Value;

/// Client with a socket in `/chat`.
pub(crate) struct ChatClient {
    raw: RawClient,
    asked: u32,
}

impl ChatClient {
    /// Connects with an access token.
    pub(crate) async fn enter(address: SocketAddr, token: &str) -> Self {
        let mut raw = RawClient::open(address).await;
        raw.text(&format!("40/chat,{{\"token\":\"{token}\"}}")).await;
        raw.json("40/chat,").await;
        Self { raw, asked: 0 }
    }

    /// Waits until the server has ended the link.
    pub(crate) async fn ended(&mut self) {
        while self.raw.packet().await.is_some() {}
    }

    /// Sends an event and returns its answer. Skips other packets before it and answers pings.
    pub(crate) async fn ask(&mut self, event: &str, payload: Value) -> Value {
        self.asked += 1;
        let event = serde_json::json!([event, payload]);
        self.raw.text(&format!("42/chat,{}{event}", self.asked)).await;
        let answer = format!("43/chat,{}", self.asked);
        loop {
            let packet = self.raw.packet().await.expect("the link lives");
            if packet == "2" {
                self.raw.text("3").await;
            }
            if let Some(json) = packet.strip_prefix(&answer) {
                let mut arguments: Vec<Value> = serde_json::from_str(json).unwrap();
                return arguments.remove(0);
            }
        }
    }
}
