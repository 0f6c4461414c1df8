//! Measures what a cluster costs: three nodes, each a process of its own, on one Redis server.
//!
//! `nodes` starts itself three times with `--node`, and connects clients to them. Start reading at [`measure`].

use std::{
    io::{BufRead as _, BufReader},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
    time::Duration,
};

use clap::Parser;
use doorward::{Limits, PerUser, auth::Grant, prelude::*, server::Listeners};
use doorward_bench::{
    Failure, LISTEN, output,
    process::{Cpu, resident_bytes},
};
use doorward_redis::RedisStore;
use doorward_testkit::{RawClient, RedisServer};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// Measures the costs of a cluster, in microseconds of processor time.
#[derive(Parser)]
struct Options {
    /// Runs as the node with this name, instead of measuring.
    #[arg(long, requires = "redis")]
    node: Option<String>,
    /// URL of the Redis server of a node.
    #[arg(long)]
    redis: Option<String>,
    /// Seconds from one ping of a node to the next one.
    #[arg(long, default_value_t = NEVER)]
    ping: u64,
    /// Seconds from one sweep of a node to the next one. A sweep checks all connected sockets again.
    #[arg(long, default_value_t = NEVER)]
    sweep: u64,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let Options { node, redis, ping, sweep } = Options::parse();
    match node.zip(redis) {
        Some((node, redis)) => serve(&node, &redis, ping, sweep).await,
        None => measure().await,
    }
}

/// Runs a node. Its clients join rooms, and let it emit many events.
async fn serve(node: &str, redis: &str, ping: u64, sweep: u64) -> Result<(), Failure> {
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
            limits.ping_interval = Duration::from_secs(ping);
            limits.sweep_interval = Duration::from_secs(sweep);
            limits.store_grace = limits.store_grace.max(limits.sweep_interval);
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
    fn start(name: &str, redis: &str, more: &[&str]) -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--node", name, "--redis", redis])
            .args(more)
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
    async fn start(more: &[&str]) -> Result<Self, Failure> {
        let redis = RedisServer::start(&[]).await;
        let mut nodes = Vec::new();
        for name in ["eu-1", "eu-2", "eu-3"] {
            nodes.push(tokio::task::block_in_place(|| Node::start(name, &redis.url(), more))?);
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

    /// Returns the memory of the three nodes and of Redis, in bytes.
    fn memory(&self) -> Result<[f64; 4], Failure> {
        let mut bytes = [0.0; 4];
        let processes = self.nodes.iter().map(|node| node.process.id()).chain([self.redis.id()]);
        for (bytes, process) in bytes.iter_mut().zip(processes) {
            *bytes = resident_bytes(process)? as f64;
        }
        Ok(bytes)
    }

    /// Connects a new user to the node with this number.
    async fn connect(&mut self, node: usize) -> Result<RawClient, Failure> {
        self.users += 1;
        connect(self.users, self.nodes[node].address).await
    }

    /// Connects new users to the first node, and measures the processor times for each.
    async fn connect_many(&mut self, at_once: u32) -> Result<(Vec<RawClient>, [f64; 4]), Failure> {
        let before = self.times()?;
        let address = self.nodes[0].address;
        let mut connecting = JoinSet::new();
        for lane in 0..at_once {
            let users =
                self.users + lane * CLIENTS / at_once..self.users + (lane + 1) * CLIENTS / at_once;
            connecting.spawn(async move {
                let mut clients = Vec::new();
                for user in users {
                    clients.push(connect(user + 1, address).await?);
                }
                Ok::<_, Failure>(clients)
            });
        }
        let mut clients = Vec::new();
        while let Some(connected) = connecting.join_next().await {
            clients.extend(connected??);
        }
        self.users += CLIENTS;
        Ok((clients, self.times()?.each_since(&before, CLIENTS)))
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
    let mut cluster = Cluster::start(&[]).await?;
    output::line("processor time in us: node 1, node 2, node 3, Redis")?;

    let before = cluster.times()?;
    sleep(IDLE).await;
    print("idle cluster, each second", cluster.times()?.each_since(&before, IDLE_SECONDS))?;

    for (room, nodes) in [("here", &[0][..]), ("pair", &[0, 1]), ("all", &[0, 1, 2])] {
        let clients = cluster.room(room, nodes).await?;
        let times = cluster.burst(room, clients).await?;
        print(&format!("event to a room with one client on {} nodes", nodes.len()), times)?;
    }

    for at_once in [1, 64] {
        let (begun, empty) = (Instant::now(), cluster.memory()?);
        let (clients, times) = cluster.connect_many(at_once).await?;
        let rate = f64::from(CLIENTS) / begun.elapsed().as_secs_f64();
        print(
            &format!(
                "admission, one connection for each user, {at_once} at once ({rate:.0} each second)"
            ),
            times,
        )?;

        if at_once == 1 {
            let full = cluster.memory()?;
            let each = std::array::from_fn(|at| (full[at] - empty[at]) / f64::from(CLIENTS));
            print("bytes of memory for a connection, not us", each)?;
        }

        let before = cluster.times()?;
        drop(clients);
        sleep(IDLE).await;
        let times = cluster.times()?.each_since(&before, CLIENTS);
        print("end of a connection", times)?;
    }
    drop(cluster);

    for (what, option) in
        [("heartbeat", "--ping"), ("check of a connected socket in a sweep", "--sweep")]
    {
        let seconds = format!("{SECONDS}");
        let mut cluster = Cluster::start(&[option, &seconds]).await?;
        let (clients, _) = cluster.connect_many(64).await?;
        let before = cluster.times()?;
        let answering = clients.into_iter().map(|client| tokio::spawn(answer_pings(client)));
        let answering: Vec<_> = answering.collect();
        sleep(IDLE).await;
        let count = CLIENTS * IDLE_SECONDS / SECONDS;
        print(what, cluster.times()?.each_since(&before, count))?;
        answering.into_iter().for_each(|task| task.abort());
    }
    Ok(())
}

fn print(what: &str, [one, two, three, redis]: [f64; 4]) -> Result<(), Failure> {
    Ok(output::line(format_args!("{one:8.1} {two:8.1} {three:8.1} {redis:8.1}  {what}"))?)
}

async fn connect(user: u32, address: SocketAddr) -> Result<RawClient, Failure> {
    let mut client = RawClient::open_from(client_address(user), address, "").await;
    client.text(&format!(r#"40{{"user":"user-{user}"}}"#)).await;
    reads(&mut client, "40{").await?;
    Ok(client)
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
const IDLE: Duration = Duration::from_secs(IDLE_SECONDS as u64);
/// Seconds from one ping, or one sweep, to the next one where they are measured.
const SECONDS: u32 = 2;
/// Seconds, longer than a measurement.
const NEVER: u64 = 3600;

/// Text of an event, with 64 bytes.
const PAYLOAD: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
