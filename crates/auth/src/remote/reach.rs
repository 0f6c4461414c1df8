//! Decides which addresses of the network may be contacted.
//!
//! The address of a key set comes from a document of the issuer, and a name may resolve to any
//! address. Without a check, an issuer or its DNS could make this server send requests to services
//! inside of its own network, such as the metadata service of a cloud (SSRF). The check is made for
//! the addresses that are connected to, after the name is resolved. Start reading at
//! [`Reach::allows`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use reqwest::Url;

use crate::remote::error::UrlProblem;

/// Addresses that may be contacted: all public addresses, and further ones that were allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    /// `true` if the issuer is on this machine. Then only this machine is contacted, and TLS is not
    /// needed.
    is_local: bool,
    /// Networks that the operator has allowed.
    networks: Vec<IpNet>,
}

impl Reach {
    /// Returns the reach of an issuer with this URL.
    pub(crate) fn new(issuer: &Url, networks: Vec<IpNet>) -> Self {
        Self { is_local: is_local(issuer), networks }
    }

    /// Returns `true` if the address may be contacted.
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if self.networks.iter().any(|network| network.contains(&address)) {
            return true;
        }
        if self.is_local { address.is_loopback() } else { is_public(address) }
    }

    /// Checks the URL of a request. The addresses of its host are checked when it is resolved.
    pub(crate) fn check(&self, url: &Url) -> Result<(), UrlProblem> {
        match url.scheme() {
            "https" => {}
            // The requests stay on this machine.
            "http" if self.is_local && is_local(url) => {}
            "http" => return Err(UrlProblem::Insecure),
            _ => return Err(UrlProblem::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlProblem::Password);
        }
        match address(url) {
            Some(address) if !self.allows(address) => Err(UrlProblem::Address(address)),
            _ => Ok(()),
        }
    }
}

/// Returns `true` if the host of a URL is this machine.
pub(crate) fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == "localhost"
        || host.ends_with(".localhost")
        || address(url).is_some_and(|address| address.to_canonical().is_loopback())
}

/// Returns the address in a URL whose host is not a name.
fn address(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

/// Returns `true` if the address is globally reachable (IANA special-purpose address registries,
/// RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        // "This network", private networks, carrier-grade NAT, and this machine.
        (0 | 10 | 127, _, _) | (100, 64..=127, _) | (172, 16..=31, _) | (192, 168, _)
        // Link-local addresses. Clouds serve the metadata of a machine at 169.254.169.254.
        | (169, 254, _)
        // Protocol assignments, documentation, benchmarks, and the former 6to4 relays.
        | (192, 0, 0 | 2) | (192, 88, 99) | (198, 18..=19, _) | (198, 51, 100) | (203, 0, 113)
        // Multicast, reserved and broadcast.
        | (224..=255, _, _)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b) {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) contain an IPv4 address, which is contacted.
        (0x64, 0xff9b) => [c, d, e, f] == [0; 4] && embedded(g, h),
        (0x2002, _) => embedded(b, c),
        // Protocol assignments such as Teredo, and documentation.
        (0x2001, 0..=0x1ff | 0xdb8) | (0x3fff, 0..=0xfff) => false,
        // Only this block is assigned to the public network (RFC 4291 section 2.4).
        _ => (0x2000..=0x3fff).contains(&a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(issuer: &str, networks: &[&str]) -> Reach {
        let networks = networks.iter().map(|text| text.parse().unwrap()).collect();
        Reach::new(&issuer.parse().unwrap(), networks)
    }

    fn allowed(reach: &Reach, address: &str) -> bool {
        reach.allows(address.parse().unwrap())
    }

    /// Attacks 5 and 30.
    #[test]
    fn only_public_addresses_are_contacted() {
        let reach = reach("https://id.example.org", &[]);

        for public in ["1.1.1.1", "93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700::1111"] {
            assert!(allowed(&reach, public), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.0.0.1",
            "127.0.0.1",
            "100.64.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "192.0.0.192",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::10.0.0.1",
            "fe80::1",
            "fd00:ec2::254",
            "fc00::1",
            "ff02::1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:a9fe:a9fe::1",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!allowed(&reach, private), "{private}");
        }
        assert!(allowed(&reach, "64:ff9b::101:101"));
    }

    #[test]
    fn a_named_network_is_contacted_and_others_are_not() {
        let reach = reach("https://id.example.org", &["10.1.0.0/16", "fd00::/8"]);

        for address in ["10.1.2.3", "::ffff:10.1.2.3", "fd12::1", "1.1.1.1"] {
            assert!(allowed(&reach, address), "{address}");
        }
        for address in ["10.2.0.1", "192.168.0.1", "169.254.169.254", "127.0.0.1"] {
            assert!(!allowed(&reach, address), "{address}");
        }
    }

    #[test]
    fn an_issuer_on_this_machine_reaches_only_this_machine() {
        for issuer in
            ["http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:1", "http://id.localhost"]
        {
            let reach = reach(issuer, &[]);
            assert!(allowed(&reach, "127.0.0.1") && allowed(&reach, "::1"), "{issuer}");
            assert!(!allowed(&reach, "10.0.0.1") && !allowed(&reach, "1.1.1.1"), "{issuer}");
            assert_eq!(reach.check(&issuer.parse().unwrap()), Ok(()));
        }
    }

    #[test]
    fn a_url_needs_tls_unless_it_stays_on_this_machine() {
        let public = reach("https://id.example.org", &[]);
        let local = reach("http://localhost:1", &["10.0.0.0/8"]);
        let check = |reach: &Reach, url: &str| reach.check(&url.parse().unwrap());

        assert_eq!(check(&public, "https://keys.example.org/a"), Ok(()));
        assert_eq!(check(&public, "http://id.example.org"), Err(UrlProblem::Insecure));
        assert_eq!(check(&public, "http://localhost:1"), Err(UrlProblem::Insecure));
        assert_eq!(check(&local, "http://10.0.0.1"), Err(UrlProblem::Insecure));
        assert_eq!(check(&public, "file:///etc/passwd"), Err(UrlProblem::Scheme));
        assert_eq!(check(&public, "https://a:b@id.example.org"), Err(UrlProblem::Password));
        for url in [
            "https://169.254.169.254/",
            "https://[::ffff:127.0.0.1]/",
            "https://2130706433/",
            "https://0x7f.1/",
        ] {
            assert!(matches!(check(&public, url), Err(UrlProblem::Address(_))), "{url}");
        }
    }
}
