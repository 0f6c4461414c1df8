//! Lifecycle hooks of gateways: init, connect and disconnect.

use std::sync::{Arc, Mutex};

use doorward::{Gateway, auth::Retry, prelude::*, server::BuildError};
use doorward_testkit::RawClient;
use serde_json::json;
use tokio::sync::Notify;

use crate::{
    fixture::{Fixture, GOOD, User},
    memory::{Member, Memory},
};

#[tokio::test]
async fn events_that_a_connect_hook_emits_follow_the_answer() {
    let hello = Gateway::at("/hello").on_connect(|connection: Socket<User>| async move {
        connection.emit("hello", &connection.principal().name)?;
        Ok(())
    });
    let fixture = Fixture::with(|builder, _| builder.gateway(hello)).await;
    let mut client = RawClient::open(fixture.address).await;

    client.text(r#"40/hello,{"token":"good:alice"}"#).await;

    let answer = client.json("40/hello,").await;
    assert!(answer["sid"].is_string());
    assert_eq!(client.json("42/hello,").await, json!(["hello", "alice"]));
}

#[tokio::test]
async fn events_that_a_connect_hook_emits_before_it_refuses_are_not_sent() {
    let closed = Gateway::at("/closed").on_connect(|connection: Socket<User>| async move {
        connection.emit("secret", "canary")?;
        Err(Refusal::new("closed_today", "Closed today"))
    });
    let fixture = Fixture::with(|builder, _| builder.gateway(closed)).await;
    let mut client = RawClient::open(fixture.address).await;

    client.text(r#"40/closed,{"token":"good:alice"}"#).await;

    let seen = format!("{:?}", client.rest().await);
    assert!(seen.contains("closed_today"), "{seen}");
    assert!(!seen.contains("canary"), "{seen}");
}

#[tokio::test]
async fn a_connect_hook_that_panics_admits_no_client() {
    let broken = Gateway::at("/broken").on_connect(
        |_: Socket<User>| -> std::future::Ready<Result<(), Refusal>> { panic!("a hook") },
    );
    let fixture = Fixture::with(|builder, _| builder.gateway(broken)).await;
    let mut client = RawClient::open(fixture.address).await;

    client.text(r#"40/broken,{"token":"good:alice"}"#).await;

    assert_eq!(client.packet().await, None);
    assert_eq!(fixture.doorward.connections(), 0);
}

#[tokio::test]
async fn a_disconnect_hook_knows_user_namespace_time_request_and_reason() {
    use doorward::server::Clock;

    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let (sender, ended) = tokio::sync::oneshot::channel();
    let sender = Arc::new(Mutex::new(Some(sender)));
    let gateway = Gateway::at("/t").on_disconnect(move |connection: Socket<User>, reason| {
        let at = connection.connected_at();
        let host = connection.request().headers().get_str("host").map(str::to_owned);
        log.lock().unwrap().push((
            connection.user().clone(),
            connection.namespace().to_owned(),
            at,
            reason,
        ));
        drop(sender.lock().unwrap().take().unwrap().send(host));
        async {}
    });
    let fixture = Fixture::with(|builder, _| builder.gateway(gateway)).await;
    let connected_at = fixture.clock.wall();
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/t,{"token":"good:alice"}"#).await;
    client.json("40/t,").await;

    client.text("41/t,").await;

    let host = ended.await.unwrap().unwrap();
    assert_eq!(host, format!("localhost:{}", fixture.address.port()));
    assert_eq!(
        *told.lock().unwrap(),
        [("alice".into(), "/t".to_owned(), connected_at, DisconnectReason::ClientLeft)]
    );
}

#[tokio::test]
async fn no_client_is_served_when_init_fails() {
    let doorward = Doorward::builder()
        .public(Gateway::at("/").on_init(|_| async { Err("no database".into()) }))
        .build()
        .unwrap();
    let listeners = doorward::server::Listeners::bind("127.0.0.1:0").await.unwrap();
    let address = listeners.addresses()[0];

    let served = doorward.serve_with(listeners, doorward.service(), std::future::pending()).await;

    assert!(matches!(served, Err(doorward::server::ServeError::Init(_))));
    // The listener is closed.
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_anonymous_client_enters_public_namespaces_only() {
    let public = Gateway::at("/status").on("version", |_: Principal<Anonymous>| async { 1 });
    let fixture = Fixture::with(|builder, _| builder.public(public)).await;
    let mut client = RawClient::open(fixture.address).await;

    client.text("40/status,").await;
    client.json("40/status,").await;
    client.text(r#"42/status,0["version"]"#).await;
    assert_eq!(client.json("43/status,0").await, json!([1]));
    client.text("40").await;

    assert_eq!(client.json("44").await["data"]["code"], "unauthenticated");
    // Only the private namespace has called the authenticator.
    assert_eq!(fixture.authentications(), 1);
    client.text(GOOD).await;
    client.json("40").await;
}

#[test]
fn mistakes_that_types_cannot_prevent_are_errors_of_build() {
    let build = |gateway: Gateway<Anonymous>| Doorward::builder().public(gateway).build().err();
    let unit = || async {};

    assert_eq!(Doorward::builder().build().err(), Some(BuildError::NoGateway));
    assert!(matches!(build(Gateway::at("chat")), Some(BuildError::Namespace { .. })));
    assert!(matches!(build(Gateway::at("/a,b")), Some(BuildError::Namespace { .. })));
    assert!(matches!(build(Gateway::at("/").on("", unit)), Some(BuildError::EventName { .. })));
    assert!(matches!(
        build(Gateway::at("/").on("connect", unit)),
        Some(BuildError::ReservedEvent { .. })
    ));
    assert!(matches!(
        build(Gateway::at("/").on("e", unit).on("e", unit)),
        Some(BuildError::DuplicateEvent { .. })
    ));
    let mixed = Doorward::builder()
        .authenticate(authenticate_fn(|_| async {
            Err::<Grant<()>, _>(Refusal::forbidden().into())
        }))
        .gateway(Gateway::at("/"))
        .public(Gateway::at("/"))
        .build();
    assert!(matches!(mixed, Err(BuildError::MixedNamespace { .. })));
    let builder = || Doorward::builder().public(Gateway::at("/"));
    let zero = builder().limits(|limits| limits.inbox = 0).build();
    let told = zero.unwrap_err().to_string();
    assert_eq!(told, "the limit inbox is 0, and must be from 1 to 100000");
    let endless = std::time::Duration::MAX;
    let endless = builder().limits(|limits| limits.handler_timeout = endless).build();
    let told = endless.unwrap_err().to_string();
    // A second call keeps what the first has set.
    let both = builder().limits(|limits| limits.inbox = 0).limits(|limits| limits.max_rooms = 9);
    assert!(both.build().unwrap_err().to_string().starts_with("the limit inbox is 0"));
    assert!(told.starts_with("the limit handler_timeout is "), "{told}");
    assert!(told.ends_with(", and must be from 100ms to 1d"), "{told}");
}

#[tokio::test]
async fn hooks_see_no_credential_of_the_request() {
    let seen = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&seen);
    let gateway = Gateway::at("/t").on_connect(move |connection: Socket<User>| {
        let names: Vec<_> =
            connection.request().headers().iter().map(|(name, _)| name.to_owned()).collect();
        *log.lock().unwrap() = format!("{names:?} {connection:?} {:?}", connection.request());
        async { Ok(()) }
    });
    let fixture = Fixture::with(|builder, _| builder.gateway(gateway)).await;
    let request = "GET /socket.io/?EIO=4&transport=websocket&token=canary HTTP/1.1\r\nHost: x\r\n\
                   Cookie: session=canary\r\nAuthorization: Bearer canary\r\n\
                   Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let (mut client, _) = RawClient::request(fixture.address, request.as_bytes()).await;
    client.packet().await;

    client.text(r#"40/t,{"token":"good:alice","canary":"canary"}"#).await;
    client.json("40/t,").await;

    let seen = seen.lock().unwrap().clone();
    assert!(seen.contains("\"host\""), "{seen}");
    for secret in ["canary", "cookie", "authorization"] {
        assert!(!seen.contains(secret), "{seen}");
    }
}

#[tokio::test]
async fn a_connect_hook_that_emits_without_end_is_bounded_by_the_outbox() {
    let endless = Gateway::at("/endless").on_connect(|connection: Socket<User>| async move {
        let line = "x".repeat(60_000);
        while connection.emit("line", &line).is_ok() {
            tokio::task::yield_now().await;
        }
        Ok(())
    });
    let fixture = Fixture::with(|builder, _| builder.gateway(endless)).await;
    let mut client = RawClient::open(fixture.address).await;

    client.text(r#"40/endless,{"token":"good:alice"}"#).await;

    // The full outbox ends the link before the CONNECT is answered.
    assert_eq!(client.packet().await, None);
    assert_eq!(fixture.doorward.connections(), 0);
}

#[tokio::test]
async fn a_panic_in_a_destructor_does_not_affect_other_clients() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "a drop that panics");
        }
    }
    let begun = Arc::new(Notify::new());
    let gate = Arc::clone(&begun);
    let bombs = |name: &str| {
        let gate = Arc::clone(&gate);
        Gateway::at(name.to_owned()).on_connect(move |_: Socket<User>| {
            let gate = Arc::clone(&gate);
            async move {
                let _bomb = Bomb;
                gate.notify_one();
                std::future::pending::<Result<(), Refusal>>().await
            }
        })
    };
    let (a, b) = (bombs("/a"), bombs("/b"));
    let fixture = Fixture::with(|builder, _| builder.gateway(a).gateway(b)).await;
    let mut client = RawClient::open(fixture.address).await;
    for name in ["/a", "/b"] {
        client.text(&format!(r#"40{name},{{"token":"good:alice"}}"#)).await;
        begun.notified().await;
    }

    // The end of the link drops both hooks, and each drop panics.
    drop(client);

    assert_eq!(fixture.audit.wait_for(2).await.len(), 2);
    fixture.alice().await;
}

#[tokio::test]
async fn reserved_event_names_cannot_be_emitted() {
    let tell = Gateway::at("/t").on("tell", |connection: Socket<User>| async move {
        ["disconnect", "connect_error", "session_ended", "news"]
            .map(|event| connection.emit(event, 1).is_ok())
    });
    let fixture = Fixture::with(|builder, _| builder.gateway(tell)).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/t,{"token":"good:alice"}"#).await;
    client.json("40/t,").await;

    client.text(r#"42/t,0["tell"]"#).await;

    assert_eq!(client.json("42/t,").await, json!(["news", 1]));
    assert_eq!(client.json("43/t,0").await, json!([false, false, false, true]));
}

#[tokio::test]
async fn a_disconnect_hook_that_hangs_times_out() {
    struct Tell(Arc<Notify>);
    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let gates = (Arc::clone(&begun), Arc::clone(&dropped));
    let hang = Gateway::at("/t").on_disconnect(move |_: Socket<User>, _| {
        let (begun, tell) = (Arc::clone(&gates.0), Tell(Arc::clone(&gates.1)));
        async move {
            let _tell = tell;
            begun.notify_one();
            std::future::pending::<()>().await;
        }
    });
    let fixture = Fixture::with(|builder, _| builder.gateway(hang)).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/t,{"token":"good:alice"}"#).await;
    client.json("40/t,").await;
    client.text("41/t,").await;
    begun.notified().await;

    // The default `handler_timeout`.
    fixture.clock.advance(std::time::Duration::from_secs(30));

    dropped.notified().await;
}

/// In NestJS the client is already connected at this point and gets an `exception` event.
#[tokio::test]
async fn a_connect_hook_that_refuses_states_code_message_and_retry() {
    let gateway = Gateway::at("/").on_connect(|me: Socket<Member>| async move {
        me.emit("secret", 1)?;
        Err(Refusal::new("house_full", "The house is full").retry(Retry::Later))
    });
    let memory = Memory::serve(gateway).await;

    let refused = memory.server.expect_refused("/", json!({ "token": "alice" })).await;

    assert_eq!((refused.code(), refused.message()), ("house_full", "The house is full"));
    assert_eq!(refused.retry(), Some("later"));
}

#[derive(Default)]
struct Notes(Mutex<Vec<&'static str>>);

/// Two gateways on one socket share its data, and a disconnect hook that waits still sees it.
#[tokio::test]
async fn a_slow_disconnect_hook_still_has_the_data_of_its_socket() {
    let (go_on, seen) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let note = |what: &'static str| {
        move |me: Socket<Member>| async move { me.data::<Notes>().0.lock().unwrap().push(what) }
    };
    let (wait, tell) = (Arc::clone(&go_on), Arc::clone(&seen));
    let first = Gateway::at("/").on_connect(note("first")).on_disconnect(
        move |me: Socket<Member>, _: DisconnectReason| {
            let (wait, tell) = (Arc::clone(&wait), Arc::clone(&tell));
            async move {
                wait.notified().await;
                assert_eq!(*me.data::<Notes>().0.lock().unwrap(), ["first", "second"]);
                tell.notify_one();
            }
        },
    );
    let second = Gateway::at("/").on_connect(note("second"));
    let memory = Memory::with(|builder| builder.gateway(first).gateway(second)).await;

    drop(memory.connect("alice").await);
    go_on.notify_one();

    seen.notified().await;
}
