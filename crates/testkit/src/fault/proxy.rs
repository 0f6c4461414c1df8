//! Disturbs a network connection on command.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use doorward_core::lock;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    net::{TcpListener, TcpStream, UnixStream},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

/// Behaviour of a [`FaultProxy`].
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward_testkit::Fault;
///
/// let slow = Fault::Delay(Duration::from_millis(60));
/// assert_ne!(slow, Fault::None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Forwards all bytes without a fault.
    None,
    /// Forwards each piece after this delay, in both directions. Pieces overlap, so the latency grows, but not the
    /// time between pieces.
    Delay(Duration),
    /// Forwards one byte per interval, in both directions.
    Drip(Duration),
    /// Closes all connections in the regular way (FIN), and each new connection at once.
    Cut,
    /// Closes all connections with a reset (RST), and each new connection at once.
    Reset,
    /// Keeps all connections open, accepts new connections, and forwards nothing, like an unplugged cable.
    HalfOpen,
}

/// TCP proxy on the loopback interface, between a client and a server.
///
/// A fault also affects connections that are open already. All connections close when the proxy is dropped.
///
/// # Examples
/// ```no_run
/// # async fn run(redis: std::net::SocketAddr) {
/// use std::time::Duration;
/// use doorward_testkit::{Fault, FaultProxy};
///
/// let proxy = FaultProxy::start(redis).await;
/// let url = format!("redis://{}", proxy.address());
/// proxy.set(Fault::Delay(Duration::from_millis(60)));
/// # }
/// ```
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    /// Server of the next connection. The lock is held for one read or one write.
    server: Arc<Mutex<Server>>,
    weather: watch::Sender<Weather>,
    taken: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

/// Address of the server.
#[derive(Clone, Debug)]
enum Server {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Server {
    async fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }
}

/// Current fault, and the connections that forward nothing more.
#[derive(Clone, Copy, Debug)]
struct Weather {
    fault: Fault,
    /// Connections up to this number forward nothing until they are closed.
    stranded: u64,
}

impl FaultProxy {
    /// Starts a proxy for a server that listens on TCP.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start(server: SocketAddr) -> Self {
        Self::in_front_of(Server::Tcp(server)).await
    }

    /// Starts a proxy for a server that listens on a Unix socket.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start_unix(server: impl Into<PathBuf>) -> Self {
        Self::in_front_of(Server::Unix(server.into())).await
    }

    async fn in_front_of(server: Server) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let weather = watch::Sender::new(Weather { fault: Fault::None, stranded: 0 });
        let taken = Arc::new(AtomicU64::new(0));
        let server = Arc::new(Mutex::new(server));
        let (changes, count) = (weather.clone(), Arc::clone(&taken));
        let next = Arc::clone(&server);
        let accepting = tokio::spawn(async move {
            // A failed `accept` ends the proxy. The test then fails, because its connections are refused.
            while let Ok((here, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::Relaxed) + 1;
                let sky = Sky { number, weather: changes.subscribe() };
                let there = lock(&next).clone();
                tokio::spawn(pass(here, there, sky));
            }
        });
        Self { address, server, weather, taken, accepting }
    }

    /// Returns the address that clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets later connections lead to another server that listens on TCP, as an address does that is moved to
    /// another machine. Open connections keep their server.
    pub fn lead_to(&self, server: SocketAddr) {
        *lock(&self.server) = Server::Tcp(server);
    }

    /// Sets the fault of all open and later connections.
    pub fn set(&self, fault: Fault) {
        self.weather.send_modify(|weather| weather.fault = fault);
    }

    /// Strands all current connections, which then stay open and forward nothing. New connections work.
    pub fn strand(&self) {
        let taken = self.taken();
        self.weather.send_modify(|weather| weather.stranded = taken);
    }

    /// Returns the number of connections that the proxy has accepted so far.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.set(Fault::Cut);
    }
}

/// Access of one connection to the current fault.
#[derive(Clone)]
struct Sky {
    number: u64,
    weather: watch::Receiver<Weather>,
}

impl Sky {
    fn fault(&mut self) -> Fault {
        let Weather { fault, stranded } = *self.weather.borrow_and_update();
        match fault {
            // Stranded connections are closed like all others.
            Fault::Cut | Fault::Reset => fault,
            _ if self.number <= stranded => Fault::HalfOpen,
            _ => fault,
        }
    }

    async fn changed(&mut self) {
        if self.weather.changed().await.is_err() {
            // The proxy was dropped. It has set `Cut` before, so the connection is being closed.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until bytes are forwarded again, and returns the fault that applies then.
    async fn thaw(&mut self) -> Fault {
        loop {
            match self.fault() {
                Fault::HalfOpen => self.changed().await,
                fault => return fault,
            }
        }
    }

    /// Waits until all connections are to be closed, and returns `Cut` or `Reset`.
    async fn end(&mut self) -> Fault {
        loop {
            match self.fault() {
                fault @ (Fault::Cut | Fault::Reset) => return fault,
                _ => self.changed().await,
            }
        }
    }
}

/// Forwards one connection until either side or a fault closes it.
async fn pass(mut here: TcpStream, server: Server, mut sky: Sky) {
    here.set_nodelay(true).ok();
    let there = tokio::select! {
        there = server.connect() => there.ok(),
        fault = sky.end() => return end(&here, fault),
    };
    let Some(there) = there else { return };
    let fault = {
        let (up, down) = (sky.clone(), sky.clone());
        let (from_client, to_client) = here.split();
        let (from_server, to_server) = split(there);
        tokio::select! {
            _ = async { tokio::join!(copy(from_client, to_server, up), copy(from_server, to_client, down)) } => {
                Fault::Cut
            }
            fault = sky.end() => fault,
        }
    };
    end(&here, fault);
}

fn end(client: &TcpStream, fault: Fault) {
    if fault == Fault::Reset {
        // With a linger time of zero, closing sends RST instead of FIN.
        client.set_zero_linger().ok();
    }
}

/// Forwards one direction until its end.
async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, sky: Sky) {
    // Pieces in flight, each with the time at which it is due. Reading continues while earlier pieces wait, so a
    // delay does not lower the rate.
    let (queue, mut queued) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let (mut reading, mut writing) = (sky.clone(), sky);
    let read = async move {
        let mut buffer = vec![0; PIECE];
        loop {
            let fault = reading.thaw().await;
            let count = tokio::select! {
                count = from.read(&mut buffer) => count.unwrap_or(0),
                // A fault that is set while the read waits must apply to the next piece already.
                () = reading.changed() => continue,
            };
            let delay = if let Fault::Delay(delay) = fault { delay } else { Duration::ZERO };
            let piece = (Instant::now() + delay, buffer.get(..count).unwrap_or_default().to_vec());
            if count == 0 || queue.send(piece).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((due, piece)) = queued.recv().await {
            sleep_until(due).await;
            let written = match writing.thaw().await {
                Fault::Drip(every) => drip(&mut to, &piece, every).await,
                _ => to.write_all(&piece).await,
            };
            if written.is_err() {
                return;
            }
        }
        to.shutdown().await.ok();
    };
    tokio::join!(read, write);
}

async fn drip(
    to: &mut (impl AsyncWrite + Unpin),
    piece: &[u8],
    every: Duration,
) -> std::io::Result<()> {
    for byte in piece {
        sleep(every).await;
        to.write_all(&[*byte]).await?;
    }
    Ok(())
}

/// Maximum number of pieces in flight in one direction.
const ON_THE_WAY: usize = 1_024;

/// Maximum size of a piece, in bytes.
const PIECE: usize = 16 * 1024;
