//! Upgrades clients to a WebSocket in the middle of their conversation, over a slow network.

use std::time::Duration;

use doorward_testkit::{Fault, FaultProxy, echo_across_an_upgrade};
use futures_util::{StreamExt as _, stream};

use crate::server::Server;

pub(super) async fn run() -> String {
    let server = Server::start("[hosts]\nallow = [\"127.0.0.1\"]\n");
    let tokens = server.tokens();
    let proxy = FaultProxy::start(server.address).await;
    proxy.set(Fault::Delay(Duration::from_millis(20)));
    let address = proxy.address();
    let runs = stream::iter(0..RUNS).map(|run| {
        let connect = format!(r#"40{{"token":"{}"}}"#, tokens.sign(&format!("user-{run}")));
        // Each run upgrades at another point of its conversation.
        let before = run * MESSAGES / RUNS;
        tokio::spawn(
            async move { echo_across_an_upgrade(address, &connect, MESSAGES, before).await },
        )
    });
    let seen: Vec<_> = runs.buffer_unordered(AT_ONCE).collect().await;

    for answers in seen {
        let answers = answers.expect("the client has the answers");
        assert_eq!(answers.len(), MESSAGES, "answers of one client");
        for (number, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer, format!("43{number}[{number}]"), "lost, repeated or reordered");
        }
    }
    format!("{RUNS} upgrades, each among {MESSAGES} messages in both directions")
}

const RUNS: usize = 50;
const MESSAGES: usize = 10_000;

/// Number of clients at a time. They share the address of the proxy.
const AT_ONCE: usize = 10;
