//! Several servers on one Redis.

use std::{net::Ipv4Addr, process::Stdio, time::Duration};

use doorward_testkit::{Fault, FaultProxy, RawClient, RedisServer};
use tokio::{process::Command, time::Instant};

use crate::{
    server::{Server, client_address, program},
    token::Tokens,
};

/// Nodes of one cluster, and the proxy between them and Redis.
pub(crate) struct Nodes {
    pub(crate) servers: Vec<Server>,
    pub(crate) tokens: Tokens,
    proxy: FaultProxy,
    _redis: RedisServer,
}

impl Nodes {
    /// Starts nodes with further settings, and waits until they accept tokens.
    ///
    /// # Panics
    /// If a node does not start.
    pub(crate) async fn start(count: usize, settings: &str) -> Self {
        let redis = RedisServer::start_on_tcp(&[]).await;
        let port = redis.port().expect("it listens on TCP");
        let proxy = FaultProxy::start((Ipv4Addr::LOCALHOST, port).into()).await;
        let url = format!("[redis]\nurl = \"redis://{}\"\n", proxy.address());
        let config = |number| format!("{settings}{url}[cluster]\nnode = \"eu-{number}\"\n");
        let servers: Vec<_> = (0..count).map(|number| Server::start(&config(number))).collect();
        let tokens = servers[0].tokens();
        // A new Redis rejects tokens from before it, with the largest difference of clocks.
        tokio::time::sleep(Duration::from_secs(8)).await;
        Self { servers, tokens, proxy, _redis: redis }
    }

    /// Lets each packet between the nodes and Redis take this time in each direction.
    pub(crate) fn delay(&self, time: Duration) {
        self.proxy.set(Fault::Delay(time));
    }

    /// Resets all connections between the nodes and Redis. Later connections have this delay in each direction.
    pub(crate) async fn reset(&self, delay: Duration) {
        self.proxy.set(Fault::Reset);
        // The connections see the fault while it lasts.
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.delay(delay);
    }

    /// Connects the client with this number. Returns `None` if it is refused or its connection ends.
    pub(crate) async fn connect(
        &self,
        node: usize,
        user: &str,
        number: usize,
    ) -> Option<RawClient> {
        let address = self.servers[node].address;
        let mut client = RawClient::open_from(client_address(number), address, "").await;
        let token = self.tokens.sign(user);
        client.text(&format!(r#"40{{"token":"{token}"}}"#)).await;
        let answer = client.packet().await?;
        answer.starts_with("40{").then_some(client)
    }

    /// Runs `doorward` with arguments on the data directory of a node. Returns its exit code, its output and its
    /// duration.
    ///
    /// # Panics
    /// If the program cannot be run.
    pub(crate) async fn operate(&self, node: usize, arguments: &[&str]) -> (i32, String, Duration) {
        let begun = Instant::now();
        let done = Command::new(program())
            .args(arguments)
            .arg("--data-dir")
            .arg(self.servers[node].data_dir())
            .stdin(Stdio::null())
            .output()
            .await
            .expect("the program was built");
        let said = [&done.stdout[..], &done.stderr[..]].concat();
        let code = done.status.code().unwrap_or(-1);
        (code, String::from_utf8_lossy(&said).into_owned(), begun.elapsed())
    }
}
