//! Order of events. The events of one socket start in the order in which they were sent, one at a
//! time.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use doorward::prelude::*;
use doorward_testkit::RawClient;

use crate::fixture::{Fixture, User, tight};

/// Gateway whose handler yields a varying number of times and counts how many run at once.
fn counting(running: Arc<AtomicUsize>, most: Arc<AtomicUsize>) -> Gateway<User> {
    Gateway::at("/t").on("n", move |Payload(n): Payload<usize>| {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        async move {
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            for _ in 0..n % 4 {
                tokio::task::yield_now().await;
            }
            running.fetch_sub(1, Ordering::SeqCst);
            n
        }
    })
}

/// Sends `count` events in one write, and asserts that the answers arrive in their order.
async fn sends_and_reads(fixture: &Fixture, count: usize) {
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/t,{"token":"good:alice"}"#).await;
    client.json("40/t,").await;

    client.texts((0..count).map(|n| format!(r#"42/t,{n}["n",{n}]"#))).await;

    for n in 0..count {
        assert_eq!(client.packet().await.unwrap(), format!("43/t,{n}[{n}]"));
    }
}

#[tokio::test]
async fn a_thousand_events_are_answered_in_order_one_at_a_time() {
    let most = Arc::new(AtomicUsize::new(0));
    let gateway = counting(Arc::default(), Arc::clone(&most));
    let fixture = Fixture::with(|builder, _| builder.gateway(gateway)).await;

    sends_and_reads(&fixture, 1_000).await;

    assert_eq!(most.load(Ordering::SeqCst), 1);
}

/// With an inbox of four the server stops reading, and TCP holds the remaining events back.
#[tokio::test]
async fn a_full_inbox_loses_nothing() {
    let gateway = counting(Arc::default(), Arc::default());
    let fixture = Fixture::with(|builder, _| builder.gateway(gateway).limits(tight)).await;

    sends_and_reads(&fixture, 5_000).await;
}

/// Clients emit as soon as they read the answer to their CONNECT; the handler must be ready by then.
#[tokio::test]
async fn the_first_event_after_the_connect_answer_is_never_lost() {
    let fixture = Fixture::start().await;

    for _ in 0..200 {
        let mut client = fixture.alice().await;
        client.text(r#"420["echo",1]"#).await;
        assert_eq!(client.packet().await.unwrap(), "430[1]");
    }
}

/// A DISCONNECT is handled when it is read, before the events that wait in the inbox.
#[tokio::test]
async fn a_disconnect_does_not_wait_for_queued_events() {
    let begun = Arc::new(tokio::sync::Notify::new());
    let started = Arc::new(AtomicUsize::new(0));
    let gates = (Arc::clone(&begun), Arc::clone(&started));
    let gateway = Gateway::at("/t").on("hang", move || {
        let (begun, started) = gates.clone();
        async move {
            started.fetch_add(1, Ordering::SeqCst);
            begun.notify_one();
            std::future::pending::<()>().await;
        }
    });
    let fixture = Fixture::with(|builder, _| builder.gateway(gateway)).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/t,{"token":"good:alice"}"#).await;
    client.json("40/t,").await;

    client.texts([r#"42/t,["hang"]"#, r#"42/t,["hang"]"#, "41/t,"]).await;

    begun.notified().await;
    assert_eq!(fixture.audit.wait_for(2).await.len(), 2);
    assert_eq!(fixture.doorward.connections(), 0);
    assert_eq!(started.load(Ordering::SeqCst), 1);
}

/// If a client floods the server, the events of other clients are answered in between.
#[tokio::test]
async fn a_flooding_client_does_not_starve_other_clients() {
    let fixture = Fixture::start().await;
    let mut greedy = fixture.alice().await;
    let mut modest = fixture.alice().await;
    let answered = Arc::new(AtomicUsize::new(0));
    let count = 20_000;
    let events: Vec<_> = (0..count).map(|id| format!(r#"42{id}["echo",1]"#)).collect();
    let reading = {
        let answered = Arc::clone(&answered);
        tokio::spawn(async move {
            let sending = greedy.texts(events);
            sending.await;
            for _ in 0..count {
                greedy.packet().await.unwrap();
                answered.fetch_add(1, Ordering::SeqCst);
            }
        })
    };

    let mut rounds = 0;
    while !reading.is_finished() {
        modest.text(r#"420["echo",2]"#).await;
        assert_eq!(modest.packet().await.as_deref(), Some("430[2]"));
        rounds += 1;
    }

    reading.await.unwrap();
    assert_eq!(answered.load(Ordering::SeqCst), count);
    // Far fewer rounds would mean that the flood was served in one turn.
    assert!(rounds > 20, "{rounds}");
}
