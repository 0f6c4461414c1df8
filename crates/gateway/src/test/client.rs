//! A client in memory that is connected to a server under test.

use std::collections::VecDeque;

use bytes::Bytes;
use doorward_core::SocketId;
use doorward_protocol::{
    Arguments, RawArguments,
    packet::{self, Kind, Packet},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::test::{
    unexpected::panicking,
    wire::{Carried, MemoryLink},
};

/// A connected client of a [`TestServer`](super::TestServer).
///
/// Events that arrive while a method waits for something else are kept for later calls.
///
/// # Panics
/// Methods panic if the server does something other than what the test expects.
///
/// # Examples
/// ```
/// # async fn run(client: &mut doorward::test::TestClient) {
/// client.emit("join", "lobby").await;
/// assert_eq!(client.expect_event::<String>("joined").await, "lobby");
/// # }
/// ```
pub struct TestClient {
    link: MemoryLink,
    namespace: String,
    id: SocketId,
    next_ack: u64,
    /// Events that have arrived and that the test has not read yet, oldest first.
    events: VecDeque<TestEvent>,
    end: Option<TestEnd>,
}

/// Event that the server has sent to the client.
///
/// # Examples
/// ```
/// # async fn run(client: &mut doorward::test::TestClient) {
/// let event = client.next_event().await;
/// assert_eq!(event.name, "welcome");
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TestEvent {
    /// Name of the event.
    pub name: String,
    /// Arguments of the event.
    pub arguments: RawArguments,
    /// Id of the ack, or `None` if the server waits for no ack. Send the ack with
    /// [`TestClient::answer`].
    pub ack: Option<u64>,
}

impl TestEvent {
    fn decode<T: DeserializeOwned>(&self) -> T {
        self.arguments.decode().unwrap_or_else(|error| {
            let Self { name, arguments, .. } = self;
            panicking(format_args!("{name:?} carries {}: {error}", arguments.json()))
        })
    }
}

/// Way in which the connection of a client has ended.
///
/// # Examples
/// ```
/// use doorward::test::TestEnd;
///
/// assert!(!TestEnd::Passing.is_final());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TestEnd {
    /// The server sent a DISCONNECT. A stock client does not reconnect.
    Final,
    /// Only the transport has ended. A stock client reconnects automatically.
    Passing,
}

impl TestEnd {
    /// Returns `true` if a stock client does not reconnect.
    #[must_use]
    pub fn is_final(self) -> bool {
        self == Self::Final
    }
}

/// Error that a client receives as the answer to an event.
///
/// # Examples
/// ```
/// # async fn run(client: &mut doorward::test::TestClient) {
/// let exception = client.expect_exception("search", "chess").await;
/// assert_eq!(exception.code(), "rate_limited");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TestException(Value);

impl TestException {
    /// Returns the code of the error, which is for programs.
    #[must_use]
    pub fn code(&self) -> &str {
        self.0["code"].as_str().unwrap_or_default()
    }

    /// Returns the message of the error, which is for people.
    #[must_use]
    pub fn message(&self) -> &str {
        self.0["message"].as_str().unwrap_or_default()
    }

    /// Returns the path and the message of each error in the payload. The list is empty if the
    /// payload had no errors.
    #[must_use]
    pub fn details(&self) -> Vec<(&str, &str)> {
        let details = self.0["details"].as_array().map_or(&[][..], Vec::as_slice);
        details.iter().map(|one| (as_text(&one["path"]), as_text(&one["message"]))).collect()
    }

    /// Returns the whole answer in its wire format.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.0
    }
}

fn as_text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Converts a packet into a text message.
fn text(packet: Vec<u8>) -> String {
    String::from_utf8(packet).expect("packets are JSON after ASCII")
}

/// Packet that the client's socket has received.
enum Incoming {
    Event(TestEvent),
    Ack(u64, RawArguments),
    End(TestEnd),
}

impl TestClient {
    pub(super) fn new(link: MemoryLink, namespace: &str, id: SocketId) -> Self {
        let (events, end) = (VecDeque::new(), None);
        Self { link, namespace: namespace.to_owned(), id, next_ack: 0, events, end }
    }

    /// Returns the public id of the socket.
    #[must_use]
    pub fn id(&self) -> SocketId {
        self.id
    }

    /// Sends an event without requesting an ack.
    pub async fn emit(&mut self, event: &str, arguments: impl Arguments) {
        self.send(event, None, &arguments).await;
    }

    /// Sends an event, waits for the ack, and returns its arguments as a `T`.
    ///
    /// # Panics
    /// Panics if the ack is an error or not a `T`, or if the connection ends.
    pub async fn emit_with_ack<T: DeserializeOwned>(
        &mut self,
        event: &str,
        arguments: impl Arguments,
    ) -> T {
        let answer = self.ask(event, arguments).await;
        answer.decode().unwrap_or_else(|error| {
            panicking(format_args!("the answer to {event:?} is {}: {error}", answer.json()))
        })
    }

    /// Sends an event that must fail, and returns the error that the client receives.
    ///
    /// # Panics
    /// Panics if the ack is not an error, or if the connection ends.
    pub async fn expect_exception(
        &mut self,
        event: &str,
        arguments: impl Arguments,
    ) -> TestException {
        let answer: Value = self.emit_with_ack(event, arguments).await;
        if answer["status"] != "error" {
            panicking(format_args!("{event:?} did not fail: {answer}"));
        }
        TestException(answer)
    }

    /// Sends an event, waits for the ack, and returns its arguments without decoding them.
    ///
    /// # Panics
    /// Panics if the connection ends.
    pub async fn ask(&mut self, event: &str, arguments: impl Arguments) -> RawArguments {
        let id = self.next_ack;
        self.next_ack += 1;
        self.send(event, Some(id), &arguments).await;
        loop {
            match self.read().await {
                Incoming::Ack(answered, arguments) if answered == id => return arguments,
                // This ack belongs to an earlier call whose future was dropped.
                Incoming::Ack(..) => {}
                Incoming::Event(event) => self.events.push_back(event),
                Incoming::End(end) => {
                    panicking(format_args!("the connection ended ({end:?}) instead of an answer"))
                }
            }
        }
    }

    /// Waits for the next event of the server, and returns it.
    ///
    /// # Panics
    /// Panics if the connection ends first.
    pub async fn next_event(&mut self) -> TestEvent {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            match self.read().await {
                Incoming::Event(event) => return event,
                Incoming::Ack(..) => {}
                Incoming::End(end) => {
                    panicking(format_args!("the connection ended ({end:?}) instead of an event"))
                }
            }
        }
    }

    /// Waits for the next event, whose name must be `name`, and returns its payload.
    ///
    /// # Panics
    /// Panics if the next event has another name, if its payload is not a `T`, or if the connection
    /// ends.
    pub async fn expect_event<T: DeserializeOwned>(&mut self, name: &str) -> T {
        let event = self.next_event().await;
        if event.name != name {
            panicking(format_args!("expected the event {name:?}, got {event:?}"));
        }
        event.decode()
    }

    /// Waits for the next event whose name is `name`, and returns its payload. The events before it
    /// are dropped. Use this method if the client also receives events that the test does not
    /// check.
    ///
    /// # Panics
    /// Panics if the payload is not a `T`, or if the connection ends first.
    pub async fn wait_for_event<T: DeserializeOwned>(&mut self, name: &str) -> T {
        loop {
            let event = self.next_event().await;
            if event.name == name {
                return event.decode();
            }
        }
    }

    /// Waits until the server has nothing more to do, and then checks that the test has read every event
    /// that has arrived.
    ///
    /// # Panics
    /// Panics if an event is unread.
    pub async fn expect_nothing(&mut self) {
        self.settle().await;
        if let Some(event) = self.events.front() {
            panicking(format_args!("expected nothing, got {event:?}"));
        }
    }

    /// Sends the ack of `event`, for which the server waits.
    ///
    /// # Panics
    /// Panics if the server has not requested an ack.
    pub async fn answer(&mut self, event: &TestEvent, value: impl Arguments) {
        let Some(id) = event.ack else {
            panicking(format_args!("the server waits for no answer to {:?}", event.name))
        };
        let mut out = Vec::new();
        let written = packet::write_ack(&mut out, &self.namespace, id, &value);
        self.send_packet(out, written).await;
    }

    /// Disconnects from the namespace, as `socket.disconnect()` does.
    pub async fn disconnect(&mut self) {
        let mut out = Vec::new();
        packet::write_disconnect(&mut out, &self.namespace);
        self.link.send(Carried::Text(text(out))).await;
    }

    /// Waits for the end of the connection, and returns how it ended. Events that arrived before
    /// the end can still be read.
    pub async fn ended(&mut self) -> TestEnd {
        loop {
            if let Some(end) = self.end {
                return end;
            }
            match self.read().await {
                Incoming::Event(event) => self.events.push_back(event),
                Incoming::Ack(..) => {}
                Incoming::End(end) => return end,
            }
        }
    }

    /// Returns how the connection has ended, or `None` if it is still open. The method first reads
    /// everything that the server has sent so far. Events that it finds can still be read with the
    /// other methods.
    pub async fn has_ended(&mut self) -> Option<TestEnd> {
        if self.end.is_none() {
            self.settle().await;
        }
        self.end
    }

    /// Reads everything that the server has sent so far, and keeps the events.
    async fn settle(&mut self) {
        self.link.settle().await;
        while let Some(incoming) = self.read_ahead().await {
            if let Incoming::Event(event) = incoming {
                self.events.push_back(event);
            }
        }
    }

    async fn send(&self, event: &str, ack: Option<u64>, arguments: &impl Arguments) {
        let mut out = Vec::new();
        let written = packet::write_event(&mut out, &self.namespace, ack, event, arguments);
        self.send_packet(out, written).await;
    }

    async fn send_packet(&self, head: Vec<u8>, written: serde_json::Result<Vec<Bytes>>) {
        let attachments = written.unwrap_or_else(|error| {
            panicking(format_args!("the arguments cannot be written as JSON: {error}"))
        });
        self.link.send(Carried::Text(text(head))).await;
        for attachment in attachments {
            self.link.send(Carried::Binary(attachment)).await;
        }
    }

    /// Reads until a packet for this socket arrives.
    async fn read(&mut self) -> Incoming {
        if let Some(end) = self.end {
            return Incoming::End(end);
        }
        loop {
            let seen = self.link.next().await;
            if let Some(incoming) = self.understand(seen).await {
                return incoming;
            }
        }
    }

    /// Returns the next packet for this socket among the messages already read, or `None` if there
    /// is no such packet.
    async fn read_ahead(&mut self) -> Option<Incoming> {
        while self.end.is_none()
            && let Some(seen) = self.link.read_ahead()
        {
            if let Some(incoming) = self.understand(seen).await {
                return Some(incoming);
            }
        }
        None
    }

    /// Parses a message, together with the attachments that follow it. Returns `None` for messages that
    /// are not for this socket.
    async fn understand(&mut self, seen: Carried) -> Option<Incoming> {
        let text = match seen {
            Carried::Text(text) => text,
            Carried::Binary(_) | Carried::Ping | Carried::Pong => return None,
            Carried::Closed => return Some(self.end(TestEnd::Passing)),
        };
        let packet = text.strip_prefix('4').and_then(|text| Packet::parse(text).ok())?;
        if packet.namespace != self.namespace {
            return None;
        }
        // The server sends nothing between a packet and its attachments.
        let mut attachments = Vec::new();
        while attachments.len() < packet.attachments
            && let Carried::Binary(bytes) = self.link.next().await
        {
            attachments.push(bytes);
        }
        match packet.kind {
            Kind::Disconnect => Some(self.end(TestEnd::Final)),
            Kind::Event | Kind::BinaryEvent => {
                let data = packet.data?;
                let arguments = RawArguments::from_event(data, attachments);
                Some(Incoming::Event(TestEvent {
                    name: event_name(data)?,
                    arguments,
                    ack: packet.id,
                }))
            }
            Kind::Ack | Kind::BinaryAck => {
                let arguments = RawArguments::from_ack(packet.data?, attachments);
                Some(Incoming::Ack(packet.id?, arguments))
            }
            _ => None,
        }
    }

    fn end(&mut self, end: TestEnd) -> Incoming {
        self.end = Some(end);
        Incoming::End(end)
    }
}

/// Returns the name in `["name", ..]`, or `None` if `data` is not such an array.
fn event_name(data: &str) -> Option<String> {
    let items: Vec<Value> = serde_json::from_str(data).ok()?;
    Some(items.first()?.as_str()?.to_owned())
}

doorward_core::debug_fields!(TestClient { id, namespace });
