//! Sends requests with bodies that never end.

use std::time::Duration;

use doorward_testkit::RawClient;
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::server::{Server, client_address};

pub(super) async fn run() -> String {
    let server = Server::start("[limits]\nrequest_timeout = \"10s\"\n");
    let address = server.address;
    let before = server.memory();
    let slow = (0..REQUESTS).map(|number| {
        tokio::spawn(async move {
            // 250 requests per address stay within `max_http_connections`.
            let from = client_address(1 + number / 250);
            let mut client = RawClient::connect_from(from, address).await;
            // The origin is the server's own, so the request is not rejected before its body is read.
            let port = address.port();
            let head = format!(
                "POST /auth/session HTTP/1.1\r\nHost: localhost:{port}\r\n\
                 Origin: http://localhost:{port}\r\nContent-Type: application/json\r\n\
                 Content-Length: 100000\r\n\r\n"
            );
            client.bytes(head.as_bytes()).await;
            for second in 0..20 {
                client.bytes(b" ").await;
                if let Ok(answer) = timeout(Duration::from_secs(1), client.body()).await {
                    // A valid end is a 408, the answer of the route to an incomplete body, or no answer if the next
                    // byte met a closed connection. An end in the first five seconds would mean that the
                    // server has not waited for the body.
                    return second >= 5 && !answer.starts_with(b"HTTP/1.1 403");
                }
            }
            false
        })
    });
    let slow: Vec<_> = slow.collect();
    let mut served = 0;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let request =
            format!("GET /healthz HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", address.port());
        let from = client_address(9_999);
        let mut client = RawClient::connect_from(from, address).await;
        client.bytes(request.as_bytes()).await;
        served += usize::from(client.head().await.starts_with("HTTP/1.1 200"));
    }
    let highest = server.memory();
    let closed = join_all(slow).await.into_iter().filter(|one| matches!(one, Ok(true))).count();

    assert_eq!(closed, REQUESTS, "requests that were closed after the timeout");
    assert_eq!(served, 5, "other requests that were served meanwhile");
    assert!(highest <= before + 64, "memory rose from {before} to {highest} MiB");
    format!(
        "{closed} of {REQUESTS} closed; {served} of 5 others served; {before} MiB before, {highest} at most"
    )
}

const REQUESTS: usize = 1_000;
