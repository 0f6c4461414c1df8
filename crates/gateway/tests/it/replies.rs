//! Arguments and return values of handlers, as a client sends and reads them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use doorward::{
    Limits,
    auth::HandshakeRequest,
    event::{EventContext, EventName, FromEvent, Interceptor, Next, Outcome, RawArguments, Reply},
    garde,
    prelude::*,
};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    counts::Counts,
    memory::{Member, Memory, small},
};

#[tokio::test]
async fn a_payload_reads_one_several_or_no_arguments() {
    let gateway = Gateway::at("/")
        .on("pair", |Payload((a, b)): Payload<(u8, String)>| async move { format!("{a}{b}") })
        .on("three", |Payload([a, b, c]): Payload<[u8; 3]>| async move { a + b + c })
        .on("list", |Payload(list): Payload<Vec<u8>>| async move { list.len() })
        .on("maybe", |Payload(one): Payload<Option<u8>>| async move { one })
        .on("exactly", |Args((a,)): Args<(u8,)>| async move { a })
        .on("any", |Args(all): Args<Vec<Value>>| async move { all.len() });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    // Several arguments, and one array of these arguments, are decoded into the same value.
    assert_eq!(alice.emit_with_ack::<String>("pair", (1, "x")).await, "1x");
    assert_eq!(alice.emit_with_ack::<String>("pair", ((1, "x"),)).await, "1x");
    assert_eq!(alice.emit_with_ack::<u8>("three", [1, 2, 3]).await, 6);
    assert_eq!(alice.emit_with_ack::<u8>("three", vec![1, 2, 3]).await, 6);
    assert_eq!(alice.emit_with_ack::<usize>("list", vec![1, 2, 3]).await, 3);
    assert_eq!(alice.emit_with_ack::<usize>("list", Args(vec![1, 2, 3])).await, 3);
    assert_eq!(alice.emit_with_ack::<Option<u8>>("maybe", ()).await, None);
    assert_eq!(alice.emit_with_ack::<Option<u8>>("maybe", None::<u8>).await, None);
    assert_eq!(alice.emit_with_ack::<u8>("exactly", 7).await, 7);
    assert_eq!(alice.expect_exception("exactly", (7, 8)).await.code(), "bad_payload");
    assert_eq!(alice.emit_with_ack::<usize>("any", (1, "x", ())).await, 3);
    assert_eq!(alice.emit_with_ack::<usize>("any", ()).await, 0);
    assert_eq!(alice.emit_with_ack::<usize>("any", vec![1, 2, 3]).await, 1);
}

#[derive(Deserialize, garde::Validate)]
struct Order {
    #[garde(length(min = 1), dive)]
    items: Vec<Item>,
}

#[derive(Deserialize, garde::Validate)]
struct Item {
    #[garde(length(min = 3))]
    name: String,
    #[garde(range(min = 1, max = 9))]
    amount: u8,
}

/// NestJS answers these payloads with `Internal server error`, which does not help the developer of
/// a client.
#[tokio::test]
async fn an_invalid_payload_names_the_place_of_the_fault() {
    let gateway = Gateway::at("/").on("order", |Valid(order): Valid<Order>| async move {
        order.items.iter().map(|item| item.name.len() + usize::from(item.amount)).sum::<usize>()
    });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    let order = json!({ "items": [{ "name": "tea", "amount": 1 }] });
    assert_eq!(alice.emit_with_ack::<usize>("order", order).await, 4);

    let wrong_type = json!({ "items": [{ "name": "tea", "amount": "canary" }] });
    let exception = alice.expect_exception("order", wrong_type).await;
    assert_eq!(exception.code(), "bad_payload");
    assert_eq!(exception.details(), [("items[0].amount", "expected u8")]);

    let broken_rules = json!({ "items": [{ "name": "x", "amount": 0 }] });
    let exception = alice.expect_exception("order", broken_rules).await;
    assert_eq!(exception.code(), "bad_payload");
    let details =
        [("items[0].amount", "lower than 1"), ("items[0].name", "length is lower than 3")];
    assert_eq!(exception.details(), details);

    // A path with unknown keys would echo text of the client.
    assert!(
        !alice
            .expect_exception("order", json!({ "canary": 1 }))
            .await
            .json()
            .to_string()
            .contains("canary")
    );
}

/// Like `class-validator` in NestJS, validation reports field names as the client spells them.
#[tokio::test]
async fn a_broken_rule_names_the_field_as_it_is_serialized() {
    #[derive(Deserialize, garde::Validate)]
    #[serde(rename_all = "camelCase")]
    #[garde(allow_unvalidated)]
    struct Kick {
        #[garde(length(min = 3))]
        kick_user_id: String,
        #[garde(required)]
        room_name: Option<String>,
    }
    let gateway = Gateway::at("/")
        .on("kick", |Valid(kick): Valid<Kick>| async move { (kick.kick_user_id, kick.room_name) });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    let exception = alice.expect_exception("kick", json!({ "kickUserId": "x" })).await;

    let details = exception.details();
    let paths: Vec<_> = details.iter().map(|(path, _)| *path).collect();
    assert_eq!(paths, ["kickUserId", "roomName"]);
}

#[tokio::test]
async fn raw_arguments_are_returned_unchanged() {
    let gateway = Gateway::at("/").on("back", |arguments: RawArguments| async move { arguments });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    let answer = alice.ask("back", (1, "x", json!({ "a": [] }))).await;

    assert_eq!(answer.json(), r#"[1,"x",{"a":[]}]"#);
}

#[tokio::test]
async fn every_kind_of_answer_is_one_answer() {
    let gateway = Gateway::at("/")
        .on("zero", || async { 0 })
        .on("false", || async { false })
        .on("empty", || async { "" })
        .on("unit", || async {})
        .on("none", || async { None::<u8> })
        .on("some", || async { Some(1) })
        .on("ok", || async { Ok::<_, Exception>("fine") })
        .on("several", || async { Args((1, 2)) })
        // NestJS would emit this as an event named `x`.
        .on("event", || async { json!({ "event": "x", "data": 1 }) })
        .on("emit", || async { Emit::new("news", "today") });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    let cases = [
        ("zero", "[0]"),
        ("false", "[false]"),
        ("empty", r#"[""]"#),
        ("unit", "[null]"),
        ("none", "[null]"),
        ("some", "[1]"),
        ("ok", r#"["fine"]"#),
        ("several", "[1,2]"),
        ("event", r#"[{"data":1,"event":"x"}]"#),
        ("emit", "[null]"),
    ];
    for (event, answer) in cases {
        assert_eq!(alice.ask(event, ()).await.json(), answer, "{event}");
    }
    assert_eq!(alice.expect_event::<String>("news").await, "today");
    alice.expect_nothing().await;
}

#[tokio::test]
async fn a_tuple_is_several_values_wherever_it_is_returned() {
    let gateway = Gateway::at("/")
        .on("pair", || async { (1, "x") })
        .on("array", || async { [1, 2] })
        .on("result", || async { Ok::<_, Exception>((1, (2, 3))) })
        .on("args", || async { Args(vec![1, 2]) })
        .on("list", || async { vec![1, 2] })
        .on("nested", || async { ((1, 2),) })
        .on("option", || async { Some((1, 2)) })
        .on("unit", || async {})
        .on("by-hand", |ack: Ack<(u8, u8)>| async move { ack.send((1, 2)) })
        .on("by-hand-unit", |ack: Ack<()>| async move { ack.send(()) });
    let cases = [
        ("pair", r#"[1,"x"]"#),
        ("array", "[1,2]"),
        ("result", "[1,[2,3]]"),
        ("args", "[1,2]"),
        ("list", "[[1,2]]"),
        ("nested", "[[1,2]]"),
        ("option", "[[1,2]]"),
        ("unit", "[null]"),
        ("by-hand", "[1,2]"),
        ("by-hand-unit", "[null]"),
    ];
    let plain = Memory::serve(gateway).await;
    let mut alice = plain.connect("alice").await;

    for (event, answer) in cases {
        assert_eq!(alice.ask(event, ()).await.json(), answer, "{event}");
    }
}

#[tokio::test]
async fn an_interceptor_passes_on_as_many_values_as_the_handler_returns() {
    struct Pass;
    impl<P: Send + Sync + 'static> Interceptor<P> for Pass {
        async fn intercept(&self, context: &EventContext<'_, P>, next: Next<'_, P>) -> Outcome {
            if &**context.name() == "own" {
                return Ok(Reply::new((1, 2))?);
            }
            next.run(context).await
        }
    }
    let gateway = Gateway::at("/")
        .intercept(Pass)
        .on("own", || async {})
        .on("pair", || async { (1, "x") })
        .on("unit", || async {})
        .on("emit", || async { Emit::new("none", ()) })
        .on("by-hand-unit", |ack: Ack<()>| async move { ack.send(()) });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.ask("own", ()).await.json(), "[1,2]");
    assert_eq!(alice.ask("pair", ()).await.json(), r#"[1,"x"]"#);
    assert_eq!(alice.ask("unit", ()).await.json(), "[null]");
    assert_eq!(alice.ask("emit", ()).await.json(), "[null]");
    assert_eq!(alice.next_event().await.arguments.json(), "[]");
    assert_eq!(alice.ask("by-hand-unit", ()).await.json(), "[null]");
}

#[tokio::test]
async fn an_event_has_as_many_arguments_as_its_tuple_has_items() {
    let gateway = Gateway::at("/")
        .on("emit", || async { Emit::new("emitted", (1, "x")) })
        .on("pairs", || async { stream::iter([(1, "a"), (2, "b")]) })
        .on("units", || async { stream::iter([()]) })
        .on("own", |me: Socket<Member>| async move {
            me.emit("none", ())?;
            me.emit("null", Value::Null)?;
            me.emit("pair", Box::new(("x", [1])))?;
            me.emit("list", vec!["x"])
        });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    for event in ["emit", "pairs", "units", "own"] {
        assert_eq!(alice.ask(event, ()).await.json(), "[null]", "{event}");
    }

    let expected = [
        ("emitted", r#"[1,"x"]"#),
        ("pairs", r#"[1,"a"]"#),
        ("pairs", r#"[2,"b"]"#),
        ("units", "[]"),
        ("none", "[]"),
        ("null", "[null]"),
        ("pair", r#"["x",[1]]"#),
        ("list", r#"[["x"]]"#),
    ];
    for (name, arguments) in expected {
        let event = alice.next_event().await;
        assert_eq!((&*event.name, event.arguments.json()), (name, arguments));
    }
}

#[tokio::test]
async fn without_an_ack_a_value_is_dropped_and_an_error_is_an_event() {
    let gateway = Gateway::at("/")
        .on("value", || async { 1 })
        .on("emit", || async { Emit::new("news", 1) })
        .on("fail", || async { Err::<(), _>(Exception::new("no", "No")) });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    for event in ["value", "emit", "fail"] {
        alice.emit(event, ()).await;
    }

    assert_eq!(alice.expect_event::<u8>("news").await, 1);
    let exception: Value = alice.expect_event("exception").await;
    assert_eq!((&exception["code"], &exception["event"]), (&json!("no"), &json!("fail")));
    alice.expect_nothing().await;
}

#[tokio::test]
async fn an_explicit_ack_answers_once_from_any_task() {
    let gateway = Gateway::at("/")
        .on("later", |ack: Ack<u32>| async move {
            tokio::spawn(async move { ack.send(7) });
        })
        .on("failed", |ack: Ack<()>| async move { ack.fail(Exception::new("no", "No")) })
        .on("dropped", |ack: Ack<()>| async move { drop(ack) })
        .on("both", |ack: Ack<u32>| async move {
            ack.send(1);
            Err::<(), _>(Exception::new("too_late", "Too late"))
        })
        .on("asked", |ack: Ack<bool>| async move {
            let asked = ack.is_asked();
            ack.send(asked);
        })
        .on("early", |_: Ack<u32>| async { Err::<(), _>(Exception::new("early", "Early")) });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.emit_with_ack::<u32>("later", ()).await, 7);
    assert_eq!(alice.expect_exception("failed", ()).await.code(), "no");
    assert_eq!(alice.expect_exception("dropped", ()).await.code(), "internal");
    assert_eq!(alice.emit_with_ack::<u32>("both", ()).await, 1);
    assert!(alice.emit_with_ack::<bool>("asked", ()).await);
    assert_eq!(alice.expect_exception("early", ()).await.code(), "early");
    alice.expect_nothing().await;
}

#[tokio::test]
async fn an_explicit_ack_that_is_never_sent_times_out_and_the_next_event_runs() {
    let kept = Arc::new(std::sync::Mutex::new(None));
    let begun = Arc::new(Notify::new());
    let (keep, begin) = (Arc::clone(&kept), Arc::clone(&begun));
    let gateway = Gateway::at("/")
        .on("keep", move |ack: Ack<u32>| {
            *keep.lock().unwrap() = Some(ack);
            begin.notify_one();
            async {}
        })
        .on("next", || async { 2 });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    let (exception, ()) = tokio::join!(alice.expect_exception("keep", ()), async {
        begun.notified().await;
        memory.clock.advance(Limits::default().handler_timeout);
    });

    assert_eq!(exception.code(), "timeout");
    assert_eq!(alice.emit_with_ack::<u32>("next", ()).await, 2);
    // This answer is too late, because the client has already received the timeout.
    kept.lock().unwrap().take().unwrap().send(1);
    alice.expect_nothing().await;
}

#[tokio::test]
async fn a_stream_becomes_events_in_order_and_then_the_ack() {
    let gateway = Gateway::at("/")
        .on("count", |Payload(to): Payload<u32>| async move { stream::iter(1..=to) })
        .on("named", || async { stream::iter(["a", "b"]).map(|data| Emit::new("letter", data)) })
        .on("broken", || async {
            stream::iter([Ok(1), Err(Exception::new("broken", "Broken")), Ok(2)])
        })
        .on("none", || async { Err::<stream::Empty<u8>, _>(Exception::new("none", "None")) });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.ask("count", 100).await.json(), "[null]");
    for number in 1..=100 {
        assert_eq!(alice.expect_event::<u32>("count").await, number);
    }
    assert_eq!(alice.ask("named", ()).await.json(), "[null]");
    assert_eq!(alice.expect_event::<String>("letter").await, "a");
    assert_eq!(alice.expect_event::<String>("letter").await, "b");
    assert_eq!(alice.expect_exception("broken", ()).await.code(), "broken");
    assert_eq!(alice.expect_event::<u32>("broken").await, 1);
    assert_eq!(alice.expect_exception("none", ()).await.code(), "none");
    alice.expect_nothing().await;
}

#[tokio::test]
async fn an_endless_stream_does_not_block_events_and_ends_with_its_socket() {
    let dropped = Arc::new(Notify::new());
    let guard = Arc::clone(&dropped);
    struct Told(Arc<Notify>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let gateway =
        Gateway::at("/")
            .on("ticks", move || {
                let told = Told(Arc::clone(&guard));
                async move {
                    stream::iter(0..3).chain(stream::pending()).map(move |tick| (&told, tick).1)
                }
            })
            .on("ping", || async { 1 });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    alice.emit("ticks", ()).await;
    for tick in 0..3 {
        assert_eq!(alice.expect_event::<u32>("ticks").await, tick);
    }
    assert_eq!(alice.emit_with_ack::<u32>("ping", ()).await, 1);
    // The deadline of handlers does not apply to streams.
    memory.clock.advance(Limits::default().handler_timeout * 2);
    assert_eq!(alice.emit_with_ack::<u32>("ping", ()).await, 1);
    alice.expect_nothing().await;
    drop(alice);

    dropped.notified().await;
}

#[tokio::test]
async fn a_stream_waits_for_a_client_that_does_not_read() {
    let made = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&made);
    let gateway = Gateway::at("/").on("flood", move || {
        let made = Arc::clone(&counted);
        async move {
            stream::iter(0..100_000).map(move |_| {
                made.fetch_add(1, Ordering::SeqCst);
                "x".repeat(1000)
            })
        }
    });
    let limits = |limits: &mut Limits| limits.outbox = 256 * 1024;
    let memory = Memory::with(|builder| builder.gateway(gateway).limits(limits)).await;
    let mut alice = memory.connect("alice").await;

    alice.emit("flood", ()).await;
    assert_eq!(alice.next_event().await.name, "flood");
    // Lets the server produce as many items as it can without a reader.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }

    // Items fill the pipe and a quarter of the outbox; all of them would be 100 MB.
    let ahead = made.load(Ordering::SeqCst);
    assert!(ahead < 1000, "{ahead}");
    for _ in 0..2000 {
        assert_eq!(alice.next_event().await.name, "flood");
    }
}

#[tokio::test]
async fn the_streams_of_a_socket_are_bounded() {
    let counts = Counts::default();
    let _counting = metrics::set_default_local_recorder(&counts);
    let gateway = Gateway::at("/").on("ticks", || async { stream::pending::<u8>() });
    let memory = Memory::with(|builder| builder.gateway(gateway).limits(small)).await;
    let mut alice = memory.connect("alice").await;

    for _ in 0..2 {
        alice.emit("ticks", ()).await;
    }

    let exception = alice.expect_exception("ticks", ()).await;
    assert_eq!((exception.code(), &exception.json()["retryAfter"]), ("rate_limited", &json!(1)));
    assert_eq!(counts.of("doorward_limits_hit_total max_streams"), 1);
}

#[tokio::test]
async fn a_gateway_may_handle_several_events_of_a_socket_at_once() {
    let release = Arc::new(Notify::new());
    let wait = Arc::clone(&release);
    let gateway = Gateway::at("/")
        .concurrency(2)
        .on("wait", move || {
            let wait = Arc::clone(&wait);
            async move {
                wait.notified().await;
                1
            }
        })
        .on("ping", || async { 2 });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    alice.emit("wait", ()).await;
    assert_eq!(alice.emit_with_ack::<u32>("ping", ()).await, 2);
    alice.emit("wait", ()).await;
    alice.emit("ping", ()).await;
    release.notify_one();
    release.notify_one();
    assert_eq!(alice.emit_with_ack::<u32>("ping", ()).await, 2);
}

/// Extractor of the application, made from the query of the request.
struct Secret(String);

impl FromEvent<Member> for Secret {
    fn from_event(context: &EventContext<'_, Member>) -> Result<Self, Exception> {
        let word = context.socket().request().query().strip_prefix("word=");
        word.map(|word| Self(word.to_owned())).ok_or_else(|| Exception::new("no_word", "No word"))
    }
}

#[tokio::test]
async fn extractors_of_the_application_work_like_built_in_ones() {
    let gateway = Gateway::at("/")
        .on("word", |Secret(word): Secret| async move { word })
        .on("request", |request: Arc<HandshakeRequest>| async move {
            request.headers().get_str("user-agent").map(str::to_owned)
        })
        .on("where", |hub: Hub<Member>, EventName(name): EventName| async move {
            format!("{name} in {}", hub.namespace())
        });
    let memory = Memory::serve(gateway).await;
    let visitor = memory.server.visitor().query("word=sesame").header("user-agent", "a test");
    let mut ali = visitor.connect("/", json!({ "token": "ali" })).await;
    let mut bob = memory.connect("bob").await;

    assert_eq!(ali.emit_with_ack::<String>("word", ()).await, "sesame");
    assert_eq!(bob.expect_exception("word", ()).await.code(), "no_word");
    assert_eq!(ali.emit_with_ack::<String>("request", ()).await, "a test");
    assert_eq!(ali.emit_with_ack::<String>("where", ()).await, "where in /");
}

#[tokio::test]
async fn a_slow_stream_does_not_time_out() {
    let gateway = Gateway::at("/").on("slow", || async {
        let (sender, receiver) = tokio::sync::mpsc::channel::<u8>(1);
        tokio::spawn(async move {
            sender.send(1).await.unwrap();
        });
        stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) })
    });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.ask("slow", ()).await.json(), "[null]");
    memory.clock.advance(Duration::from_secs(60));
    assert_eq!(alice.expect_event::<u8>("slow").await, 1);
}
