//! Sets up a chat with connected users, and helps to send and read messages.

use std::{any::Any, sync::Arc};

use doorward::{
    prelude::*,
    test::{ManualClock, TestClient, TestServer},
};
use serde_json::{Value, json};

use crate::{
    CHAT, Database, SqlDatabase,
    sql::Statement,
    testing::{self, Home, Kind},
};

/// Server with a chat, its clock and its database.
pub(super) struct House {
    pub(super) server: TestServer,
    pub(super) kept: Database,
    pub(super) database: SqlDatabase,
    accounts: Arc<testing::Accounts>,
    pub(super) clock: ManualClock,
    pub(super) home: Home,
}

impl House {
    pub(super) async fn open(kind: Kind) -> Self {
        Self::at(Home::new(kind)).await
    }

    pub(super) async fn at(home: Home) -> Self {
        let kept = home.open(&[CHAT]).await;
        let database = kept.tables().unwrap().clone();
        let accounts = Arc::new(testing::Accounts::default());
        let clock = ManualClock::new();
        let services = testing::services(&clock, &database, accounts.clone());
        let doorward = Doorward::builder()
            .authenticate(testing::authenticator())
            .clock(clock.clone())
            .gateway(CHAT.gateway(&services))
            .build()
            .unwrap();
        let server = TestServer::start(doorward).await.unwrap();
        Self { server, kept, database, accounts, clock, home }
    }

    /// Runs a statement, as another process does.
    pub(super) async fn run(&self, statement: Statement) {
        let run = self
            .database
            .change(|mut connection| Box::pin(async move { connection.run(statement).await }));
        run.await.unwrap();
    }

    /// Blocks every change of the chat until the returned value is dropped.
    pub(super) async fn lock(&self) -> Box<dyn Any> {
        self.home.lock("chat_rooms, chat_members, chat_invitations").await
    }

    /// Creates an account.
    pub(super) async fn sign_up(&self, id: &str, name: &str) {
        self.accounts.sign_up(id, name).await;
    }

    /// Connects a client that receives the events of all rooms of its user.
    pub(super) async fn enter(&self, name: &str) -> TestClient {
        let mut client = self.server.connect("/chat", json!({ "user": name })).await;
        client.emit_with_ack::<Value>("rooms", ()).await;
        client
    }

    /// Creates a room of ann with these other members. Returns its id and the connected clients.
    pub(super) async fn room(&self, others: &[&str]) -> (String, TestClient, Vec<TestClient>) {
        let mut ann = self.enter("ann").await;
        let room: Value = ann.emit_with_ack("create", json!({ "name": "Tea" })).await;
        let room = room["id"].as_str().unwrap().to_owned();
        let mut members = Vec::new();
        for name in others {
            let mut member = self.enter(name).await;
            let invitation = json!({ "room": room, "id": name });
            ann.emit_with_ack::<Value>("invite", invitation).await;
            member.emit_with_ack::<Value>("accept", json!({ "room": room })).await;
            member.wait_for_event::<Value>("room").await;
            members.push(member);
        }
        (room, ann, members)
    }
}

pub(super) async fn say(who: &mut TestClient, room: &str, text: &str) -> Value {
    who.emit_with_ack("send", json!({ "room": room, "key": text, "text": text })).await
}

pub(super) async fn history(who: &mut TestClient, room: &str, last_seen: i64) -> Value {
    who.emit_with_ack("history", json!({ "room": room, "lastSeen": last_seen })).await
}

/// Returns all changes after a version, as a reconnecting client reads them.
pub(super) async fn catch_up(who: &mut TestClient, room: &str, mut last_seen: i64) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let part = history(who, room, last_seen).await;
        all.extend(part["messages"].as_array().unwrap().iter().cloned());
        last_seen = part["version"].as_i64().unwrap();
        if part["more"] == false {
            return all;
        }
    }
}

pub(super) fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["text"].as_str().unwrap()).collect()
}
