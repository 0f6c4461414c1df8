//! Restarts a node with a third of 5,000 clients in order, and then kills and restarts another one.

use std::time::Duration;

use crate::{crowd::Crowd, nodes::Nodes, server::Server};

pub(super) async fn run() -> String {
    // A user whose connection before still counts must not be refused.
    let mut nodes = Nodes::start(3, "[connections]\nper_user = 1\n").await;
    let crowd = Crowd::gather(&nodes, CLIENTS, PAUSE).await;

    let (in_order, back) = restart(&mut nodes, &crowd, 0, Server::end_and_restart, WITHIN).await;
    let (killed, back_after_kill) =
        restart(&mut nodes, &crowd, 1, Server::kill_and_restart, WITHIN_OF_KILL).await;

    assert_eq!(crowd.ended(), in_order + killed, "clients of the other nodes stay connected");
    assert_eq!(crowd.refused(), 0, "refusals of clients that come back");
    crowd.end();
    format!(
        "{CLIENTS} clients on 3 nodes, none refused: {in_order} were back {back:?} after a restart in \
         order, {killed} were back {back_after_kill:?} after a kill",
    )
}

/// Stops a node and starts it again. Returns the number of its clients, and the time until all are connected.
async fn restart(
    nodes: &mut Nodes,
    crowd: &Crowd,
    number: usize,
    again: fn(Server) -> Server,
    within: Duration,
) -> (usize, Duration) {
    let server = nodes.servers.remove(number);
    let before = crowd.before(number);
    let restarting = async {
        let server = tokio::task::spawn_blocking(move || again(server)).await;
        crowd.avoid_none();
        server.expect("it starts again")
    };
    let (server, back) = tokio::join!(restarting, crowd.all_back(&before, within));
    nodes.servers.insert(number, server);
    (before.clients, back)
}

const CLIENTS: usize = 5_000;

/// Time after which a client tries again. It stays below its budget of attempts while the seats of a dead node are taken.
const PAUSE: Duration = Duration::from_millis(500);

const WITHIN: Duration = Duration::from_secs(30);

/// The seats of a dead node are free after 30 s. All clients come back then, at once.
const WITHIN_OF_KILL: Duration = Duration::from_secs(35);
