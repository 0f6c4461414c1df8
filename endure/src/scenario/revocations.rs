//! Revokes users whose connections are on other nodes, without and with latency.

use std::time::Duration;

use tokio::time::Instant;

use crate::nodes::Nodes;

pub(super) async fn run() -> String {
    let nodes = Nodes::start(3, "").await;
    let near = each(&nodes, "near").await;
    // 25 ms in each direction between the nodes and Redis: 50 ms for each question.
    nodes.delay(Duration::from_millis(25));
    let far = each(&nodes, "far").await;

    let (near, far) = (Figures::of(near), Figures::of(far));
    assert!(far.p99 <= LIMIT, "p99 with 50 ms latency: {:?}", far.p99);
    format!(
        "until the last of 3 clients was told, with the start of the command: p50 {:?}, p99 {:?}; with 50 ms latency \
         to Redis: p50 {:?}, p99 {:?}",
        near.p50, near.p99, far.p50, far.p99
    )
}

/// Revokes users one after the other. Each has a connection on each node.
async fn each(nodes: &Nodes, name: &str) -> Vec<Duration> {
    let mut times = Vec::new();
    for number in 0..USERS {
        let user = format!("{name}-{number}");
        let mut clients = Vec::new();
        for node in 0..3 {
            let client = nodes.connect(node, &user, number * 3 + node).await;
            clients.push(client.expect("it is admitted"));
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
        let arguments = ["revoke", "--user", &user];
        let (told, (code, said, _)) = tokio::join!(told, nodes.operate(0, &arguments));
        assert_eq!(code, 0, "{said}");
        assert!(["eu-0", "eu-1", "eu-2"].iter().all(|node| said.contains(node)), "{said}");
        assert!(!said.contains("Not confirmed"), "{said}");
        times.push(told);
    }
    times
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
const LIMIT: Duration = Duration::from_secs(1);
