//! Replaces a server by its next process, which was started before.

use std::time::Duration;

use doorward_testkit::{Poller, RawClient};
use tokio::task::spawn_blocking;

use crate::server::Server;

pub(super) async fn run() -> String {
    let mut server = Server::start("");
    let mut pauses = Vec::new();
    for _ in 0..ROUNDS {
        let (address, tokens) = (server.address, server.tokens());
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            let token = tokens.sign(&format!("user-{number}"));
            let mut client = RawClient::open(address).await;
            client.text(&format!(r#"40{{"token":"{token}"}}"#)).await;
            client.json("40").await;
            clients.push(client);
        }
        let poller = Poller::open(address).await;
        let held = tokio::spawn(async move { poller.get().await });
        let watched = clients
            .into_iter()
            .map(|mut client| tokio::spawn(async move { client.json("42").await }));
        let watched: Vec<_> = watched.collect();

        let (next, pause) =
            spawn_blocking(|| server.hand_over()).await.expect("the next one listens");
        server = next;
        pauses.push(pause);

        for client in watched {
            let ended = client.await.expect("the client reads the end");
            assert_eq!(
                (&ended[0], &ended[1]["code"]),
                (&"session_ended".into(), &"shutdown".into())
            );
        }
        let answered = held.await.expect("the GET is answered");
        assert!(answered.status == 400 && answered.body.contains("shutdown"), "{answered:?}");
    }
    let (shortest, longest) = (pauses.iter().min(), pauses.iter().max());
    let (shortest, longest) = shortest.zip(longest).expect("there were rounds");
    // The machine may be busy in some of the rounds.
    assert!(*shortest <= WITHIN, "the next process listened after {shortest:?} at best");
    format!("the next process listened {shortest:?} to {longest:?} after the end of the one before")
}

const ROUNDS: usize = 5;
const CLIENTS: usize = 50;
const WITHIN: Duration = Duration::from_millis(200);
