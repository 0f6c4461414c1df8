//! The sockets that a server listens on.

mod unix;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
};

use tokio::net::{TcpListener, TcpSocket, lookup_host};

use self::unix::UnixSocket;
use crate::{
    error::ServeError,
    http::{setup::ConnectionSetup, tls::Tls},
    transport::stream::Connection,
};

/// Bound sockets of a server: one or more TCP sockets, or one Unix socket.
///
/// A host name with several addresses is bound on all of them. `localhost` means both loopback
/// addresses, because browsers try either of them first.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> doorward::Result {
/// use doorward::server::Listeners;
///
/// let listeners = Listeners::bind("localhost:0").await?;
/// assert_ne!(listeners.port(), Some(0));
/// # Ok(()) }
/// ```
pub struct Listeners {
    pub(crate) sockets: Sockets,
    pub(crate) setup: ConnectionSetup,
}

/// Bound sockets.
pub(crate) enum Sockets {
    Tcp(Vec<TcpListener>),
    Unix(UnixSocket),
}

impl Listeners {
    /// Binds `HOST:PORT`, or `unix:PATH`.
    ///
    /// With port 0 the system chooses a free port, the same one for every address.
    ///
    /// A Unix socket is for a proxy on the same machine. The server counts the proxy as the address
    /// `127.0.0.1`, so name that address in
    /// [`trusted_proxies`](crate::Builder::trusted_proxies). The owner and the group of the process
    /// may connect (mode 0660). The file is removed when the listeners are dropped. A file that a
    /// killed server has left is replaced.
    ///
    /// # Errors
    /// - [`ServeError::Address`]: the address is neither of these, or the host name does not
    ///   resolve.
    /// - [`ServeError::Bind`]: another program listens on the address, or the address belongs to
    ///   another machine. For a Unix socket: its directory does not exist or cannot be written, or
    ///   another file is in the way.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing bound.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> doorward::Result {
    /// use doorward::server::Listeners;
    ///
    /// # let folder = std::env::temp_dir();
    /// # let address = format!("unix:{}/doorward-{}.sock", folder.display(), std::process::id());
    /// # let address = address.as_str();
    /// # /*
    /// let address = "unix:/run/chat/chat.sock";
    /// # */
    /// let listeners = Listeners::bind(address).await?;
    /// assert!(listeners.path().is_some());
    /// # Ok(()) }
    /// ```
    pub async fn bind(address: &str) -> Result<Self, ServeError> {
        if let Some(path) = address.strip_prefix(UNIX) {
            let bad = |source| ServeError::Bind { address: address.into(), source };
            let socket = UnixSocket::bind(Path::new(path)).await.map_err(bad)?;
            return Ok(Self::of(Sockets::Unix(socket)));
        }
        let bad = |source| ServeError::Address { address: address.into(), source };
        let mut addresses: Vec<SocketAddr> = lookup_host(address).await.map_err(bad)?.collect();
        if address.starts_with("localhost:") {
            add_loopbacks(&mut addresses);
        }
        if addresses.is_empty() {
            return Err(bad(io::ErrorKind::NotFound.into()));
        }
        // With port 0, the system chooses a port that is free on the first address. If that port is
        // in use on another address, the next attempt chooses a new port.
        let mut attempt = 0;
        loop {
            match bind_all(&addresses) {
                Err(ServeError::Bind { source, .. })
                    if addresses[0].port() == 0
                        && attempt < PORT_ATTEMPTS
                        && source.kind() == io::ErrorKind::AddrInUse =>
                {
                    attempt += 1;
                }
                result => return result.map(|bound| Self::of(Sockets::Tcp(bound))),
            }
        }
    }

    fn of(sockets: Sockets) -> Self {
        Self { sockets, setup: ConnectionSetup::default() }
    }

    /// Serves TLS only. Clients connect with `https://` and `wss://`.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn run(doorward: doorward::Doorward) -> doorward::Result {
    /// use doorward::server::{Listeners, ShutdownSignal, Tls};
    ///
    /// let tls = Tls::from_pem_files("chain.pem", "key.pem")?;
    /// let listeners = Listeners::bind("0.0.0.0:443").await?.tls(tls);
    /// let stop = ShutdownSignal::install()?;
    /// doorward.serve_with(listeners, doorward.service(), stop.received()).await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn tls(self, tls: Tls) -> Self {
        Self { setup: ConnectionSetup { tls: Some(tls), ..self.setup }, ..self }
    }

    /// Expects that each connection begins with a header of the PROXY protocol, version 2, which
    /// names the client. Proxies that forward TCP, and network load balancers, send it.
    ///
    /// The header is accepted from [`trusted_proxies`](crate::Builder::trusted_proxies) only. A
    /// connection from another address, or without the header, is closed. The header comes before
    /// the TLS handshake.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn run(doorward: doorward::Doorward) -> doorward::Result {
    /// use doorward::server::Listeners;
    ///
    /// let listeners = Listeners::bind("0.0.0.0:3000").await?.proxy_protocol();
    /// doorward.serve_with(listeners, doorward.service(), std::future::pending()).await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn proxy_protocol(self) -> Self {
        Self { setup: ConnectionSetup { proxy_protocol: true, ..self.setup }, ..self }
    }

    /// Returns the addresses of the TCP sockets. Empty for a Unix socket.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        match &self.sockets {
            Sockets::Tcp(bound) => bound.iter().filter_map(|one| one.local_addr().ok()).collect(),
            Sockets::Unix(_) => Vec::new(),
        }
    }

    /// Returns the port of the TCP sockets, which is the same for all addresses. `None` for a Unix
    /// socket.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.addresses().first().map(SocketAddr::port)
    }

    /// Returns the path of the Unix socket. `None` for TCP.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.sockets {
            Sockets::Tcp(_) => None,
            Sockets::Unix(socket) => Some(socket.path()),
        }
    }

    /// Returns the TCP sockets, for another HTTP server. The settings for TLS and the PROXY protocol
    /// are dropped. A Unix socket is closed.
    #[must_use]
    pub fn into_tcp(self) -> Vec<TcpListener> {
        match self.sockets {
            Sockets::Tcp(bound) => bound,
            Sockets::Unix(_) => Vec::new(),
        }
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners")
            .field("addresses", &self.addresses())
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

/// One bound socket.
pub(crate) enum ListeningSocket {
    Tcp(TcpListener),
    Unix(UnixSocket),
}

impl Sockets {
    /// Returns each socket.
    pub(crate) fn each(self) -> Vec<ListeningSocket> {
        match self {
            Self::Tcp(bound) => bound.into_iter().map(ListeningSocket::Tcp).collect(),
            Self::Unix(socket) => vec![ListeningSocket::Unix(socket)],
        }
    }
}

impl ListeningSocket {
    /// Accepts a connection. The peer of a Unix socket is on this machine, so its address is
    /// `127.0.0.1`.
    ///
    /// # Cancel safety
    /// No accepted connection is lost.
    pub(crate) async fn accept(&self) -> io::Result<(Connection, SocketAddr)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Nagle's algorithm (RFC 896) would delay a small packet until the previous one is
                // acknowledged, often 40 ms later.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::trace!(%error, "TCP_NODELAY was refused.");
                }
                Ok((Connection::Tcp(stream), peer))
            }
            Self::Unix(socket) => {
                let stream = socket.accept().await?;
                Ok((Connection::Other(Box::new(stream)), (Ipv4Addr::LOCALHOST, 0).into()))
            }
        }
    }
}

/// Binds all addresses, with the port of the first one. An address after the first one is skipped if
/// the machine does not have it.
fn bind_all(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, ServeError> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    for &address in addresses {
        let mut address = address;
        if let Some(first) = listeners.first().and_then(|first| first.local_addr().ok()) {
            address.set_port(first.port());
        }
        match listen(address) {
            Ok(listener) => listeners.push(listener),
            // A machine without IPv6 still has `localhost` on IPv4.
            Err(source) if !listeners.is_empty() && is_missing(&source) => {}
            Err(source) => {
                return Err(ServeError::Bind { address: address.to_string().into(), source });
            }
        }
    }
    Ok(listeners)
}

/// Listens with a large backlog, so that clients that all reconnect at once are not reset.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Without this option, a restarted server could not bind its port while connections of the
    // previous process are in TIME_WAIT. On Linux the option does not allow two programs to listen
    // on one port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Adds both loopback addresses, which are what `localhost` means (RFC 6761, section 6.3). Some hosts
/// files list only one of them.
fn add_loopbacks(addresses: &mut Vec<SocketAddr>) {
    let Some(port) = addresses.first().map(SocketAddr::port) else { return };
    for loopback in [([127, 0, 0, 1], port).into(), ([0, 0, 0, 0, 0, 0, 0, 1], port).into()] {
        if !addresses.contains(&loopback) {
            addresses.push(loopback);
        }
    }
    // IPv4 comes first, because every machine has it and the first address must be bound.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.dedup();
}

/// Returns `true` if the machine does not have this address, for example because it has no IPv6.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
        || error.raw_os_error() == Some(EAFNOSUPPORT)
}

/// Error number of Linux for "Address family not supported by protocol". It has no `ErrorKind`.
const EAFNOSUPPORT: i32 = 97;

/// Maximum number of attempts to find a port that is free on all addresses.
const PORT_ATTEMPTS: usize = 20;

/// Maximum number of connections that the operating system queues until they are accepted. The
/// system may allow fewer: the limit of Linux is `net.core.somaxconn`, 4096 by default.
const BACKLOG: u32 = 4_096;

/// Beginning of the address of a Unix socket.
const UNIX: &str = "unix:";
