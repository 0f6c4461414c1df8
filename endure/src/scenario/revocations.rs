//! Revokes users whose connections are on other nodes: without latency, with latency, and while connections to Redis are
//! reset.

use std::time::Duration;

use doorward_testkit::RawClient;
use tokio::time::{Instant, sleep};

use crate::nodes::Nodes;

pub(super) async fn run() -> String {
    let nodes = Nodes::start(3, "").await;
    let near = each(&nodes, "near", false).await;
    // In each direction between the nodes and Redis: 50 ms for each question.
    nodes.delay(DELAY);
    let far = each(&nodes, "far", false).await;
    let reset = each(&nodes, "reset", true).await;

    let (near, far, reset) = (Figures::of(near), Figures::of(far), Figures::of(reset));
    assert!(far.p99 <= LIMIT, "p99 with 50 ms latency: {:?}", far.p99);
    assert!(reset.p99 <= RESET_LIMIT, "p99 with resets: {:?}", reset.p99);
    format!(
        "until the last of 3 clients was told, with the start of the command: p50 {:?}, p99 {:?}; with 50 ms latency \
         to Redis: p50 {:?}, p99 {:?}; and if all connections to Redis are reset during every tenth revocation: p50 {:?}, \
         p99 {:?}",
        near.p50, near.p99, far.p50, far.p99, reset.p50, reset.p99
    )
}

/// Revokes users one after the other. Each has a connection on each node. With `resets`, all connections to Redis are reset
/// during every tenth revocation.
async fn each(nodes: &Nodes, name: &str, resets: bool) -> Vec<Duration> {
    let mut times = Vec::new();
    for number in 0..USERS {
        let user = format!("{name}-{number}");
        let mut clients = Vec::new();
        for node in 0..3 {
            clients.push(admitted(nodes, node, &user, number * 3 + node).await);
        }
        let begun = Instant::now();
        let told = async {
            for client in &mut clients {
                let ended = client.json("42").await;
                assert_eq!(
                    (&ended[0], &ended[1]["code"]),
                    (&"session_ended".into(), &"revoked".into())
                );
            }
            begun.elapsed()
        };
        let is_reset = resets && number % 10 == 0;
        let fault = async {
            if is_reset {
                sleep(DELAY * 5).await;
                nodes.reset(DELAY).await;
            }
        };
        let (told, said, ()) = tokio::join!(told, revoked(nodes, &user, is_reset), fault);
        assert!(["eu-0", "eu-1", "eu-2"].iter().all(|node| said.contains(node)), "{said}");
        assert!(!said.contains("Not confirmed"), "{said}");
        times.push(told);
    }
    times
}

/// Connects a client, which tries again if nothing is decided about it.
async fn admitted(nodes: &Nodes, node: usize, user: &str, number: usize) -> RawClient {
    let until = Instant::now() + RESET_LIMIT;
    loop {
        if let Some(client) = nodes.connect(node, user, number).await {
            return client;
        }
        assert!(Instant::now() < until, "it is not admitted");
        sleep(DELAY).await;
    }
}

/// Revokes a user on the first node. If `is_reset` is `true`, the command may fail, and the operator repeats it. Returns
/// what it has printed at last.
async fn revoked(nodes: &Nodes, user: &str, is_reset: bool) -> String {
    let until = Instant::now() + RESET_LIMIT;
    loop {
        let (code, said, _) = nodes.operate(0, &["revoke", "--user", user]).await;
        if code == 0 {
            return said;
        }
        assert!(is_reset && Instant::now() < until, "{said}");
    }
}

struct Figures {
    p50: Duration,
    p99: Duration,
}

impl Figures {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self { p50: times[times.len() / 2], p99: times[times.len() * 99 / 100] }
    }
}

const USERS: usize = 100;
const DELAY: Duration = Duration::from_millis(25);
const LIMIT: Duration = Duration::from_secs(1);

const RESET_LIMIT: Duration = Duration::from_secs(5);
