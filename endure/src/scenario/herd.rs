//! Connects all clients at the same time through one reverse proxy, as after a restart of the
//! server.

use doorward_testkit::RawClient;
use futures_util::future::join_all;

use crate::server::{Server, client_address};

pub(super) async fn run() -> String {
    let server = Server::start("trusted_proxies = [\"127.9.9.9\"]\n");
    let (address, tokens) = (server.address, server.tokens());
    // The proxy connects from its own address, which has a full range of ports.
    let proxy = [127, 9, 9, 9].into();
    let clients = (0..CLIENTS).map(|number| {
        let token = tokens.sign(&format!("user-{number}"));
        let header = format!("X-Forwarded-For: {}\r\n", client_address(number));
        tokio::spawn(async move {
            let mut client = RawClient::open_from(proxy, address, &header).await;
            client.text(&format!(r#"40{{"token":"{token}"}}"#)).await;
            client.json("40").await;
            client
        })
    });
    let ended = join_all(clients).await;

    let in_at_once = ended.iter().filter(|one| one.is_ok()).count();
    assert_eq!(in_at_once, CLIENTS, "clients that were admitted at their first try");
    format!("{in_at_once} of {CLIENTS} clients admitted at their first try")
}

const CLIENTS: usize = 5_000;
