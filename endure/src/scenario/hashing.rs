//! Sends costly requests from clients that leave before the answer.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use doorward_testkit::RawClient;
use futures_util::future::join_all;

use crate::server::{Server, client_address};

pub(super) async fn run() -> String {
    let server = Server::start("");
    let address = server.address;
    let sessions: Vec<String> = (0..20).map(|n| sign_in(&server, &format!("user-{n}"))).collect();
    let before = server.memory();
    let (is_over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    // Half of the clients have a session and request recovery codes; the others guess codes. Each client leaves after
    // a few milliseconds.
    let loops = (0..60).map(|number| {
        let session = sessions.get(number % sessions.len()).cloned().unwrap_or_default();
        let (is_over, asked) = (Arc::clone(&is_over), Arc::clone(&asked));
        tokio::spawn(async move {
            let mut turn = 0;
            while !is_over.load(Ordering::Relaxed) {
                turn += 1;
                let from = client_address(number * 1_000 + turn % 1_000);
                let request = if number % 2 == 0 {
                    post(address.port(), "/auth/recovery-codes", &session, "{}")
                } else {
                    let body =
                        r#"{"username":"alice","code":"0000-0000-0000-0000","challenge":null}"#;
                    post(address.port(), "/auth/recovery", "", body)
                };
                let mut client = RawClient::connect_from(from, address).await;
                client.bytes(request.as_bytes()).await;
                asked.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(6)).await;
            }
        })
    });
    let loops: Vec<_> = loops.collect();
    let mut highest = before;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        highest = highest.max(server.memory());
    }
    is_over.store(true, Ordering::Relaxed);
    join_all(loops).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    let after = server.memory();

    // One hash needs 19 MiB. If memory has not risen, the scenario has tested nothing.
    assert!(
        highest >= before + 15,
        "nothing was hashed: memory rose from {before} to {highest} MiB"
    );
    assert!(highest <= before + 64, "memory rose from {before} to {highest} MiB");
    let asked = asked.load(Ordering::Relaxed);
    format!(
        "{asked} requests that were left: {before} MiB before, {highest} at most, {after} afterwards"
    )
}

/// Creates a session with the command line, as an operator does, and returns its token.
fn sign_in(server: &Server, user: &str) -> String {
    let program =
        std::env::var_os("E2E_DOORWARD").unwrap_or_else(|| "target/debug/doorward".into());
    let made = Command::new(program)
        .args(["sessions", "--user", user, "--create", "--data-dir"])
        .arg(server.data_dir())
        .output()
        .expect("the program can be run");
    assert!(made.status.success(), "{made:?}");
    String::from_utf8_lossy(&made.stdout).trim().to_owned()
}

fn post(port: u16, path: &str, session: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n\
         Cookie: __Host-doorward={session}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
