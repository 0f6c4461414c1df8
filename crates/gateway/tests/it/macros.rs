//! Gateways made by the macros, over links in memory and compared with the same gateway by hand.

mod shop;

use std::sync::Arc;

use doorward::{
    event::{EventName, IntoGateway},
    prelude::*,
    test::{TestClient, TestServer},
};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{Barrier, mpsc};

use self::shop::{Shop, by_hand};
use crate::memory::{Member, Memory};

/// Server in memory with the shop, and the lines that its hooks write.
struct Opened {
    memory: Memory,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Opened {
    async fn by(make: impl FnOnce(Shop) -> Gateway<Member>) -> Self {
        let (sender, lines) = mpsc::unbounded_channel();
        let shop = Shop { lines: sender, pair: Barrier::new(2) };
        Self { memory: Memory::serve(make(shop)).await, lines }
    }

    async fn enter(&self, who: &str) -> TestClient {
        self.memory.server.connect("/shop", json!({ "token": who })).await
    }
}

async fn open() -> Opened {
    Opened::by(IntoGateway::into_gateway).await
}

#[tokio::test]
async fn guards_and_the_connect_hook_decide_who_enters_the_namespace() {
    let Opened { memory, mut lines } = open().await;

    let stranger = memory.server.expect_refused("/shop", json!({ "token": "bob" })).await;
    let banned = memory.server.expect_refused("/shop", json!({ "token": "eve member" })).await;
    let elsewhere = memory.server.expect_refused("/", json!({ "token": "ali member" })).await;

    assert_eq!(stranger.code(), "forbidden");
    assert_eq!((banned.code(), banned.message()), ("banned", "Not today"));
    assert_eq!(elsewhere.message(), "Invalid namespace");
    assert_eq!(lines.recv().await.unwrap(), "init /shop");
    assert!(lines.try_recv().is_err());
}

#[tokio::test]
async fn hooks_run_in_the_order_init_connect_disconnect() {
    let mut opened = open().await;
    let mut ali = opened.enter("ali member").await;

    assert_eq!(ali.expect_event::<Value>("welcome").await, json!({ "name": "ali" }));
    ali.disconnect().await;

    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.push(opened.lines.recv().await.unwrap());
    }
    assert_eq!(seen, ["init /shop", "connect ali", "disconnect ali client_left"]);
}

#[tokio::test]
async fn guards_interceptors_and_filters_apply_to_the_item_below_them() {
    let opened = open().await;
    let (mut ali, mut wes) =
        (opened.enter("ali member").await, opened.enter("wes member write").await);

    assert_eq!(ali.expect_exception("say", "hi").await.code(), "forbidden");
    assert_eq!(wes.emit_with_ack::<String>("say", "hi").await, "wes: hi");
    assert_eq!(ali.emit_with_ack::<Value>("notes", ()).await, json!(["gateway"]));
    let noted = json!(["gateway", "handler", "gateway"]);
    assert_eq!(wes.emit_with_ack::<Value>("notes", ()).await, noted);
    assert_eq!(ali.expect_exception("order", 1).await.code(), "out_of_stock");
    assert_eq!(ali.expect_exception("reserve", 1).await.code(), "sold_out");
}

#[tokio::test]
async fn a_policy_reads_numbers_and_texts_from_the_name_of_a_room() {
    let opened = open().await;
    let mut ali = opened.enter("ali member").await;

    for room in ["team:3", "topic:of:ali"] {
        ali.emit_with_ack::<()>("join", room).await;
    }
    // `team:03` does not name team 3: a number has one spelling.
    for room in ["team:4", "team:03", "team:three", "topic:of:bob", "topic:for:ali", "hall"] {
        assert_eq!(ali.expect_exception("join", room).await.code(), "forbidden", "{room}");
    }

    // The policy of the room would allow this member; the guard of the gateway denies it.
    let name = "a".repeat(13);
    let mut thirteen = opened.enter(&format!("{name} member")).await;
    assert_eq!(thirteen.expect_exception("join", "team:13").await.code(), "forbidden");
}

#[tokio::test]
async fn one_method_may_handle_several_events_and_answer_with_a_stream() {
    let opened = open().await;
    let mut ali = opened.enter("ali member").await;
    ali.expect_event::<Value>("welcome").await;

    assert_eq!(ali.emit_with_ack::<String>("open", ()).await, "open!");
    assert_eq!(ali.emit_with_ack::<String>("close", ()).await, "close!");
    ali.emit_with_ack::<()>("count", 3).await;

    for number in 1..=3 {
        assert_eq!(ali.expect_event::<u8>("count").await, number);
    }
}

#[tokio::test]
async fn concurrency_is_the_number_of_events_that_run_at_the_same_time() {
    let opened = open().await;
    let mut ali = opened.enter("ali member").await;

    // The barrier lets both handlers finish only if they run at the same time.
    ali.emit("meet", ()).await;
    ali.emit_with_ack::<()>("meet", ()).await;
}

#[derive(Serialize, ServerEvent)]
#[event("price of one")]
struct Price(u32);

#[derive(Serialize, ServerEvent)]
struct StockChanged<T> {
    to: T,
}

#[derive(Serialize, ServerEvent)]
struct Moved(u8, u8);

#[derive(Serialize, ServerEvent)]
#[serde(transparent)]
struct Swapped((u8, u8));

#[tokio::test]
async fn a_server_event_is_named_by_its_struct_or_its_attribute() {
    let opened = open().await;
    let mut ali = opened.enter("ali member").await;
    ali.expect_event::<Value>("welcome").await;
    let hub = opened.memory.server.doorward().hub::<Member>("/shop").unwrap();

    hub.emit_event(&Price(7)).unwrap();
    hub.emit_event(&StockChanged { to: "none" }).unwrap();

    assert_eq!(ali.expect_event::<u32>("price of one").await, 7);
    assert_eq!(ali.expect_event::<Value>("stock_changed").await, json!({ "to": "none" }));
}

#[tokio::test]
async fn a_server_event_is_one_argument_for_every_struct() {
    let opened = open().await;
    let mut ali = opened.enter("ali member").await;
    ali.expect_event::<Value>("welcome").await;
    let hub = opened.memory.server.doorward().hub::<Member>("/shop").unwrap();

    hub.emit_event(&Moved(1, 2)).unwrap();
    hub.local_socket(ali.id()).unwrap().emit_event(&Swapped((2, 1))).unwrap();
    hub.all().emit_event(&Swapped((4, 3))).unwrap();

    for (name, arguments) in [("moved", "[[1,2]]"), ("swapped", "[[2,1]]"), ("swapped", "[[4,3]]")]
    {
        let event = ali.next_event().await;
        assert_eq!((&*event.name, event.arguments.json()), (name, arguments));
    }
}

struct Clock;

#[gateway("/clock")]
impl Clock {
    #[subscribe("echo")]
    async fn echo(&self, Payload(text): Payload<String>, EventName(name): EventName) -> String {
        format!("{name} {text}")
    }
}

#[tokio::test]
async fn a_gateway_without_a_principal_mounts_as_public_and_as_private() {
    let public = Doorward::builder().public(Clock).build().unwrap();
    let public = TestServer::start(public).await.unwrap();
    let private = Memory::with(|builder| builder.gateway(Clock)).await;

    let mut anonymous = public.connect("/clock", ()).await;
    let mut ali = private.server.connect("/clock", json!({ "token": "ali" })).await;

    assert_eq!(anonymous.emit_with_ack::<String>("echo", "hi").await, "echo hi");
    assert_eq!(ali.emit_with_ack::<String>("echo", "hi").await, "echo hi");
    let refused = private.server.expect_refused("/clock", ()).await;
    assert_eq!(refused.code(), "invalid_token");
}

/// Sends every event as one member and returns the answers in order.
async fn answers(opened: &Opened) -> Vec<String> {
    let mut wes = opened.enter("wes member write").await;
    let mut read = Vec::new();
    let asked =
        [("say", json!("x")), ("say", json!(1)), ("order", json!(1)), ("reserve", json!(1))];
    let joined =
        ["team:3", "team:4", "topic:of:wes", "topic:of:ali"].map(|room| ("join", json!(room)));
    let others = ["open", "close", "notes", "unknown"].map(|event| (event, json!(null)));
    for (event, payload) in asked.into_iter().chain(joined).chain(others) {
        let mut answer: Value = wes.emit_with_ack(event, payload).await;
        // Each decision has an id of its own.
        answer.as_object_mut().map(|answer| answer.remove("id"));
        read.push(answer.to_string());
    }
    read
}

#[tokio::test]
async fn a_gateway_by_macro_and_by_hand_has_the_same_policies_and_answers() {
    let (macros, hand) = (open().await, Opened::by(by_hand).await);

    let policy = |opened: &Opened| opened.memory.server.doorward().policy().to_string();
    let table = policy(&macros);

    for part in ["namespace /shop", "role member", "scope write", "team:{id}", "concurrency    2"] {
        assert!(table.contains(part), "{table}");
    }
    assert_eq!(table, policy(&hand));
    assert_eq!(answers(&macros).await, answers(&hand).await);
}

/// NestJS injects services into guards; here the services are fields of the gateway.
#[tokio::test]
async fn guards_and_filters_may_use_the_fields_of_the_gateway() {
    #[derive(Clone)]
    struct Admins(Arc<[&'static str]>);

    impl Guard<Member> for Admins {
        async fn check(&self, context: GuardContext<'_, Member>) -> Verdict {
            Verdict::allow_if(self.0.contains(&context.user.as_str()))
        }
    }

    struct Polls {
        members: Admins,
        admins: Admins,
        limit: usize,
    }

    #[gateway("/polls", principal = Member)]
    #[guard(self.members.clone())]
    impl Polls {
        #[subscribe("close")]
        #[guard(self.admins.clone())]
        #[filter(move |_: &std::fmt::Error| Exception::new("full", format!("{} at most", self.limit)))]
        async fn close(&self, Payload(number): Payload<usize>) -> Result<usize, std::fmt::Error> {
            if number > self.limit { Err(std::fmt::Error) } else { Ok(number) }
        }
    }

    let polls = Polls {
        members: Admins(["alice", "bob"].into()),
        admins: Admins(["alice"].into()),
        limit: 2,
    };
    let memory = Memory::serve(polls.into_gateway()).await;
    let enter = async |name: &str| memory.server.connect("/polls", json!({ "token": name })).await;
    let (mut alice, mut bob) = (enter("alice").await, enter("bob").await);

    assert_eq!(alice.emit_with_ack::<usize>("close", 1).await, 1);
    assert_eq!(alice.expect_exception("close", 3).await.message(), "2 at most");
    assert_eq!(bob.expect_exception("close", 1).await.code(), "forbidden");
    let refused = memory.server.expect_refused("/polls", json!({ "token": "eve" })).await;
    assert_eq!(refused.code(), "forbidden");
}
