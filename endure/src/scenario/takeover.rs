//! Kills the node that runs a game, several times, while players of two other nodes play.

use std::time::Duration;

use doorward_testkit::RawClient;
use tokio::time::{Instant, sleep, timeout};

use crate::{nodes::Nodes, server::client_address};

pub(super) async fn run() -> String {
    let mut nodes = Nodes::start(3, "apps = [\"whack-a-mole\"]\n").await;
    let mut longest = Duration::ZERO;
    let mut here = Vec::new();
    let mut passed_on = Vec::new();
    for round in 0..ROUNDS {
        let room = format!("room-{round}");
        let mut owner = player(&nodes, 0, round * 3, &room).await;
        let mut bob = player(&nodes, 1, round * 3 + 1, &room).await;
        let mut eve = player(&nodes, 2, round * 3 + 2, &room).await;
        here.extend(strikes(&mut owner).await);
        passed_on.extend(strikes(&mut bob).await);
        begin(&mut owner, &mut [&mut bob, &mut eve]).await;

        let begun = Instant::now();
        let server = nodes.servers.remove(0);
        let again = tokio::task::spawn_blocking(move || server.kill_and_restart());

        for client in [&mut bob, &mut eve] {
            let moved = timeout(TAKEN_OVER_WITHIN, reads(client, "42/mole,[\"moved\""));
            moved.await.expect("the game is taken over and its players are told");
        }
        longest = longest.max(begun.elapsed());
        begin(&mut bob, &mut [&mut eve]).await;
        nodes.servers.insert(0, again.await.expect("it starts again"));
        let until = Instant::now() + TAKEN_OVER_WITHIN;
        while nodes.connect(0, "probe", 900).await.is_none() {
            assert!(Instant::now() < until, "the node does not admit clients again");
            sleep(Duration::from_millis(200)).await;
        }
    }
    assert!(longest <= TAKEN_OVER_WITHIN, "the players are told after {longest:?}");
    let (here, passed_on) = (median(here), median(passed_on));
    format!(
        "{ROUNDS} kills: taken over {longest:?} after the kill at the latest; a strike is answered after {here:?} \
         (p50) by the node of the client, and after {passed_on:?} by another one"
    )
}

/// Connects a player, who enters a room.
async fn player(nodes: &Nodes, node: usize, number: usize, room: &str) -> RawClient {
    let address = nodes.servers[node].address;
    let mut client = RawClient::open_from(client_address(number), address, "").await;
    let token = nodes.tokens.sign(&format!("player-{number}"));
    client.text(&format!(r#"40/mole,{{"token":"{token}"}}"#)).await;
    reads(&mut client, "40/mole,{").await;
    // A node that has just started has not heard the node of the game yet.
    let until = Instant::now() + TAKEN_OVER_WITHIN;
    loop {
        client.text(&format!(r#"42/mole,1["join",{{"room":"{room}"}}]"#)).await;
        let answer = reads(&mut client, "43/mole,1").await;
        if answer == "43/mole,1[null]" {
            return client;
        }
        assert!(Instant::now() < until, "{answer}");
        sleep(Duration::from_secs(1)).await;
    }
}

/// Starts a round, and waits until all clients have read that it has begun.
async fn begin(starter: &mut RawClient, others: &mut [&mut RawClient]) {
    starter.text("42/mole,2[\"start\"]").await;
    let begun = "42/mole,[\"phase\",{\"phase\":\"playing\"";
    timeout(BEGUN_WITHIN, reads(starter, begun)).await.expect("the round begins");
    for client in others {
        timeout(BEGUN_WITHIN, reads(client, begun)).await.expect("the round begins");
    }
}

/// Returns the times until strikes are answered.
async fn strikes(client: &mut RawClient) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..STRIKES {
        let begun = Instant::now();
        client.text("42/mole,3[\"strike\",{\"hole\":1}]").await;
        reads(client, "43/mole,3").await;
        times.push(begun.elapsed());
    }
    times
}

/// Reads until a packet begins like this, and returns it.
async fn reads(client: &mut RawClient, begin: &str) -> String {
    loop {
        let packet = client.packet().await.expect("the client is connected");
        if packet == "2" {
            client.text("3").await;
        }
        if packet.starts_with(begin) {
            return packet;
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

const ROUNDS: usize = 3;

/// Below the limit of 60 strikes in two seconds.
const STRIKES: usize = 40;

const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(15);
const BEGUN_WITHIN: Duration = Duration::from_secs(6);
