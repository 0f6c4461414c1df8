//! Stops a node for 40 seconds while its user is revoked on another one, and continues it.

use std::time::Duration;

use doorward_testkit::{Frozen, RawClient, Seen};
use tokio::time::{Instant, sleep, sleep_until};

use crate::nodes::Nodes;

pub(super) async fn run() -> String {
    let nodes = Nodes::start(3, "").await;
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        clients.push(
            nodes
                .connect(2, &format!("user-{}", number % 10), number)
                .await
                .expect("it is admitted"),
        );
    }
    let frozen = Frozen::new(nodes.servers[2].id());
    let begun = Instant::now();
    // Each client sends events, which wait in the kernel for the node.
    for client in &mut clients {
        client.texts((0..20).map(|id| format!(r#"42{id}["echo",{id}]"#))).await;
    }

    let (code, said, took) = nodes.operate(0, &["revoke", "--user", "user-0"]).await;

    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Not confirmed, and no longer served: eu-2."), "{said}");
    assert!(took <= SETTLED_WITHIN, "settled after {took:?}: {said}");
    sleep_until(begun + STOPPED_FOR).await;
    drop(frozen);
    let ends = clients.into_iter().map(|client| tokio::spawn(seen_until_the_end(client)));
    let ends: Vec<_> = ends.collect();
    let mut silent = 0;
    for end in ends {
        let seen = end.await.expect("the client reads");
        // Not one answer to an event, and no event but the end of the session.
        assert!(!seen.contains("Text(\"43"), "{seen}");
        let events = seen.matches("Text(\"42").count();
        assert_eq!(events, seen.matches("Text(\"42[\\\"session_ended").count(), "{seen}");
        silent += 1;
    }
    // The node joins again, and its users come back.
    let until = Instant::now() + BACK_WITHIN;
    while nodes.connect(2, "user-1", 1).await.is_none() {
        assert!(Instant::now() < until, "the node does not admit clients again");
        sleep(Duration::from_millis(200)).await;
    }
    format!(
        "`doorward revoke` told the truth after {took:?}; {silent} of {CLIENTS} clients read no answer after the stop"
    )
}

/// Returns all that a client reads until its link ends.
async fn seen_until_the_end(mut client: RawClient) -> String {
    let rest: Vec<Seen> = client.rest().await;
    format!("{rest:?}")
}

const CLIENTS: usize = 50;
const STOPPED_FOR: Duration = Duration::from_secs(40);

/// 30 s, and the time to start the command and to read the answers.
const SETTLED_WITHIN: Duration = Duration::from_secs(32);

const BACK_WITHIN: Duration = Duration::from_secs(30);
