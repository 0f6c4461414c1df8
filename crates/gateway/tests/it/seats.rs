//! Limits on the connections of a user, with policies, races and dead connections.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use doorward::{
    Limits, PerUser,
    access::NodeId,
    audit::Decision,
    auth::RefusalReason,
    prelude::*,
    server::OsEntropy,
    store::{
        BoxFuture, Holder, LinkNumber, MemorySeats, Reservation, SeatError, SeatRequest, SeatStore,
    },
    test::{ConnectError, TestClient, TestEnd},
};
use doorward_protocol::ws::Opcode;
use doorward_testkit::{RawClient, Seen as Frame};
use serde_json::{Value, json};
use tokio::{sync::Notify, task::JoinSet};

use crate::{
    fixture::{Fixture, GOOD, User, in_time},
    lasting::{Lasting, Member, echo},
};

/// Starts a server with this policy and without budgets of attempts.
async fn with(policy: PerUser) -> (Lasting, MemorySeats) {
    let seats = MemorySeats::new();
    let own = seats.clone();
    let limits = without_budgets;
    let lasting = Lasting::with(|builder| {
        let builder = builder.limits(limits).connections(policy).seats(own);
        builder.gateway(echo()).gateway(Gateway::at("/chat"))
    });
    (lasting.await, seats)
}

/// Limits that no race of these tests reaches.
fn without_budgets(limits: &mut Limits) {
    limits.max_user_attempts = 1_000_000_000;
    limits.max_unauthenticated_links = 1_000_000;
}

async fn alice(lasting: &Lasting) -> TestClient {
    lasting.connect(json!({ "user": "alice" })).await
}

#[tokio::test]
async fn a_connection_beyond_the_policy_is_refused() {
    let (lasting, _) = with(PerUser::RefuseNew(2)).await;
    let (mut first, second) = (alice(&lasting).await, alice(&lasting).await);

    let refused = lasting.server.expect_refused("/", json!({ "user": "alice" })).await;

    assert_eq!((refused.code(), refused.retry()), ("already_connected", Some("later")));
    let last = lasting.audit.outcomes().pop();
    assert_eq!(last, Some(Decision::Refused(RefusalReason::SeatTaken)));
    // Other users have seats of their own, and a seat is free after its socket has left.
    lasting.connect(json!({ "user": "bob" })).await;
    assert_eq!(first.emit_with_ack::<u8>("echo", 1).await, 1);
    drop(second);
    lasting.audit.wait_for(6).await;
    alice(&lasting).await;
}

#[tokio::test]
async fn a_connection_beyond_the_policy_replaces_the_oldest() {
    let (lasting, _) = with(PerUser::ReplaceOldest(2)).await;
    let mut oldest = alice(&lasting).await;
    let mut second = alice(&lasting).await;

    let mut third = alice(&lasting).await;

    // The oldest has closed before the new one was admitted.
    assert_eq!(lasting.server.doorward().connections(), 2);
    assert_eq!(oldest.ended().await, TestEnd::Final);
    let ended: Value = oldest.expect_event("session_ended").await;
    assert_eq!((&ended["code"], &ended["retry"]), (&json!("replaced"), &json!("never")));
    for client in [&mut second, &mut third] {
        assert_eq!(client.emit_with_ack::<u8>("echo", 1).await, 1);
    }
}

#[tokio::test]
async fn the_sockets_of_one_link_share_a_seat() {
    for policy in [PerUser::RefuseNew(1), PerUser::ReplaceOldest(1)] {
        let fixture = Fixture::with(|builder, _| builder.connections(policy)).await;
        let mut client = fixture.alice().await;

        client.text(r#"40/chat,{"token":"good:alice"}"#).await;
        client.json("40/chat,").await;

        assert_eq!(fixture.doorward.connections(), 2);
        client.text(r#"420["echo",1]"#).await;
        assert_eq!(client.json("430").await, json!([1]));
    }
}

/// All sockets of a link share one seat, so all of them end when it is replaced.
#[tokio::test]
async fn a_replaced_link_ends_in_all_namespaces() {
    let fixture = Fixture::with(|builder, _| builder.connections(PerUser::ReplaceOldest(1))).await;
    let mut old = fixture.alice().await;
    old.text(r#"40/chat,{"token":"good:alice"}"#).await;
    old.json("40/chat,").await;

    let new = fixture.alice().await;

    assert_eq!(fixture.doorward.connections(), 1);
    let ended: Vec<_> = old.rest().await;
    assert_eq!(ended.iter().filter(|seen| format!("{seen:?}").contains("replaced")).count(), 2);
    drop(new);
}

#[tokio::test]
async fn per_namespace_counts_sockets_in_each_namespace() {
    let lasting = Lasting::with(|builder| {
        let each = |path| Gateway::at(path).connections_at_most(PerUser::RefuseNew(1));
        builder.gateway(each("/")).gateway(each("/chat"))
    });
    let lasting = lasting.await;
    let first = alice(&lasting).await;
    let elsewhere = lasting.server.connect("/chat", json!({ "user": "alice" })).await;

    let refused = lasting.server.expect_refused("/chat", json!({ "user": "alice" })).await;

    assert_eq!(refused.code(), "already_connected");
    drop((first, elsewhere));
}

/// A namespace has a policy in addition to the policy of the server, and both must allow the
/// socket.
#[tokio::test]
async fn the_policies_of_server_and_namespace_both_apply() {
    let limits = |limits: &mut Limits| limits.max_unauthenticated_links = 1_000_000;
    let game = || Gateway::at("/game").on("echo", async |Payload(n): Payload<u8>| n);
    let lasting = Lasting::with(|builder| {
        builder
            .limits(limits)
            .connections(PerUser::RefuseNew(2))
            .gateway(echo())
            .gateway(game().connections(PerUser::ReplaceOldest(1)))
    });
    let lasting = lasting.await;
    let visit = || lasting.server.connect("/game", json!({ "user": "alice" }));
    let mut first = visit().await;

    let mut second = visit().await;

    // The older socket has ended, so its seat at the server is free as well.
    assert_eq!(first.ended().await, TestEnd::Final);
    let ended: Value = first.expect_event("session_ended").await;
    assert_eq!(ended["code"], "replaced");
    assert_eq!(second.emit_with_ack::<u8>("echo", 1).await, 1);
    let elsewhere = [alice(&lasting).await, second];
    let refused = lasting.server.expect_refused("/game", json!({ "user": "alice" })).await;
    assert_eq!(refused.code(), "already_connected", "{elsewhere:?}");
    // The refused socket has replaced none, and other users have seats of their own.
    let [_, mut second] = elsewhere;
    assert_eq!(second.emit_with_ack::<u8>("echo", 2).await, 2);
    lasting.server.connect("/game", json!({ "user": "bob" })).await;
}

/// Tests a half-open connection, whose client has disappeared without closing it.
#[tokio::test]
async fn a_dead_connection_does_not_block_its_user() {
    let fixture = Fixture::with(|builder, _| builder.connections(PerUser::RefuseNew(1))).await;
    let mut dead = fixture.alice().await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(GOOD).await;
    // The server probes the holder of the seat with a ping, which stays unanswered.
    assert_eq!(dead.next().await, Frame::Text("2".into()));

    // A probe is given up before the two seconds that the whole reservation may take.
    fixture.clock.advance(Duration::from_millis(1_500));

    client.json("40").await;
    assert_eq!(fixture.doorward.connections(), 1);
    assert!(fixture.audit.outcomes().contains(&Decision::Ended(DisconnectReason::PingTimeout)));
}

/// Seats whose next answer waits until a test allows it.
#[derive(Clone, Default)]
struct SlowSeats {
    seats: MemorySeats,
    is_slow: Arc<AtomicBool>,
    asked: Arc<Notify>,
    answer: Arc<Notify>,
}

impl SeatStore for SlowSeats {
    fn reserve<'a>(
        &'a self,
        request: SeatRequest<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Reservation>, SeatError>> {
        Box::pin(async move {
            if self.is_slow.swap(false, Ordering::SeqCst) {
                self.asked.notify_one();
                self.answer.notified().await;
            }
            self.seats.reserve(request).await
        })
    }
}

/// The time for probes starts when the seats have named the holders, however long that took.
#[tokio::test]
async fn a_dead_connection_does_not_block_its_user_when_seats_are_slow() {
    let seats = SlowSeats::default();
    let own = seats.clone();
    let one = PerUser::RefuseNew(1);
    let fixture = Fixture::with(|builder, _| builder.connections(one).seats(own)).await;
    let mut dead = fixture.alice().await;
    seats.is_slow.store(true, Ordering::SeqCst);
    let mut client = RawClient::open(fixture.address).await;
    client.text(GOOD).await;
    seats.asked.notified().await;

    fixture.clock.advance(Duration::from_millis(2_500));
    seats.answer.notify_one();
    assert_eq!(dead.next().await, Frame::Text("2".into()));
    fixture.clock.advance(Duration::from_millis(1_500));

    client.json("40").await;
}

#[tokio::test]
async fn a_connection_that_answers_the_probe_keeps_its_seat() {
    let fixture = Fixture::with(|builder, _| builder.connections(PerUser::RefuseNew(1))).await;
    let mut old = fixture.alice().await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(GOOD).await;
    assert_eq!(old.next().await, Frame::Text("2".into()));

    old.text("3").await;

    assert_eq!(client.json("44").await["data"]["code"], "already_connected");
    old.text(r#"420["echo",1]"#).await;
    assert_eq!(old.json("430").await, json!([1]));
}

/// Each race has 2 to 16 connects at once. At its end as many sockets are admitted as the policy allows,
/// at least one, and no seat stays taken after they have left.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_leave_exactly_as_many_sockets_as_the_policy_allows() {
    for policy in [PerUser::RefuseNew(1), PerUser::ReplaceOldest(1), PerUser::ReplaceOldest(3)] {
        let (lasting, seats) = with(policy).await;
        let lasting = Arc::new(lasting);
        let allowed = policy.seats().unwrap();
        for round in 0..RACES {
            let racers = 2 + round % 15;

            let live = race(&lasting, "/", racers).await;

            assert_eq!(live.len(), allowed.min(racers), "{policy:?}, {racers} at once");
            assert_eq!(lasting.server.doorward().connections(), live.len());
            assert_eq!(seats.taken(), live.len());
            drop(live);
            let is_empty = || seats.taken() == 0 && lasting.server.doorward().connections() == 0;
            in_time(until(is_empty)).await;
        }
    }
}

/// The same with one policy of the server and one of the namespace.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_leave_exactly_as_many_sockets_as_both_policies_allow() {
    // The policy of the server, those of the namespace, and the number of sockets that all allow.
    let any = PerUser::Unlimited;
    let cases = [
        (PerUser::Unlimited, PerUser::ReplaceOldest(1), any, 1),
        (PerUser::ReplaceOldest(3), PerUser::ReplaceOldest(1), any, 1),
        (PerUser::RefuseNew(2), PerUser::ReplaceOldest(1), any, 1),
        (PerUser::ReplaceOldest(1), PerUser::RefuseNew(2), any, 1),
        (PerUser::ReplaceOldest(3), PerUser::RefuseNew(2), any, 2),
        (PerUser::Unlimited, PerUser::ReplaceOldest(1), PerUser::RefuseNew(2), 1),
        (PerUser::Unlimited, PerUser::RefuseNew(2), PerUser::ReplaceOldest(1), 1),
    ];
    for (server, namespace, at_most, allowed) in cases {
        let seats = MemorySeats::new();
        let (own, limits) = (seats.clone(), without_budgets);
        let lasting = Lasting::with(|builder| {
            let game = Gateway::at("/game").connections(namespace).connections_at_most(at_most);
            builder.limits(limits).connections(server).seats(own).gateway(game)
        });
        let lasting = Arc::new(lasting.await);
        for round in 0..RACES {
            let racers = 2 + round % 15;

            let live = race(&lasting, "/game", racers).await;

            assert_eq!(
                live.len(),
                allowed,
                "{server:?}, {namespace:?}, {at_most:?}: {racers} at once"
            );
            assert_eq!(lasting.server.doorward().connections(), live.len());
            drop(live);
            let is_empty = || seats.taken() == 0 && lasting.server.doorward().connections() == 0;
            in_time(until(is_empty)).await;
        }
    }
}

/// A replaced socket counts until it has closed, however long that takes. A second socket of the new link
/// waits for it, and so does a third link after the second has left.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn new_sockets_wait_until_a_replaced_socket_has_closed() {
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let fixture = Fixture::with(|builder, seen| {
        let seen = Arc::clone(seen);
        let busy = Gateway::at("/busy").on("work", move || {
            seen.begun.notify_one();
            // Blocks the link's task, so that the link cannot close its sockets.
            let gate = gate.lock().unwrap();
            let is_open = tokio::task::block_in_place(|| gate.recv().is_ok());
            async move { is_open }
        });
        builder.connections(PerUser::ReplaceOldest(1)).gateway(busy)
    })
    .await;
    let mut old = RawClient::open(fixture.address).await;
    old.text(r#"40/busy,{"token":"good:alice"}"#).await;
    old.json("40/busy,").await;
    old.text(r#"42/busy,["work"]"#).await;
    in_time(fixture.seen.begun.notified()).await;

    let mut both = RawClient::open(fixture.address).await;
    both.texts([GOOD, r#"40/chat,{"token":"good:alice"}"#]).await;
    receives_nothing(&mut both).await;
    // The link that has replaced the old one leaves before it was admitted.
    drop(both);
    in_time(until(|| fixture.doorward.links() == 1)).await;
    let mut next = RawClient::open(fixture.address).await;
    next.text(GOOD).await;
    receives_nothing(&mut next).await;
    // The handler returns, and the old link closes its sockets.
    drop(open);

    in_time(next.json("40")).await;
    assert!(format!("{:?}", in_time(old.rest()).await).contains("replaced"));
}

/// An admission in progress on a replaced link neither delays the new socket nor succeeds.
#[tokio::test]
async fn a_new_socket_does_not_wait_for_admissions_of_a_replaced_link() {
    let hook = Arc::new((Notify::new(), Notify::new()));
    let fixture = Fixture::with(|builder, _| {
        let hook = Arc::clone(&hook);
        let slow = Gateway::at("/slow").on_connect(move |_: Socket<User>| {
            let hook = Arc::clone(&hook);
            async move {
                hook.0.notify_one();
                hook.1.notified().await;
                Ok(())
            }
        });
        builder.connections(PerUser::ReplaceOldest(1)).gateway(slow)
    })
    .await;
    let mut old = fixture.alice().await;
    old.text(r#"40/slow,{"token":"good:alice"}"#).await;
    hook.0.notified().await;

    let new = in_time(fixture.alice()).await;

    assert_eq!(old.json("42").await[1]["code"], "replaced");
    assert_eq!(old.packet().await.as_deref(), Some("41"));
    hook.1.notify_one();
    let refused = in_time(old.json("44/slow,")).await;
    assert_eq!(refused["data"]["code"], "already_connected");
    assert_eq!(fixture.doorward.connections(), 1);
    drop(new);
}

/// One holder leaves during the probe, but the policy of the namespace still has no seat. The dead holder
/// must be found nevertheless.
#[tokio::test]
async fn a_dead_connection_does_not_block_its_user_under_two_policies() {
    let fixture = Fixture::with(|builder, _| {
        let game = Gateway::at("/game").connections(PerUser::RefuseNew(1));
        builder.connections(PerUser::RefuseNew(2)).gateway(game)
    })
    .await;
    let mut first = fixture.alice().await;
    let enter = r#"40/game,{"token":"good:alice"}"#;
    let mut dead = RawClient::open(fixture.address).await;
    dead.text(enter).await;
    dead.json("40/game,").await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(enter).await;
    for asked in [&mut first, &mut dead] {
        assert_eq!(asked.next().await, Frame::Text("2".into()));
    }

    drop(first);
    in_time(until(|| fixture.doorward.links() == 2)).await;
    receives_nothing(&mut client).await;
    fixture.clock.advance(Duration::from_millis(1_500));

    in_time(client.json("40/game,")).await;
    assert_eq!(fixture.doorward.connections(), 1);
}

/// Asserts that the server has processed everything and sends nothing.
async fn receives_nothing(client: &mut RawClient) {
    // Packets caused by what came before the first ping arrive before the second pong.
    for _ in 0..2 {
        client.bytes(&RawClient::frame(Opcode::Ping, b"")).await;
        assert_eq!(in_time(client.next()).await, Frame::Pong(Vec::new()));
    }
}

/// Connects alice `racers` times at once, and returns the clients that are still connected in the end.
async fn race(lasting: &Arc<Lasting>, namespace: &'static str, racers: usize) -> Vec<TestClient> {
    let mut race = JoinSet::new();
    for _ in 0..racers {
        let lasting = Arc::clone(lasting);
        race.spawn(async move {
            lasting.server.visitor().try_connect(namespace, json!({ "user": "alice" })).await
        });
    }
    settle(&mut in_time(race.join_all()).await).await
}

/// Returns the clients that are still connected, after each one to be replaced has ended.
async fn settle(outcomes: &mut Vec<Result<TestClient, Option<ConnectError>>>) -> Vec<TestClient> {
    let mut live = Vec::new();
    for outcome in outcomes.drain(..) {
        match outcome {
            Ok(mut client) => {
                if client.has_ended().await.is_none() {
                    live.push(client);
                }
            }
            Err(refused) => assert_eq!(refused.unwrap().code(), "already_connected"),
        }
    }
    live
}

/// Each admitted socket counts the sockets of its user: there must be one at every moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_admitted_socket_sees_more_sockets_than_the_policy_allows() {
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let limits = without_budgets;
    let gateway = echo().on("count", move |hub: Hub<Member>| {
        seen.fetch_max(hub.to_user("alice").emit("ping", ()).unwrap().local, Ordering::SeqCst);
        async {}
    });
    let lasting = Arc::new(
        Lasting::with(|builder| {
            builder.limits(limits).connections(PerUser::ReplaceOldest(1)).gateway(gateway)
        })
        .await,
    );
    let mut race = JoinSet::new();
    for _ in 0..8 {
        let lasting = Arc::clone(&lasting);
        race.spawn(async move {
            for _ in 0..25 {
                let visitor = lasting.server.visitor();
                let mut client = visitor.connect("/", json!({ "user": "alice" })).await;
                client.emit("count", ()).await;
                // A client that is dropped at once might leave before its event is handled.
                client.has_ended().await;
            }
        });
    }
    in_time(race.join_all()).await;

    assert_eq!(most.load(Ordering::SeqCst), 1);
}

/// Attack 91: clients that leave during authentication leave no seat taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_that_leave_during_admission_leave_no_seat_taken() {
    for policy in [PerUser::RefuseNew(1), PerUser::ReplaceOldest(1)] {
        leave_half_way(policy).await;
    }
}

async fn leave_half_way(policy: PerUser) {
    let seats = MemorySeats::new();
    let (own, limits) = (seats.clone(), without_budgets);
    let lasting = Lasting::with(|builder| {
        let builder = builder.limits(limits).connections(policy).seats(own);
        builder.gateway(echo().connections(policy))
    })
    .await;
    for round in 0..LEAVERS {
        let user = if round % 2 == 0 { "slow" } else { "alice" };
        let visitor = lasting.server.visitor();
        let connecting = visitor.try_connect("/", json!({ "user": user }));
        if user == "slow" {
            // Leaves during authentication.
            tokio::select! {
                _ = connecting => unreachable!("the gate stays closed"),
                () = lasting.gate.begun.notified() => {}
            }
        } else {
            // Leaves after a varying number of steps.
            let mut connecting = Box::pin(connecting);
            for _ in 0..round % 7 {
                tokio::select! {
                    biased;
                    _ = &mut connecting => break,
                    () = tokio::task::yield_now() => {}
                }
            }
        }
    }
    in_time(until(|| lasting.server.doorward().links() == 0)).await;

    assert_eq!((seats.taken(), lasting.server.doorward().connections()), (0, 0));
    alice(&lasting).await;
}

/// Attack 91: a later step of the admission refuses.
#[tokio::test]
async fn a_connect_hook_that_refuses_leaves_no_seat_taken() {
    let seats = MemorySeats::new();
    let own = seats.clone();
    let limits = |limits: &mut Limits| {
        limits.max_address_refusals = 1_000_000_000;
        limits.max_user_attempts = 1_000_000_000;
    };
    let lasting = Lasting::with(|builder| {
        let builder = builder.limits(limits).connections(PerUser::RefuseNew(1)).seats(own);
        builder.gateway(echo().on_connect(|_: Socket<Member>| async {
            Err(Refusal::new("closed_today", "Closed today"))
        }))
    })
    .await;

    for _ in 0..1_000 {
        let refused = lasting.server.expect_refused("/", json!({ "user": "alice" })).await;
        assert_eq!(refused.code(), "closed_today");
    }

    assert_eq!(seats.taken(), 0);
}

/// A dropped reservation releases its seat. A replaced seat releases itself and not the new one.
#[tokio::test]
async fn a_seat_is_released_once_and_only_by_its_holder() {
    use doorward::{SocketId, UserId};

    let seats = MemorySeats::new();
    let node = NodeId::new("eu-1");
    let user = UserId::new("alice");
    let next = AtomicU64::new(1);
    let request = || {
        let socket = SocketId::generate(&OsEntropy);
        let link = LinkNumber::new(next.fetch_add(1, Ordering::Relaxed));
        SeatRequest::new(&node, &user, socket, link, "/").with_links(PerUser::ReplaceOldest(1))
    };

    let first = seats.reserve(request()).await.unwrap().commit().await.unwrap();
    let given_up = seats.reserve(request()).await.unwrap();
    assert_eq!(seats.taken(), 2);
    drop(given_up);
    assert_eq!(seats.taken(), 1);
    let second = seats.reserve(request()).await.unwrap().commit().await.unwrap();
    // The replaced seat counts until it is dropped.
    assert_eq!((second.replaced.len(), seats.taken()), (1, 2));
    drop(first);
    assert_eq!(seats.taken(), 1);
    drop(second);
    assert_eq!(seats.taken(), 0);
}

/// Yields to other tasks until a condition holds.
async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

/// Rounds of each race.
const RACES: usize = 334;

/// Clients that leave during their admission.
const LEAVERS: usize = 5_000;

/// The server does not read a link whose outbox is full, so a missing pong alone proves nothing there.
#[tokio::test]
async fn a_dead_connection_with_a_full_outbox_does_not_block_its_user() {
    let limits = |limits: &mut Limits| limits.outbox = 64 * 1024 * 1024;
    let fixture = Fixture::with(|builder, _| {
        builder.limits(limits).connections(PerUser::RefuseNew(1)).gateway(Gateway::at("/flood").on(
            "flood",
            |me: Socket<User>| async move {
                let load = "x".repeat(32 * 1024);
                for _ in 0..1_000 {
                    me.emit("load", &load)?;
                }
                Ok::<_, EmitError>(())
            },
        ))
    })
    .await;
    let mut dead = RawClient::open(fixture.address).await;
    dead.text(r#"40/flood,{"token":"good:alice"}"#).await;
    dead.json("40/flood,").await;
    dead.text(r#"42/flood,["flood"]"#).await;
    // The first event shows that all were queued. The client reads no further.
    dead.next().await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(GOOD).await;

    let time_passes = async {
        loop {
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            fixture.clock.advance(Duration::from_millis(50));
        }
    };
    let entered = async {
        tokio::select! {
            answer = client.json("40") => assert!(answer["sid"].is_string()),
            () = time_passes => {}
        }
    };
    in_time(entered).await;

    assert_eq!(fixture.doorward.connections(), 1);
}

mod contract {
    use doorward::store::MemorySeats;
    use doorward_testkit::conformance;

    async fn in_memory() -> ((), MemorySeats) {
        ((), MemorySeats::new())
    }

    conformance!(seats: in_memory);
}

/// Seats that are all held on another node.
struct Elsewhere;

impl SeatStore for Elsewhere {
    fn reserve<'a>(
        &'a self,
        _: SeatRequest<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Reservation>, SeatError>> {
        let holder = Holder::new(NodeId::new("eu-2"), LinkNumber::new(1));
        Box::pin(async { Err(SeatError::Full(vec![holder])) })
    }
}

/// A node knows nothing about the links of other nodes, so it must not take their clients for gone.
#[tokio::test]
async fn a_holder_on_another_node_counts_as_alive() {
    let lasting = Lasting::with(|builder| builder.seats(Elsewhere).gateway(Gateway::at("/"))).await;

    let refused = lasting.server.expect_refused("/", json!({ "user": "alice" })).await;

    assert_eq!(refused.code(), "already_connected");
}
