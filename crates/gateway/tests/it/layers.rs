//! Interceptors and exception filters, and the order in which they wrap handlers.

use std::sync::{Arc, Mutex};

use doorward::{
    event::{
        ErrorReply, EventContext, ExceptionFilter, FilterContext, Interceptor, MaxPayload, Next,
        Outcome, Reply,
    },
    guard::{Action, guard_fn},
    prelude::*,
};
use serde_json::{Value, json};

use crate::memory::{Member, Memory};

fn note(trace: &Trace, what: impl Into<String>) {
    trace.lock().unwrap().push(what.into());
}

/// Names of the layers that ran, in order.
type Trace = Arc<Mutex<Vec<String>>>;

/// Interceptor that notes when it runs before and after the handler.
struct Traced(&'static str, Trace);

impl Interceptor<Member> for Traced {
    async fn intercept(
        &self,
        context: &EventContext<'_, Member>,
        next: Next<'_, Member>,
    ) -> Outcome {
        self.1.lock().unwrap().push(format!("{} before {}", self.0, context.name()));
        let outcome = next.run(context).await;
        let seen = match &outcome {
            Ok(Reply::Value(value)) => value.json().to_owned(),
            Ok(other) => format!("{other:?}"),
            Err(error) => error.to_string(),
        };
        self.1.lock().unwrap().push(format!("{} after {seen}", self.0));
        outcome
    }
}

/// Extractor that notes when it runs.
struct Read(Trace);

impl doorward::event::FromEvent<Member> for Read {
    fn from_event(context: &EventContext<'_, Member>) -> Result<Self, Exception> {
        let trace = context.socket().data::<Shared>().get();
        note(&trace, "pipe");
        Ok(Self(trace))
    }
}

/// Socket data that carries the trace to the extractor.
#[derive(Default)]
struct Shared(Mutex<Trace>);

impl Shared {
    fn get(&self) -> Trace {
        Arc::clone(&self.0.lock().unwrap())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("out of stock")]
struct OutOfStock;

#[tokio::test]
async fn layers_run_in_the_order_guard_interceptor_pipe_handler_filter() {
    let trace = Trace::default();
    let note = |text: &'static str| {
        let trace = Arc::clone(&trace);
        move || trace.lock().unwrap().push(text.into())
    };
    let (guarded, connected) = (note("guard"), Arc::clone(&trace));
    let server_filter = note("server filter");
    let gateway = Gateway::at("/")
        .intercept(Traced("gateway", Arc::clone(&trace)))
        .guard(guard_fn(move |context: &GuardContext<'_, Member>| {
            if context.action != Action::Connect {
                guarded();
            }
            true
        }))
        .on_connect(move |me: Socket<Member>| {
            *me.data::<Shared>().0.lock().unwrap() = Arc::clone(&connected);
            async {}
        })
        .on(
            "order",
            handle(|Read(trace): Read| async move {
                trace.lock().unwrap().push("handler".into());
                Err::<(), _>(OutOfStock)
            })
            .intercept(Traced("handler", Arc::clone(&trace))),
        );
    let memory = Memory::with(|builder| {
        builder.gateway(gateway).intercept(Traced("server", Arc::clone(&trace))).filter(
            move |_: &OutOfStock| {
                server_filter();
                Exception::new("out_of_stock", "There is none left")
            },
        )
    })
    .await;

    let exception = memory.connect("alice").await.expect_exception("order", ()).await;

    assert_eq!(exception.code(), "out_of_stock");
    let expected = [
        "guard",
        "server before order",
        "gateway before order",
        "handler before order",
        "pipe",
        "handler",
        "handler after out of stock",
        "gateway after out of stock",
        "server after out of stock",
        "server filter",
    ];
    assert_eq!(*trace.lock().unwrap(), expected);
}

/// Interceptor that wraps each answer in an object, and answers `cached` without the handler.
struct Envelope;

impl<P: Send + Sync + 'static> Interceptor<P> for Envelope {
    async fn intercept(&self, context: &EventContext<'_, P>, next: Next<'_, P>) -> Outcome {
        if &**context.name() == "cached" {
            return Ok(Reply::new("from the cache")?);
        }
        let Reply::Value(value) = next.run(context).await? else { return Err("no value".into()) };
        let value: Value = value.decode()?;
        Ok(Reply::new(json!({ "data": value }))?)
    }
}

async fn never() -> u8 {
    unreachable!("the interceptor answers")
}

#[tokio::test]
async fn an_interceptor_may_change_the_answer_or_replace_the_handler() {
    let gateway = Gateway::at("/")
        .intercept(Envelope)
        .on("add", |Payload((a, b)): Payload<(u8, u8)>| async move { a + b })
        .on("cached", never);
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.emit_with_ack::<Value>("add", (1, 2)).await, json!({ "data": 3 }));
    assert_eq!(alice.emit_with_ack::<String>("cached", ()).await, "from the cache");
    assert_eq!(alice.expect_exception("add", "x").await.code(), "bad_payload");
}

/// Interceptor that panics at the event `break`.
struct Brittle;

impl<P: Send + Sync + 'static> Interceptor<P> for Brittle {
    async fn intercept(&self, context: &EventContext<'_, P>, next: Next<'_, P>) -> Outcome {
        assert!(&**context.name() != "break", "an interceptor that panics");
        next.run(context).await
    }
}

#[tokio::test]
async fn an_interceptor_or_filter_that_panics_reads_as_internal_and_the_socket_stays_connected() {
    let gateway = Gateway::at("/")
        .intercept(Brittle)
        .filter(|_: &OutOfStock| -> Exception { panic!("a filter that panics") })
        .on("break", || async {})
        .on("order", || async { Err::<(), _>(OutOfStock) })
        .on("fine", || async { 1 });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.expect_exception("break", ()).await.code(), "internal");
    assert_eq!(alice.expect_exception("order", ()).await.code(), "internal");
    assert_eq!(alice.emit_with_ack::<u32>("fine", ()).await, 1);
}

#[tokio::test]
async fn the_nearest_filter_that_handles_the_error_answers() {
    let says = |code: &'static str| move |_: &OutOfStock| Exception::new(code, "No");
    let failing = || async { Err::<(), _>(OutOfStock) };
    let memory = Memory::with(|builder| {
        builder
            .filter(says("by_server"))
            .gateway(
                Gateway::at("/")
                    .filter(says("by_gateway"))
                    .on("handler", handle(failing).filter(says("by_handler")))
                    .on("gateway", failing)
                    .on("other", || async { Err::<(), _>(std::fmt::Error) }),
            )
            .gateway(Gateway::at("/").on("server", failing))
    })
    .await;
    let mut alice = memory.connect("alice").await;

    for event in ["handler", "gateway", "server"] {
        let exception = alice.expect_exception(event, ()).await;
        assert_eq!(exception.code(), format!("by_{event}"));
    }
    // An error without a filter reveals nothing about itself.
    assert_eq!(alice.expect_exception("other", ()).await.message(), "Internal error");
}

/// NestJS's global filters do not see gateways. These also see the exceptions of guards, of extractors
/// and of the lookup of the event.
#[tokio::test]
async fn a_filter_of_the_server_sees_every_exception() {
    struct Renamed;

    impl ExceptionFilter<Member> for Renamed {
        fn catch(
            &self,
            error: &BoxError,
            context: &FilterContext<'_, Member>,
        ) -> Option<ErrorReply> {
            let exception = error.downcast_ref::<Exception>()?;
            let user = context.socket.user().as_str();
            let text = format!("{} at {} of {user}", exception.code(), context.event);
            Some(Exception::new("renamed", text).into())
        }
    }

    let denying =
        guard_fn(|context: &GuardContext<'_, Member>| context.action != Action::Event("forbidden"));
    let memory = Memory::with(|builder| {
        builder.filter(Renamed).guard(denying).gateway(
            Gateway::at("/")
                .on("forbidden", || async {})
                .on("number", |Payload(_): Payload<u8>| async {})
                .on("own", || async { Err::<(), _>(Exception::new("own", "Own")) }),
        )
    })
    .await;
    let mut alice = memory.connect("alice").await;

    let cases = [
        ("forbidden", "forbidden"),
        ("number", "bad_payload"),
        ("own", "own"),
        ("x", "unknown_event"),
    ];
    for (event, code) in cases {
        let exception = alice.expect_exception(event, ()).await;
        assert_eq!(exception.message(), format!("{code} at {event} of alice"));
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the room is full")]
struct RoomFull;

#[derive(Debug, thiserror::Error)]
#[error("only the host starts")]
struct NotHost;

/// NestJS filters may emit any event, and front ends listen for one such as `room:error`.
#[tokio::test]
async fn a_filter_may_send_an_event_in_place_of_exception() {
    let full = || async { Err::<(), _>(RoomFull) };
    let gateway = Gateway::at("/")
        .filter(|error: &RoomFull| Emit::new("room:error", (1, error.to_string())))
        .filter(|error: &NotHost| Emit::new("exception", json!({ "type": error.to_string() })))
        .filter(|_: &std::fmt::Error| Emit::new("session_ended", ()))
        .on("enter", full)
        .on("start", || async { Err::<(), _>(NotHost) })
        .on("broken", || async { Err::<(), _>(std::fmt::Error) });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    alice.emit("enter", ()).await;
    let (number, text): (u8, String) = alice.expect_event("room:error").await;
    assert_eq!((number, &*text), (1, "the room is full"));

    // A client that asked for an ack still gets one, after the event.
    let exception = alice.expect_exception("enter", ()).await;
    assert_eq!(exception.code(), "internal");
    alice.expect_event::<(u8, String)>("room:error").await;

    // An `exception` with a payload of the application's own.
    alice.emit("start", ()).await;
    let exception: Value = alice.expect_event("exception").await;
    assert_eq!(exception, json!({ "type": "only the host starts" }));

    // `session_ended` is reserved for the server, so the filter cannot send it.
    alice.emit("broken", ()).await;
    let exception: Value = alice.expect_event("exception").await;
    assert_eq!(exception["code"], "internal");
}

#[tokio::test]
async fn events_that_a_filter_emits_arrive_before_the_answer() {
    struct Telling;

    impl ExceptionFilter<Member> for Telling {
        fn catch(&self, _: &BoxError, context: &FilterContext<'_, Member>) -> Option<ErrorReply> {
            context.socket.emit("first", ()).ok()?;
            Some(Exception::new("second", "Second").into())
        }
    }

    let later = || async {
        tokio::task::yield_now().await;
        Err::<(), _>(RoomFull)
    };
    let gateway = Gateway::at("/")
        .filter(Telling)
        .on("at_once", || async { Err::<(), _>(RoomFull) })
        .on("later", later);
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    for event in ["at_once", "later", "unknown"] {
        alice.emit(event, ()).await;
        assert_eq!(alice.next_event().await.name, "first", "{event}");
        assert_eq!(alice.next_event().await.name, "exception", "{event}");
    }
}

#[tokio::test]
async fn an_event_may_have_a_smaller_payload_limit() {
    let gateway = Gateway::at("/")
        .on(
            "small",
            handle(|Payload(text): Payload<String>| async move { text })
                .intercept(MaxPayload::bytes(22)),
        )
        .on("large", |Payload(text): Payload<String>| async move { text.len() });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.emit_with_ack::<String>("small", "0123456789").await, "0123456789");
    let exception = alice.expect_exception("small", "0123456789x").await;
    assert_eq!(exception.details(), [("", "expected at most 22 bytes")]);
    assert_eq!(alice.emit_with_ack::<usize>("large", "x".repeat(1000)).await, 1000);
    let binary = Binary(doorward::event::Bytes::from(vec![0; 20]));
    assert_eq!(alice.expect_exception("small", binary).await.code(), "bad_payload");
}

/// Interceptor that answers with a code that says whether the client asked for an ack.
struct Asked;

impl Interceptor<Member> for Asked {
    async fn intercept(
        &self,
        context: &EventContext<'_, Member>,
        _next: Next<'_, Member>,
    ) -> Outcome {
        let code = if context.is_asked() { "asked" } else { "unasked" };
        Err(Exception::new(code, "Only an answer").into())
    }
}

#[tokio::test]
async fn an_interceptor_knows_whether_the_client_asked_for_an_ack() {
    let gateway = Gateway::at("/").on("say", || async {}).intercept(Asked);
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.expect_exception("say", ()).await.code(), "asked");

    alice.emit("say", ()).await;
    let told: Value = alice.expect_event("exception").await;
    assert_eq!(told["code"], "unasked", "{told}");
}
