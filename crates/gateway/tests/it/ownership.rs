//! Names that one node of a cluster owns, and questions to that node.

use std::{task::Poll, time::Duration};

use doorward::{
    Limits, UserId,
    access::NodeId,
    auth::Grant,
    cluster::{Owner, Ownership},
    event::AskNodeError,
    prelude::*,
    server::{Clock as _, Listeners},
    store::StoreError,
};

use crate::{
    cluster::{Nodes, names, turns},
    fixture::while_time_passes,
    lasting::{Lasting, Member},
};

fn gateway() -> Gateway<Member> {
    Gateway::at("/")
        .on_server_event("who", |hub: Hub<Member>, add: u32| async move {
            (hub.rooms_in_use(), add + 1)
        })
        .on_server_event("quiet", |_: Hub<Member>, (): ()| async {})
        .on_server_event("broken", |_: Hub<Member>, (): ()| async {
            assert!(std::hint::black_box(false), "a bug of the application");
        })
}

async fn start(count: usize) -> Nodes {
    Nodes::serve(count, |builder| builder.gateway(gateway())).await
}

fn hub(nodes: &Nodes, number: usize) -> Hub<Member> {
    nodes.server(number).server.doorward().hub("/").unwrap()
}

async fn owned(hub: &Hub<Member>, name: &str) -> Ownership {
    match hub.own(name).await.unwrap() {
        Owner::Here(ownership) => ownership,
        Owner::Node(node) => panic!("{node} owns it"),
    }
}

async fn owner(hub: &Hub<Member>, name: &str) -> NodeId {
    match hub.own(name).await.unwrap() {
        Owner::Here(_) => panic!("this node owns it"),
        Owner::Node(node) => node,
    }
}

async fn cannot_tell(hub: &Hub<Member>, name: &str) {
    let error = hub.own(name).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn one_node_owns_a_name_while_the_program_holds_it() {
    let nodes = start(2).await;
    let (first, second) = (hub(&nodes, 0), hub(&nodes, 1));

    let ownership = owned(&first, "game").await;
    let again = owned(&first, "game").await;
    let other = owned(&second, "another game").await;
    assert_eq!(owner(&second, "game").await.as_str(), "n0");
    drop(ownership);
    nodes.pass(Duration::from_secs(60)).await;

    assert!(again.is_current() && other.is_current(), "a clone keeps it");
    assert_eq!(owner(&second, "game").await.as_str(), "n0");
    let number = again.number();
    drop(again);
    turns().await;
    let next = owned(&second, "game").await;
    assert!(next.is_current() && next.number() > number);
    assert_eq!(owner(&first, "game").await.as_str(), "n1");
}

/// A name that is wanted again while it is given back is not lost by the answer that arrives late.
#[tokio::test]
async fn a_name_that_was_given_back_can_be_owned_again_at_once() {
    let nodes = start(2).await;
    let first = hub(&nodes, 0);
    let mut number = 0;
    for _ in 0..20 {
        let ownership = owned(&first, "game").await;
        assert!(ownership.is_current() && ownership.number() >= number);
        number = ownership.number();
        drop(ownership);
        // The task that gives the name back may have begun, or not.
        tokio::task::yield_now().await;
    }
    let ownership = owned(&first, "game").await;
    nodes.pass(Duration::from_secs(30)).await;

    assert!(ownership.is_current());
    assert_eq!(owner(&hub(&nodes, 1), "game").await.as_str(), "n0");
}

#[tokio::test]
async fn a_node_that_is_cut_off_stops_before_another_owns_the_name() {
    let nodes = start(2).await;
    let (first, second) = (hub(&nodes, 0), hub(&nodes, 1));
    let ownership = owned(&first, "game").await;
    nodes.pass(Duration::from_secs(5)).await;

    nodes.node(0).cut();
    let mut passed = Duration::ZERO;
    let next = loop {
        nodes.pass(Duration::from_millis(100)).await;
        passed += Duration::from_millis(100);
        match second.own("game").await.unwrap() {
            Owner::Here(next) => break next,
            Owner::Node(node) => assert_eq!(node.as_str(), "n0"),
        }
    };

    assert!(!ownership.is_current(), "two nodes own the name");
    assert!(passed <= Duration::from_secs(10), "{passed:?}");
    assert!(next.number() > ownership.number());
    ownership.ended().await;
    cannot_tell(&first, "game").await;
    nodes.node(0).heal();
    nodes.pass(Duration::from_secs(40)).await;
    assert_eq!(owner(&first, "game").await.as_str(), "n1");
}

/// The process was stopped, and has not run one task when it looks.
#[tokio::test]
async fn a_process_that_was_stopped_does_not_own_the_name_when_it_continues() {
    let nodes = start(1).await;
    let ownership = owned(&hub(&nodes, 0), "game").await;
    assert!(ownership.is_current());

    nodes.clock.advance(Duration::from_secs(8));

    assert!(!ownership.is_current());
    turns().await;
    assert!(!ownership.is_current());
    ownership.ended().await;
    let next = owned(&hub(&nodes, 0), "game").await;
    assert!(next.number() > ownership.number());
}

/// The program may have seen that its ownership has ended, and may have begun anew.
#[tokio::test]
async fn an_answer_that_arrives_too_late_revives_no_ownership() {
    let nodes = start(1).await;
    let hub = hub(&nodes, 0);
    let ownership = owned(&hub, "game").await;
    nodes.node(0).set_held(true);
    nodes.pass(Duration::from_secs(4)).await;
    assert!(ownership.is_current());

    nodes.node(0).set_held(false);
    nodes.clock.advance(Duration::from_secs(5));
    // The answer is handled before the program looks, which would end the ownership by itself.
    turns().await;

    assert!(!ownership.is_current(), "the late answer has revived it");
    while_time_passes(&nodes.clock, ownership.ended()).await;
    let next = owned(&hub, "game").await;
    nodes.pass(Duration::from_secs(30)).await;
    assert!(next.is_current() && !ownership.is_current());
}

/// The cluster has given the name to this node again, with a number that the node has not heard.
#[tokio::test]
async fn a_caller_that_goes_away_takes_no_ownership_from_another() {
    let nodes = start(2).await;
    let first = hub(&nodes, 0);
    nodes.node(0).set_held(true);
    let mut kept = Box::pin(first.own("game"));
    let mut dropped = Box::pin(first.own("game"));
    for own in [&mut kept, &mut dropped] {
        assert!(
            std::future::poll_fn(|context| Poll::Ready(own.as_mut().poll(context)))
                .await
                .is_pending()
        );
    }
    drop(dropped);
    nodes.node(0).set_held(false);

    let Owner::Here(ownership) = kept.await.unwrap() else { panic!("another node owns it") };
    let number = ownership.number();
    nodes.pass(Duration::from_secs(30)).await;

    assert!(ownership.is_current());
    assert_eq!(ownership.number(), number + 1, "the number that counts in the cluster");
    drop(ownership);
    turns().await;
    owned(&hub(&nodes, 1), "game").await;
}

/// The answer to the second caller has the number that counts in the cluster.
#[tokio::test]
async fn callers_at_the_same_time_share_the_ownership_with_the_last_number() {
    let nodes = start(2).await;
    let first = hub(&nodes, 0);
    let earlier = owned(&first, "game").await.number();
    turns().await;
    nodes.node(0).set_held(true);
    let mut calls = [Box::pin(first.own("game")), Box::pin(first.own("game"))];
    for call in &mut calls {
        let polled = std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context)));
        assert!(polled.await.is_pending());
    }
    nodes.node(0).set_held(false);

    let mut shared = Vec::new();
    for call in calls {
        let Owner::Here(ownership) = call.await.unwrap() else { panic!("another node owns it") };
        shared.push(ownership);
    }

    assert!(shared.iter().all(Ownership::is_current));
    let numbers: Vec<u64> = shared.iter().map(Ownership::number).collect();
    assert_eq!(numbers, [earlier + 2; 2], "the number that counts in the cluster");
    drop(shared);
    turns().await;
    owned(&hub(&nodes, 1), "game").await;
}

/// A question to the node of this name would come back to the node that asks.
#[tokio::test]
async fn a_node_that_was_started_again_waits_for_what_its_earlier_run_owns() {
    let nodes = start(2).await;
    let earlier = owned(&hub(&nodes, 0), "game").await;
    nodes.node(0).cut();

    let node = nodes.cluster.node("n0");
    let again =
        Lasting::at(nodes.clock.clone(), |builder| builder.gateway(gateway()).cluster(node));
    let again = again.await;
    turns().await;
    let hub: Hub<Member> = again.server.doorward().hub("/").unwrap();

    cannot_tell(&hub, "game").await;
    nodes.pass(Duration::from_secs(11)).await;
    assert!(!earlier.is_current());
    assert!(owned(&hub, "game").await.number() > earlier.number());
}

/// One of its clients reads nothing, so the node does not leave the cluster, and its process goes on.
#[tokio::test]
async fn a_node_that_shuts_down_gives_its_names_back() {
    let nodes = Nodes::serve(2, |builder| {
        let brief = |limits: &mut Limits| limits.shutdown_grace = Duration::from_millis(100);
        builder.limits(brief).gateway(gateway())
    });
    let nodes = nodes.await;
    let (first, second) = (hub(&nodes, 0), hub(&nodes, 1));
    let ownership = owned(&first, "game").await;
    let _reads_nothing = nodes.connect(0, "alice").await;
    for number in 0..100 {
        first.emit("unread", number).unwrap();
        tokio::task::yield_now().await;
    }
    let doorward = nodes.server(0).server.doorward();
    let listeners = Listeners::bind("127.0.0.1:0").await.unwrap();

    let served = doorward.serve_with(listeners, doorward.service(), async {});
    while_time_passes(&nodes.clock, served).await.unwrap();
    assert_eq!(doorward.links(), 1);
    nodes.pass(Duration::from_secs(4)).await;

    assert!(!ownership.is_current());
    assert_eq!(owned(&second, "game").await.number(), ownership.number() + 1);
    while_time_passes(&nodes.clock, ownership.ended()).await;
    cannot_tell(&first, "game").await;
}

/// The wall clock of a node jumps and is corrected, before the task that extends the ownership runs.
#[tokio::test]
async fn an_ownership_that_has_ended_takes_nothing_from_the_next_one() {
    let nodes = start(2).await;
    let (first, second) = (hub(&nodes, 0), hub(&nodes, 1));
    let ended = owned(&first, "game").await;
    nodes.pass(Duration::from_secs(1)).await;

    let wall = nodes.clock.wall();
    nodes.clock.set_wall(wall + Duration::from_secs(9));
    let next = owned(&first, "game").await;
    nodes.clock.set_wall(wall);

    assert!(!ended.is_current());
    nodes.pass(Duration::from_secs(4)).await;
    assert!(!ended.is_current() && next.is_current());
    drop(ended);
    nodes.pass(Duration::from_secs(4)).await;
    assert!(next.is_current());
    assert_eq!(owner(&second, "game").await.as_str(), "n0");
}

#[tokio::test]
async fn no_name_is_given_away_right_after_a_loss_of_data() {
    let nodes = start(2).await;
    let (first, second) = (hub(&nodes, 0), hub(&nodes, 1));
    let ownership = owned(&first, "game").await;

    nodes.cluster.lose_everything();
    while ownership.is_current() {
        assert!(!matches!(second.own("game").await, Ok(Owner::Here(_))), "two nodes own the name");
        nodes.pass(Duration::from_millis(100)).await;
    }

    nodes.pass(Duration::from_secs(15)).await;
    owned(&second, "game").await;
}

#[tokio::test]
async fn a_server_that_is_alone_owns_every_name() {
    let lasting = Lasting::serve(gateway()).await;
    let hub: Hub<Member> = lasting.server.doorward().hub("/").unwrap();

    let ownership = owned(&hub, "game").await;
    lasting.clock.advance(Duration::from_secs(3600));

    assert!(ownership.is_current());
    assert_eq!((ownership.number(), owned(&hub, "game").await.number()), (0, 0));
    let anyone = authenticate_fn(|_| async {
        Ok(Grant::new(Member { roles: Vec::new() }, UserId::new("alice")))
    });
    cannot_tell(&Doorward::builder().authenticate(anyone).hub("/"), "game").await;

    let doorward = lasting.server.doorward();
    let listeners = Listeners::bind("127.0.0.1:0").await.unwrap();
    let served = doorward.serve_with(listeners, doorward.service(), async {});
    while_time_passes(&lasting.clock, served).await.unwrap();
    while_time_passes(&lasting.clock, ownership.ended()).await;
    assert!(!ownership.is_current());
}

#[tokio::test]
async fn the_listener_of_one_node_answers() {
    let nodes = start(3).await;
    nodes.pass(Duration::from_secs(5)).await;
    let hub = hub(&nodes, 0);
    let asked = async |node: &str, event: &str| {
        let node = NodeId::new(node);
        while_time_passes(&nodes.clock, hub.ask_node::<(usize, u32)>(&node, event, 1)).await
    };

    for node in ["n0", "n1", "n2"] {
        assert_eq!(asked(node, "who").await.unwrap(), (0, 2), "{node}");
    }

    assert!(matches!(asked("n1", "quiet").await, Err(AskNodeError::NoAnswer)), "it reads no 1");
    for (node, event) in [("n1", "unknown"), ("n0", "unknown"), ("n9", "who")] {
        assert!(matches!(asked(node, event).await, Err(AskNodeError::NoAnswer)), "{node} {event}");
    }
    for node in ["n0", "n1"] {
        let node = NodeId::new(node);
        let wrong = while_time_passes(&nodes.clock, hub.ask_node::<String>(&node, "who", 1)).await;
        assert!(matches!(wrong, Err(AskNodeError::Answer(_))), "{wrong:?}");
        let nothing = while_time_passes(&nodes.clock, hub.ask_node::<()>(&node, "quiet", ())).await;
        assert!(nothing.is_ok(), "{nothing:?}");
        let broken = while_time_passes(&nodes.clock, hub.ask_node::<()>(&node, "broken", ())).await;
        assert!(matches!(broken, Err(AskNodeError::NoAnswer)), "{broken:?}");
    }
}

#[tokio::test]
async fn the_answers_of_all_nodes_are_gathered() {
    let nodes = start(3).await;
    nodes.pass(Duration::from_secs(5)).await;
    let hub = hub(&nodes, 0);

    let asked = hub.server_side_emit_with_ack::<(usize, u32)>("who", 4);
    let answers = while_time_passes(&nodes.clock, asked).await.unwrap();

    assert_eq!((answers.value, answers.missing.len()), (vec![(0, 5); 3], 0));
    let asked = hub.server_side_emit_with_ack::<String>("who", 4);
    let answers = while_time_passes(&nodes.clock, asked).await.unwrap();
    assert!(answers.value.is_empty());
    let mut missing = names(&answers.missing);
    missing.sort_unstable();
    assert_eq!(missing, ["n0", "n1", "n2"]);
}

/// A call to a node that has died would make each of its callers wait.
#[tokio::test]
async fn a_node_that_is_silent_is_not_waited_for() {
    let nodes = start(2).await;
    nodes.pass(Duration::from_secs(5)).await;
    let hub = hub(&nodes, 0);
    let n1 = NodeId::new("n1");
    nodes.node(1).cut();
    nodes.pass(Duration::from_secs(7)).await;

    let asked = hub.ask_node::<()>(&n1, "quiet", ()).await;

    assert!(matches!(asked, Err(AskNodeError::NoAnswer)), "{asked:?}");
}
