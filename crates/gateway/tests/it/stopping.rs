//! Shutdown of a server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use doorward::{
    audit::{Audit, AuditRecord},
    prelude::*,
    server::Clock as _,
    store::BoxFuture,
};
use doorward_testkit::{Log, Poller, RawClient, Seen as Frame};
use serde_json::json;
use tokio::{sync::Notify, task::JoinSet};
use tracing::Level;

use crate::fixture::{Fixture, User, in_time, while_time_passes};

#[tokio::test]
async fn a_server_that_shuts_down_asks_all_clients_to_reconnect() {
    let mut fixture = Fixture::start().await;
    let mut known = fixture.alice().await;
    let mut unknown = RawClient::open(fixture.address).await;

    fixture.stop.notify_one();

    let ended = known.json("42").await;
    assert_eq!((&ended[0], &ended[1]["code"]), (&json!("session_ended"), &json!("shutdown")));
    assert_eq!(known.rest().await, [Frame::Closed(Some(1001))]);
    assert_eq!(unknown.rest().await, [Frame::Closed(Some(1001))]);
    drop((known, unknown));
    (&mut fixture.task).await.unwrap();
    assert_eq!((fixture.doorward.connections(), fixture.doorward.links()), (0, 0));
    assert!(tokio::net::TcpStream::connect(fixture.address).await.is_err());
}

/// Code of the application that is running when the server stops.
struct Running {
    begun: Notify,
    go_on: Notify,
    done: AtomicUsize,
}

impl Running {
    fn new() -> Arc<Self> {
        Arc::new(Self { begun: Notify::new(), go_on: Notify::new(), done: AtomicUsize::new(0) })
    }

    async fn run(self: Arc<Self>) {
        self.begun.notify_one();
        self.go_on.notified().await;
        self.done.fetch_add(1, Ordering::SeqCst);
    }
}

/// Stops the server, and checks that it waits for `running`, which is running already or starts at
/// the stop. After the server has stopped, applications close resources that such code uses, such
/// as a database.
async fn is_waited_for(gateway: Gateway<User>, event: Option<&str>, running: Arc<Running>) {
    let mut fixture = Fixture::with(|builder, _| builder.gateway(gateway)).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/t,{"token":"good:alice"}"#).await;
    client.json("40/t,").await;
    if let Some(event) = event {
        client.text(event).await;
        running.begun.notified().await;
    }

    fixture.stop.notify_one();
    client.rest().await;
    if event.is_none() {
        running.begun.notified().await;
    }
    drop(client);
    let gone = async {
        while fixture.doorward.links() > 0 {
            tokio::task::yield_now().await;
        }
    };
    in_time(gone).await;
    // No link is left, but the application still runs.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!fixture.task.is_finished());
    running.go_on.notify_one();
    (&mut fixture.task).await.unwrap();

    assert_eq!(running.done.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn shutdown_waits_for_disconnect_hooks() {
    let running = Running::new();
    let hook = Arc::clone(&running);
    let slow = Gateway::at("/t")
        .on_disconnect(move |_: Socket<User>, _: DisconnectReason| Arc::clone(&hook).run());

    is_waited_for(slow, None, running).await;
}

/// A handler that has begun may finish after its socket has ended, also when the server stops.
#[tokio::test]
async fn shutdown_waits_for_handlers_that_have_begun() {
    let running = Running::new();
    let handler = Arc::clone(&running);
    let slow = Gateway::at("/t").on("pay", move || Arc::clone(&handler).run());

    is_waited_for(slow, Some(r#"42/t,["pay"]"#), running).await;
}

/// Audit that never confirms its records.
struct Stuck;

impl Audit for Stuck {
    fn record(&self, _: &AuditRecord<'_>) {}

    fn written(&self) -> BoxFuture<'_, bool> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn shutdown_waits_two_seconds_for_the_audit_and_logs_it() {
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let mut fixture = Fixture::with(|builder, _| builder.audit(Stuck)).await;
    let begun = fixture.clock.now();

    fixture.stop.notify_one();
    while_time_passes(&fixture.clock.clone(), &mut fixture.task).await.unwrap();

    assert!(fixture.clock.now() - begun < Duration::from_secs(5));
    assert_eq!(log.lines_with("The audit has not kept its records in time.").len(), 1);
    assert!(log.lines_with("Some connections did not end in time.").is_empty());
}

/// Orchestrators and clients ask a server that stops.
#[tokio::test]
async fn a_server_that_stops_answers_handshakes_until_its_links_have_ended() {
    let running = Running::new();
    let hook = Arc::clone(&running);
    let slow = Gateway::at("/t")
        .on_disconnect(move |_: Socket<User>, _: DisconnectReason| Arc::clone(&hook).run());
    let mut fixture = Fixture::with(|builder, _| builder.gateway(slow)).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/t,{"token":"good:alice"}"#).await;
    client.json("40/t,").await;
    assert!(!fixture.doorward.is_stopping());

    fixture.stop.notify_one();
    client.rest().await;
    drop(client);
    running.begun.notified().await;

    assert!(fixture.doorward.is_stopping());
    let mut times = std::collections::HashSet::new();
    for transport in ["polling", "websocket"].repeat(20) {
        let poller = Poller {
            headers: "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                      sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                .into(),
            ..Poller::at(fixture.address)
        };
        let query = format!("EIO=4&transport={transport}");
        let refused = poller.send("GET", &query, "").await;
        assert_eq!(refused.status, 503, "{refused:?}");
        let after = refused.head.lines().find_map(|line| line.strip_prefix("retry-after: "));
        let after: u8 = after.unwrap().parse().unwrap();
        assert!((1..=5).contains(&after), "{after}");
        times.insert(after);
    }
    assert!(times.len() > 1, "all clients would return at once");
    running.go_on.notify_one();
    (&mut fixture.task).await.unwrap();
    assert!(tokio::net::TcpStream::connect(fixture.address).await.is_err());
}

#[tokio::test]
async fn many_links_end_one_part_after_the_other() {
    let mut fixture =
        Fixture::with(|builder, _| builder.limits(|limits| limits.max_unauthenticated_links = 300))
            .await;
    let mut clients = JoinSet::new();
    for _ in 0..250 {
        let mut client = RawClient::open(fixture.address).await;
        clients.spawn(async move { client.rest().await });
    }

    fixture.stop.notify_one();

    for left in [150, 50, 0] {
        in_time(async {
            while fixture.doorward.links() > left {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(fixture.doorward.links(), left);
        fixture.clock.advance(Duration::from_millis(10));
    }
    while let Some(seen) = clients.join_next().await {
        assert_eq!(seen.unwrap(), [Frame::Closed(Some(1001))]);
    }
    (&mut fixture.task).await.unwrap();
}

/// A client does not read the end of its request.
#[tokio::test]
async fn a_shutdown_ends_after_its_grace_period() {
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let mut fixture = Fixture::start().await;
    let mut stuck = RawClient::connect(fixture.address).await;
    stuck.bytes(b"GET / HTTP/1.1\r\n").await;
    let begun = fixture.clock.now();

    fixture.stop.notify_one();
    while_time_passes(&fixture.clock.clone(), &mut fixture.task).await.unwrap();

    assert!(fixture.clock.now() - begun <= Duration::from_secs(3));
    assert_eq!(log.lines_with("Some connections did not end in time.").len(), 1);
}
