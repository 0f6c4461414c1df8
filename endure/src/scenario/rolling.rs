//! Restarts the nodes of a cluster one after the other, while clients with one connection each reconnect.

use std::time::Duration;

use crate::{crowd::Crowd, nodes::Nodes, server::Server};

pub(super) async fn run() -> String {
    // A user whose connection before still counts would be refused.
    let mut nodes = Nodes::start(3, "[connections]\nper_user = 1\n").await;
    let crowd = Crowd::gather(&nodes, CLIENTS, Duration::from_millis(100)).await;
    let mut longest = Duration::ZERO;
    for restarting in 0..3 {
        let before = crowd.before(restarting);
        let server = nodes.servers.remove(restarting);
        let again = tokio::task::spawn_blocking(move || Server::end_and_restart(server));
        nodes.servers.insert(restarting, again.await.expect("it starts again"));
        longest = longest.max(crowd.all_back(&before, WITHIN).await);
    }
    assert_eq!(crowd.refused(), 0, "refusals of clients that come back");
    crowd.end();
    format!(
        "{CLIENTS} clients on 3 nodes: none refused, all back {longest:?} after the signal at the latest"
    )
}

const CLIENTS: usize = 900;
const WITHIN: Duration = Duration::from_secs(30);
