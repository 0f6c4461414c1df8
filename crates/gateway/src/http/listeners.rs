//! The sockets a server listens on.

use std::{fmt, io, net::SocketAddr};

use tokio::net::{TcpListener, TcpSocket, lookup_host};

use crate::error::ServeError;

/// One or more bound TCP sockets.
///
/// A name that stands for several addresses is bound on all of them: `localhost` means both loopback
/// addresses, as browsers try either.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> doorward::Result {
/// use doorward::Listeners;
///
/// let listeners = Listeners::bind("localhost:0").await?;
/// assert_ne!(listeners.port(), 0);
/// # Ok(()) }
/// ```
pub struct Listeners(pub(crate) Vec<TcpListener>);

impl Listeners {
    /// Binds `HOST:PORT`; port 0 takes a free one, the same on every address.
    ///
    /// # Errors
    /// - [`ServeError::Address`]: it is no `HOST:PORT`, or the host is not known.
    /// - [`ServeError::Bind`]: it is taken, or not this machine's.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing bound.
    pub async fn bind(address: &str) -> Result<Self, ServeError> {
        let bad = |source| ServeError::Address { address: address.into(), source };
        let mut addresses: Vec<SocketAddr> = lookup_host(address).await.map_err(bad)?.collect();
        if address.starts_with("localhost:") {
            add_loopbacks(&mut addresses);
        }
        if addresses.is_empty() {
            return Err(bad(io::ErrorKind::NotFound.into()));
        }
        // A free port of the first address may be taken on the second.
        let mut attempt = 0;
        loop {
            match Self::bind_all(&addresses) {
                Err(ServeError::Bind { source, .. })
                    if addresses[0].port() == 0
                        && attempt < PORT_ATTEMPTS
                        && source.kind() == io::ErrorKind::AddrInUse =>
                {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    /// The addresses that are listened on.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// The port that is listened on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.addresses().first().map_or(0, SocketAddr::port)
    }

    /// The sockets themselves, for another server.
    #[must_use]
    pub fn into_inner(self) -> Vec<TcpListener> {
        self.0
    }

    fn bind_all(addresses: &[SocketAddr]) -> Result<Self, ServeError> {
        let mut listeners: Vec<TcpListener> = Vec::new();
        for &address in addresses {
            let mut address = address;
            if let Some(first) = listeners.first().and_then(|first| first.local_addr().ok()) {
                address.set_port(first.port());
            }
            match listen(address) {
                Ok(listener) => listeners.push(listener),
                // A machine without IPv6 still has a localhost.
                Err(source) if !listeners.is_empty() && is_missing(&source) => {}
                Err(source) => return Err(ServeError::Bind { address, source }),
            }
        }
        Ok(Self(listeners))
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listeners").field(&self.addresses()).finish()
    }
}

/// Listens with room for a crowd: clients that all come back at once must not be reset.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A server that is started again takes its port over from connections that linger.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// `localhost` is both loopback addresses (RFC 6761, section 6.3), whatever the hosts file says.
fn add_loopbacks(addresses: &mut Vec<SocketAddr>) {
    let Some(port) = addresses.first().map(SocketAddr::port) else { return };
    for loopback in [([127, 0, 0, 1], port).into(), ([0, 0, 0, 0, 0, 0, 0, 1], port).into()] {
        if !addresses.contains(&loopback) {
            addresses.push(loopback);
        }
    }
    // IPv4 first: it is the one that every machine has.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.dedup();
}

/// Whether the machine does not have this address at all.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
        || error.raw_os_error() == Some(EAFNOSUPPORT)
}

/// "Address family not supported by protocol", which has no `ErrorKind`.
const EAFNOSUPPORT: i32 = 97;

const PORT_ATTEMPTS: usize = 20;

/// Connections that the operating system holds until they are accepted; it may allow fewer (Linux:
/// `net.core.somaxconn`, 4096).
const BACKLOG: u32 = 4_096;
