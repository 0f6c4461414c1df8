//! Finds the address of a client behind reverse proxies.
//!
//! Budgets, limits and audit records use the address of the client. Behind a proxy, the connections
//! of all clients come from the address of the proxy. A proxy appends the address of its peer to
//! `X-Forwarded-For`. Any client can send this header, so an entry counts only if a trusted proxy
//! has appended it. Start reading at [`TrustedProxies::client`].

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

/// The proxies whose `X-Forwarded-For` header is trusted.
///
/// [`Builder::trusted_proxies`](crate::Builder::trusted_proxies) creates this value for the server
/// itself. Create another one for routes of an application that another HTTP server serves.
///
/// # Examples
/// ```
/// use doorward::server::TrustedProxies;
///
/// let proxies = TrustedProxies::new(["10.0.0.0/8"])?;
/// let mut headers = http::HeaderMap::new();
/// headers.insert("x-forwarded-for", "203.0.113.7".parse()?);
///
/// let client = proxies.client("10.0.0.1:4711".parse()?, &headers);
///
/// assert_eq!(client.ip().to_string(), "203.0.113.7");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Creates the list from addresses, or from networks such as `10.0.0.0/8`.
    ///
    /// # Errors
    /// [`TrustedProxyError`]: an entry is neither an address nor a network, or is a network larger
    /// than `10.0.0.0/8` or `fc00::/7`.
    pub fn new<T: AsRef<str>>(
        networks: impl IntoIterator<Item = T>,
    ) -> Result<Self, TrustedProxyError> {
        let network = |text: T| {
            let text = text.as_ref();
            let address = text.parse::<IpAddr>().map(IpNet::from).ok();
            let network: Option<IpNet> = address.or_else(|| text.parse().ok());
            // An IPv4 address that is written as an IPv6 address (RFC 4291, section 2.5.5.2) would
            // never match, so it is converted. If half of all addresses were trusted, any client
            // could claim any address, so such networks are rejected.
            let least = |network: &IpNet| if network.addr().is_ipv4() { 8 } else { 7 };
            network
                .and_then(canonical)
                .filter(|network| network.prefix_len() >= least(network))
                .ok_or(TrustedProxyError(()))
        };
        networks.into_iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    /// Returns the address of the client that sent a request. `peer` is the other end of the TCP
    /// connection, and `headers` are those of the request. If `peer` is not a trusted proxy, it is
    /// the client. The port is 0 if a proxy reported the address.
    #[must_use]
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.trusts(peer.ip()) {
            return peer;
        }
        // The header is read from its end, because each proxy appends an address. The last address
        // comes from the nearest proxy.
        let mut client = peer;
        let values = headers.get_all(FORWARDED_FOR).iter().rev();
        for hop in values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b',')) {
            let Some(address) = std::str::from_utf8(hop).ok().and_then(|hop| read(hop.trim()))
            else {
                // Not an address, for example `unknown`: the chain ends here.
                break;
            };
            client = SocketAddr::new(address, 0);
            if !self.trusts(address) {
                break;
            }
        }
        client
    }

    /// Returns `true` if no proxy is trusted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `true` if `address` is that of a trusted proxy.
    ///
    /// # Examples
    /// ```
    /// use doorward::server::TrustedProxies;
    ///
    /// let proxies = TrustedProxies::new(["10.0.0.0/8"])?;
    /// assert!(proxies.trusts("10.0.0.1".parse()?));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Converts an IPv4 network that is written as an IPv6 network, and returns any other network
/// unchanged. Returns `None` if the IPv6 network also has addresses that are not IPv4 addresses.
fn canonical(network: IpNet) -> Option<IpNet> {
    match network.addr().to_canonical() {
        address if address.is_ipv4() && network.addr().is_ipv6() => {
            IpNet::new(address, network.prefix_len().checked_sub(96)?).ok()
        }
        _ => Some(network),
    }
}

/// Parses an address, with or without a port.
fn read(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse().ok().map(|at: SocketAddr| at.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// Error returned for an entry that is neither an address nor a network, or that is too large a network.
///
/// # Examples
/// ```
/// use doorward::server::TrustedProxies;
///
/// assert!(TrustedProxies::new(["0.0.0.0/0"]).is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "trusted_proxies are addresses or networks, such as \"127.0.0.1\" or \"10.0.0.0/8\"; a network of more addresses \
     than that is refused"
)]
pub struct TrustedProxyError(());

doorward_core::debug_as_sentence!(TrustedProxyError);

/// Name of the header in which proxies report the addresses of their clients.
pub(crate) const FORWARDED_FOR: &str = "x-forwarded-for";

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let proxies = TrustedProxies::new(trusted).unwrap();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        proxies.client(peer, &headers).ip().to_string()
    }

    /// Attack 51.
    #[test]
    fn a_stranger_cannot_say_where_it_comes_from() {
        assert_eq!(client(&[], "203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
        assert_eq!(client(&["127.0.0.1"], "203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
        // The client has sent a header of its own, and the proxy has appended the real address.
        let lied = ["1.2.3.4, 5.6.7.8, 203.0.113.7"];
        assert_eq!(client(&["127.0.0.1"], "127.0.0.1", &lied), "203.0.113.7");
        let two = ["1.2.3.4", "203.0.113.7"];
        assert_eq!(client(&["127.0.0.1"], "127.0.0.1", &two), "203.0.113.7");
    }

    #[test]
    fn a_chain_of_trusted_proxies_is_followed_to_its_end() {
        let trusted = ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"];
        let chain = ["203.0.113.7, 10.1.2.3", "[2001:db8::1]:443"];

        assert_eq!(client(&trusted, "127.0.0.1", &chain), "203.0.113.7");
        assert_eq!(client(&trusted, "::ffff:127.0.0.1", &["2001:db9::7"]), "2001:db9::7");
        assert_eq!(client(&trusted, "127.0.0.1", &["10.1.1.1"]), "10.1.1.1");
    }

    #[test]
    fn entries_that_are_malformed_or_too_large_are_rejected() {
        let halves = ["0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/7", "8000::/1", "::ffff:0.0.0.0/96"];
        for text in ["0.0.0.0/0", "::/0", "", "localhost", "10.0.0.0/33"].into_iter().chain(halves)
        {
            assert!(TrustedProxies::new([text]).is_err(), "{text}");
        }
    }

    #[test]
    fn an_ipv4_address_may_be_written_as_an_ipv6_address() {
        for trusted in ["::ffff:127.0.0.1", "::ffff:127.0.0.0/104"] {
            assert_eq!(client(&[trusted], "127.0.0.1", &["203.0.113.7"]), "203.0.113.7");
        }
    }

    #[test]
    fn an_entry_that_is_not_an_address_ends_the_chain() {
        for bad in ["", "unknown", "_hidden", "203.0.113.7, nonsense", "300.1.1.1"] {
            assert_eq!(client(&["127.0.0.1"], "127.0.0.1", &[bad]), "127.0.0.1", "{bad:?}");
        }
        assert_eq!(client(&["127.0.0.1"], "127.0.0.1", &[]), "127.0.0.1");
    }
}
