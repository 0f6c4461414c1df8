//! The TCP sockets that a server listens on.

use std::{fmt, io, net::SocketAddr};

use tokio::net::{TcpListener, TcpSocket, lookup_host};

use crate::error::ServeError;

/// One or more bound TCP sockets.
///
/// A name with several addresses is bound on all of them. `localhost` means both loopback addresses,
/// because browsers try either of them first.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> doorward::Result {
/// use doorward::server::Listeners;
///
/// let listeners = Listeners::bind("localhost:0").await?;
/// assert_ne!(listeners.port(), 0);
/// # Ok(()) }
/// ```
pub struct Listeners(pub(crate) Vec<TcpListener>);

impl Listeners {
    /// Binds `HOST:PORT`. With port 0 the system chooses a free port, the same one for every address.
    ///
    /// # Errors
    /// - [`ServeError::Address`]: the address is not `HOST:PORT`, or the host name does not
    ///   resolve.
    /// - [`ServeError::Bind`]: another program listens on the address, or the address belongs to
    ///   another machine.
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
        // With port 0, the system chooses a port that is free on the first address. If that port is
        // in use on another address, the next attempt chooses a new port.
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

    /// Returns the bound addresses.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Returns the bound port, which is the same for all addresses.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.addresses().first().map_or(0, SocketAddr::port)
    }

    /// Returns the sockets, for use with another HTTP server.
    #[must_use]
    pub fn into_inner(self) -> Vec<TcpListener> {
        self.0
    }

    /// Binds all addresses, with the port of the first one. An address after the first one is
    /// skipped if the machine does not have it.
    fn bind_all(addresses: &[SocketAddr]) -> Result<Self, ServeError> {
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
