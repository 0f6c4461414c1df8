//! Measures what a cluster costs: three nodes, each a process of its own, on one Redis server.
//!
//! `nodes` starts itself three times with `--node`, and connects clients to them. Start reading at [`measure`].

use std::{
    io::{BufRead as _, BufReader},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use clap::Parser;
use doorward::{Limits, PerUser, auth::Grant, prelude::*, server::Listeners};
use doorward_bench::{Failure, LISTEN, output, process::Cpu};
use doorward_redis::RedisStore;
use doorward_testkit::{RawClient, RedisServer};
use tokio::time::{sleep, timeout};

/// Measures the costs of a cluster, in microseconds of processor time.
#[derive(Parser)]
struct Options {
    /// Runs as the node with this name, instead of measuring.
    #[arg(long, requires = "redis")]
    node: Option<String>,
    /// URL of the Redis server of a node.
    #[arg(long)]
    redis: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let Options { node, redis } = Options::parse();
    match node.zip(redis) {
        Some((node, redis)) => serve(&node, &redis).await,
        None => measure().await,
    }
}

/// Runs a node. Its clients join rooms, and let it emit many events.
async fn serve(node: &str, redis: &str) -> Result<(), Failure> {
    let gateway = Gateway::at("/")
        .room("room:{id}", |_| async { true })
        .on(
            "join",
            |me: Socket<()>, Payload(room): Payload<String>| async move { me.join(&room).await },
        )
        .on("burst", |hub: Hub<()>, Payload((room, count)): Payload<(String, u32)>| async move {
            for number in 0..count {
                hub.to(room.clone()).emit("told", (number, PAYLOAD))?;
                if number % 16 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            Ok::<_, EmitError>(())
        });
    let authenticator = authenticate_fn(|handshake| async move {
        let user = handshake.auth.get_str("user").ok_or_else(Refusal::bad_handshake)?;
        Ok(Grant::new((), user))
    });
    let doorward = Doorward::builder()
        .authenticate(authenticator)
        .connections(PerUser::ReplaceOldest(1))
        .limits(|limits: &mut Limits| {
            limits.max_address_refusals = 1_000_000_000;
            limits.max_user_attempts = 1_000_000_000;
            limits.ping_interval = PING_INTERVAL;
            limits.outbox = 64 << 20;
        })
        .cluster(RedisStore::connect(redis).await?.cluster(node))
        .gateway(gateway)
        .build()?;
    let listeners = Listeners::bind(LISTEN).await?;
    for address in listeners.addresses() {
        output::line(address)?;
    }
    doorward.serve_with(listeners, doorward.service(), std::future::pending()).await?;
    Ok(())
}

struct Node {
    process: Child,
    address: SocketAddr,
}

impl Node {
    /// Starts a node, and waits until it listens.
    fn start(name: &str, redis: &str) -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--node", name, "--redis", redis])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        Ok(Self { process, address: line.trim().parse()? })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

struct Cluster {
    nodes: Vec<Node>,
    redis: RedisServer,
    users: u32,
}

/// Processor times of the three nodes and of Redis.
struct Times([Cpu; 4]);

impl Cluster {
    async fn start() -> Result<Self, Failure> {
        let redis = RedisServer::start(&[]).await;
        let mut nodes = Vec::new();
        for name in ["eu-1", "eu-2", "eu-3"] {
            nodes.push(tokio::task::block_in_place(|| Node::start(name, &redis.url()))?);
        }
        // A new Redis rejects tokens from before it, with the largest difference of clocks.
        sleep(Duration::from_secs(8)).await;
        Ok(Self { nodes, redis, users: 0 })
    }

    fn times(&self) -> Result<Times, Failure> {
        let [one, two, three] = &self.nodes[..] else { return Err("there are three nodes".into()) };
        let redis = self.redis.id();
        Ok(Times([
            Cpu::of(one.process.id())?,
            Cpu::of(two.process.id())?,
            Cpu::of(three.process.id())?,
            Cpu::of(redis)?,
        ]))
    }

    /// Connects a new user to the node with this number.
    async fn connect(&mut self, node: usize) -> Result<RawClient, Failure> {
        self.users += 1;
        let from = client_address(self.users);
        let mut client = RawClient::open_from(from, self.nodes[node].address, "").await;
        client.text(&format!(r#"40{{"user":"user-{}"}}"#, self.users)).await;
        reads(&mut client, "40{").await?;
        Ok(client)
    }

    /// Connects a client to each of these nodes, which joins a room.
    async fn room(&mut self, name: &str, nodes: &[usize]) -> Result<Vec<RawClient>, Failure> {
        let mut clients = Vec::new();
        for node in nodes {
            let mut client = self.connect(*node).await?;
            client.text(&format!(r#"421["join","room:{name}"]"#)).await;
            reads(&mut client, "431[").await?;
            clients.push(client);
        }
        Ok(clients)
    }

    /// Lets the first node emit events to a room, until all clients have read the last one. Returns the processor times
    /// for each event.
    async fn burst(&self, name: &str, mut clients: Vec<RawClient>) -> Result<[f64; 4], Failure> {
        let before = self.times()?;
        clients[0].text(&format!(r#"422["burst",["room:{name}",{EVENTS}]]"#)).await;
        let last = format!("42[\"told\",{},", EVENTS - 1);
        let reading = clients.into_iter().map(|mut client| {
            let last = last.clone();
            tokio::spawn(async move { reads(&mut client, &last).await.map(|_| client) })
        });
        for client in reading.collect::<Vec<_>>() {
            drop(timeout(BURST_WITHIN, client).await???);
        }
        Ok(self.times()?.each_since(&before, EVENTS))
    }
}

impl Times {
    /// Returns the times since `before` for each of `count` operations, in microseconds.
    fn each_since(&self, before: &Self, count: u32) -> [f64; 4] {
        let since = |at: usize| self.0[at].since(before.0[at]).total();
        std::array::from_fn(|at| since(at).as_secs_f64() * 1e6 / f64::from(count))
    }
}

/// Runs all measurements and prints a line for each.
async fn measure() -> Result<(), Failure> {
    let mut cluster = Cluster::start().await?;
    output::line("processor time in us: node 1, node 2, node 3, Redis")?;

    let before = cluster.times()?;
    sleep(IDLE).await;
    let [one, two, three, redis] = cluster.times()?.each_since(&before, IDLE_SECONDS);
    print("idle cluster, each second", [one, two, three, redis])?;

    for (room, nodes) in [("here", &[0][..]), ("pair", &[0, 1]), ("all", &[0, 1, 2])] {
        let clients = cluster.room(room, nodes).await?;
        let times = cluster.burst(room, clients).await?;
        print(&format!("event to a room with one client on {} nodes", nodes.len()), times)?;
    }

    let before = cluster.times()?;
    let begun = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(cluster.connect(0).await?);
    }
    let took = begun.elapsed() / CLIENTS;
    let times = cluster.times()?.each_since(&before, CLIENTS);
    print(
        &format!("admission with one connection for each user ({took:?} one after another)"),
        times,
    )?;

    let before = cluster.times()?;
    let answering = clients.into_iter().map(|client| tokio::spawn(answer_pings(client)));
    let answering: Vec<_> = answering.collect();
    sleep(IDLE).await;
    let pings = CLIENTS * IDLE_SECONDS * 1000 / u32::try_from(PING_INTERVAL.as_millis())?;
    let times = cluster.times()?.each_since(&before, pings);
    print("heartbeat", times)?;

    let before = cluster.times()?;
    answering.into_iter().for_each(|task| task.abort());
    sleep(IDLE).await;
    let times = cluster.times()?.each_since(&before, CLIENTS);
    print("end of a connection", times)?;
    Ok(())
}

fn print(what: &str, [one, two, three, redis]: [f64; 4]) -> Result<(), Failure> {
    Ok(output::line(format_args!("{one:8.1} {two:8.1} {three:8.1} {redis:8.1}  {what}"))?)
}

/// Reads until a packet begins like this.
async fn reads(client: &mut RawClient, begin: &str) -> Result<(), Failure> {
    loop {
        let packet = client.packet().await.ok_or("the connection has ended")?;
        if packet == "2" {
            client.text("3").await;
        } else if packet.starts_with(begin) {
            return Ok(());
        } else if packet.starts_with("44") {
            return Err(packet.into());
        }
    }
}

async fn answer_pings(mut client: RawClient) {
    while let Some(packet) = client.packet().await {
        if packet == "2" {
            client.text("3").await;
        }
    }
}

/// Returns the loopback address of a client. Each client has its own, as on the internet.
fn client_address(number: u32) -> IpAddr {
    let [_, high, middle, low] = number.to_be_bytes();
    Ipv4Addr::new(127, high + 1, middle, low.max(1)).into()
}

const EVENTS: u32 = 50_000;
const BURST_WITHIN: Duration = Duration::from_secs(60);
const CLIENTS: u32 = 2_000;
const IDLE_SECONDS: u32 = 20;
const IDLE: Duration = Duration::from_secs(20);
const PING_INTERVAL: Duration = Duration::from_secs(2);

/// Text of an event, with 64 bytes.
const PAYLOAD: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
