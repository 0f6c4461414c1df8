//! A client in memory.

use std::{collections::VecDeque, fmt};

use bytes::Bytes;
use doorward_core::SocketId;
use doorward_protocol::{Arguments, RawArguments, packet};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::test::{
    packet::Packet,
    unexpected::panicking,
    wire::{MemoryLink, Seen, Sent},
};

/// A connected client of a [`TestServer`](super::TestServer).
///
/// Whatever comes is kept until it is asked for, so the order in which a test looks does not matter.
///
/// # Panics
/// Its methods panic when the server does something else than what the test waits for.
///
/// # Examples
/// See [`TestServer`](super::TestServer).
/// ```
/// fn is_send<T: Send>() {}
/// is_send::<doorward::test::TestClient>();
/// ```
pub struct TestClient {
    link: MemoryLink,
    namespace: String,
    id: SocketId,
    next_ack: u64,
    /// What came and was not asked for yet.
    events: VecDeque<TestEvent>,
    end: Option<TestEnd>,
}

/// An event of the server.
///
/// # Examples
/// ```
/// fn is_greeting(event: &doorward::test::TestEvent) -> bool { event.name == "welcome" }
/// # drop(is_greeting);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TestEvent {
    /// What it is called.
    pub name: String,
    /// What it carries.
    pub arguments: RawArguments,
    /// The id under which the server waits for an answer; see [`TestClient::answer`].
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

/// How the client's connection ended.
///
/// # Examples
/// ```
/// use doorward::test::TestEnd;
///
/// assert!(!TestEnd::Passing.is_final());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestEnd {
    /// With a DISCONNECT: a stock client stays away.
    Final,
    /// Without a word: a stock client comes back by itself.
    Passing,
}

impl TestEnd {
    /// Whether a stock client stays away.
    #[must_use]
    pub fn is_final(self) -> bool {
        self == Self::Final
    }
}

/// What a client reads of an event that failed.
///
/// # Examples
/// ```
/// fn is_too_much(exception: &doorward::test::TestException) -> bool {
///     exception.code() == "rate_limited"
/// }
/// # drop(is_too_much);
/// ```
#[derive(Clone, Debug)]
pub struct TestException(Value);

impl TestException {
    /// The code for programs.
    #[must_use]
    pub fn code(&self) -> &str {
        self.0["code"].as_str().unwrap_or_default()
    }

    /// The message for people.
    #[must_use]
    pub fn message(&self) -> &str {
        self.0["message"].as_str().unwrap_or_default()
    }

    /// What is wrong with the payload: paths and messages.
    #[must_use]
    pub fn details(&self) -> Vec<(&str, &str)> {
        let details = self.0["details"].as_array().map_or(&[][..], Vec::as_slice);
        details.iter().map(|one| (as_text(&one["path"]), as_text(&one["message"]))).collect()
    }

    /// Everything, as it stands on the wire.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.0
    }
}

fn as_text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A packet as a message.
fn text(packet: Vec<u8>) -> String {
    String::from_utf8(packet).expect("packets are JSON behind ASCII")
}

/// Something that was looked for among what came.
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

    /// The public id of the socket.
    #[must_use]
    pub fn id(&self) -> SocketId {
        self.id
    }

    /// Sends an event without asking for an answer.
    pub async fn emit(&mut self, event: &str, arguments: impl Arguments) {
        self.send(event, None, &arguments).await;
    }

    /// Sends an event and returns the handler's answer.
    ///
    /// # Panics
    /// When the answer is an error or no `T`, or the connection ends.
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

    /// Sends an event that must fail, and returns what the client reads.
    ///
    /// # Panics
    /// When the answer is a value, or the connection ends.
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

    /// Sends an event and returns the answer as it stands on the wire.
    ///
    /// # Panics
    /// When the connection ends.
    pub async fn ask(&mut self, event: &str, arguments: impl Arguments) -> RawArguments {
        let id = self.next_ack;
        self.next_ack += 1;
        self.send(event, Some(id), &arguments).await;
        loop {
            match self.read().await {
                Incoming::Ack(answered, arguments) if answered == id => return arguments,
                Incoming::Ack(..) => {}
                Incoming::Event(event) => self.events.push_back(event),
                Incoming::End(end) => {
                    panicking(format_args!("the connection ended ({end:?}) instead of an answer"))
                }
            }
        }
    }

    /// Returns the next event of the server.
    ///
    /// # Panics
    /// When the connection ends first.
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

    /// Returns what the next event carries, which must be called `name`.
    ///
    /// # Panics
    /// When another event comes first, when it carries no `T`, or when the connection ends.
    pub async fn expect_event<T: DeserializeOwned>(&mut self, name: &str) -> T {
        let event = self.next_event().await;
        if event.name != name {
            panicking(format_args!("expected the event {name:?}, got {event:?}"));
        }
        event.decode()
    }

    /// Returns what the next event with this name carries, and forgets what comes before it: for a client that
    /// is told more than a test is about.
    ///
    /// # Panics
    /// When it carries no `T`, or when the connection ends first.
    pub async fn wait_for_event<T: DeserializeOwned>(&mut self, name: &str) -> T {
        loop {
            let event = self.next_event().await;
            if event.name == name {
                return event.decode();
            }
        }
    }

    /// Makes sure that nothing has come that was not asked for.
    ///
    /// # Panics
    /// When something has.
    pub async fn expect_nothing(&mut self) {
        self.settle().await;
        if let Some(event) = self.events.front() {
            panicking(format_args!("expected nothing, got {event:?}"));
        }
    }

    /// Answers an event of the server that waits for it.
    pub async fn answer(&mut self, event: &TestEvent, value: impl Arguments) {
        let Some(id) = event.ack else {
            panicking(format_args!("nobody waits for an answer to {:?}", event.name))
        };
        let mut out = Vec::new();
        let written = packet::write_ack(&mut out, &self.namespace, id, &value);
        self.send_packet(out, written).await;
    }

    /// Leaves the namespace, as `socket.disconnect()` does.
    pub async fn disconnect(&mut self) {
        let mut out = Vec::new();
        packet::write_disconnect(&mut out, &self.namespace);
        self.link.send(Sent::Text(text(out))).await;
    }

    /// Waits for the end of the connection. What came before is still there to be read.
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

    /// Says how the connection has ended, once everything is read that the server had to say so far; `None`
    /// when it goes on. What came before is still there to be read.
    pub async fn has_ended(&mut self) -> Option<TestEnd> {
        if self.end.is_none() {
            self.settle().await;
        }
        self.end
    }

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
        self.link.send(Sent::Text(text(head))).await;
        for attachment in attachments {
            self.link.send(Sent::Binary(attachment)).await;
        }
    }

    /// Reads on until something for this socket comes.
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

    /// Takes what was read already.
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

    async fn understand(&mut self, seen: Seen) -> Option<Incoming> {
        let text = match seen {
            Seen::Text(text) => text,
            Seen::Binary(_) | Seen::Pong => return None,
            Seen::Closed => return Some(self.end(TestEnd::Passing)),
        };
        let packet = text.strip_prefix('4').and_then(Packet::parse)?;
        if packet.namespace != self.namespace {
            return None;
        }
        let mut attachments = Vec::new();
        while attachments.len() < packet.attachments
            && let Seen::Binary(bytes) = self.link.next().await
        {
            attachments.push(bytes);
        }
        match packet.kind {
            b'1' => Some(self.end(TestEnd::Final)),
            b'2' | b'5' => {
                let name = event_name(packet.data)?;
                let arguments = RawArguments::from_event(packet.data, attachments);
                Some(Incoming::Event(TestEvent { name, arguments, ack: packet.id }))
            }
            b'3' | b'6' => {
                let arguments = RawArguments::from_ack(packet.data, attachments);
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

/// The name in `["name", ..]`.
fn event_name(data: &str) -> Option<String> {
    let items: Vec<Value> = serde_json::from_str(data).ok()?;
    Some(items.first()?.as_str()?.to_owned())
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient")
            .field("id", &self.id)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
