//! Reads the header of the PROXY protocol, version 2.
//!
//! A proxy that forwards TCP cannot add an HTTP header. It sends a binary header first, which names
//! both ends of the connection that it forwards
//! (<https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt>, section 2.2). Version 1, a line of
//! text, is not read. Start reading at [`ProxyHeader::length`].

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The part of a header that has a fixed length.
pub(crate) type FixedPart = [u8; 16];

/// Connection that a proxy forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyHeader {
    /// The proxy forwards a connection from this address.
    Forwarded(SocketAddr),
    /// The proxy has opened the connection itself, for example for a health check, or it does not
    /// know the address.
    Local,
}

impl ProxyHeader {
    /// Returns the number of bytes that follow the fixed part of a header.
    pub(crate) fn length(start: &FixedPart) -> Result<usize, ProxyHeaderError> {
        let [signature @ .., version_and_command, _, high, low] = start;
        if signature != SIGNATURE || version_and_command >> 4 != VERSION {
            return Err(ProxyHeaderError::Missing);
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length <= MAX_LENGTH { Ok(length) } else { Err(ProxyHeaderError::Malformed) }
    }

    /// Reads a header. `rest` are the bytes after its fixed part: the addresses, and fields that are
    /// not used here.
    pub(crate) fn parse(start: &FixedPart, rest: &[u8]) -> Result<Self, ProxyHeaderError> {
        let [.., version_and_command, family_and_protocol, _, _] = *start;
        match version_and_command & 0x0f {
            LOCAL => return Ok(Self::Local),
            PROXY => {}
            _ => return Err(ProxyHeaderError::Malformed),
        }
        // The addresses are source, destination, source port and destination port.
        let (address, port) = match family_and_protocol {
            UNSPECIFIED => return Ok(Self::Local),
            TCP_OVER_IPV4 => {
                let (source, ports) = split::<4>(rest)?;
                (IpAddr::from(source), ports)
            }
            TCP_OVER_IPV6 => {
                let (source, ports) = split::<16>(rest)?;
                (Ipv6Addr::from(source).to_canonical(), ports)
            }
            _ => return Err(ProxyHeaderError::Malformed),
        };
        Ok(Self::Forwarded(SocketAddr::new(address, port)))
    }
}

/// Returns the source address, which has `N` bytes, and the source port.
fn split<const N: usize>(addresses: &[u8]) -> Result<([u8; N], u16), ProxyHeaderError> {
    let (source, rest) = addresses.split_first_chunk().ok_or(ProxyHeaderError::Malformed)?;
    let (_, ports) = rest.split_first_chunk::<N>().ok_or(ProxyHeaderError::Malformed)?;
    let (ports, _) = ports.split_first_chunk::<4>().ok_or(ProxyHeaderError::Malformed)?;
    Ok((*source, u16::from_be_bytes([ports[0], ports[1]])))
}

/// Reason for which a connection from a proxy is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProxyHeaderError {
    /// The header is too long, too short, or of a kind that is not TCP.
    #[error("the PROXY protocol header is malformed")]
    Malformed,
    /// The connection begins with something else.
    #[error("the connection does not begin with a PROXY protocol header of version 2")]
    Missing,
}

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const VERSION: u8 = 2;

/// Commands.
const LOCAL: u8 = 0;
const PROXY: u8 = 1;

/// Families and protocols.
const UNSPECIFIED: u8 = 0x00;
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;

/// Maximum length of addresses and further fields, in bytes. Cloud load balancers send a few hundred
/// bytes.
const MAX_LENGTH: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a header, with a further field behind its addresses.
    fn header(version_and_command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let rest = [addresses, &[0x04, 0x00, 0x01, 0x00]].concat();
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[version_and_command, family], &length, &rest].concat()
    }

    fn read(bytes: &[u8]) -> Result<ProxyHeader, ProxyHeaderError> {
        let (start, rest) = bytes.split_first_chunk().unwrap();
        let length = ProxyHeader::length(start)?;
        ProxyHeader::parse(start, &rest[..length])
    }

    #[test]
    fn the_source_is_the_client() {
        let v4 = [203, 0, 113, 7, 10, 0, 0, 1, 0x12, 0x67, 0x01, 0xbb];
        let mut v6 = [0; 36];
        v6[..16].copy_from_slice(&"2001:db8::7".parse::<Ipv6Addr>().unwrap().octets());
        v6[32..34].copy_from_slice(&4711_u16.to_be_bytes());
        let mut mapped = v6;
        mapped[..16].copy_from_slice(&"::ffff:203.0.113.7".parse::<Ipv6Addr>().unwrap().octets());

        for (family, addresses, client) in [
            (TCP_OVER_IPV4, &v4[..], "203.0.113.7:4711"),
            (TCP_OVER_IPV6, &v6, "[2001:db8::7]:4711"),
            (TCP_OVER_IPV6, &mapped, "203.0.113.7:4711"),
        ] {
            let client = ProxyHeader::Forwarded(client.parse().unwrap());
            assert_eq!(read(&header(0x21, family, addresses)), Ok(client));
        }
    }

    #[test]
    fn a_health_check_and_an_unknown_address_are_of_the_proxy() {
        assert_eq!(read(&header(0x20, TCP_OVER_IPV4, &[1; 12])), Ok(ProxyHeader::Local));
        assert_eq!(read(&header(0x20, UNSPECIFIED, &[])), Ok(ProxyHeader::Local));
        assert_eq!(read(&header(0x21, UNSPECIFIED, &[])), Ok(ProxyHeader::Local));
    }

    #[test]
    fn anything_else_is_refused() {
        use ProxyHeaderError::{Malformed, Missing};

        let v4 = [203, 0, 113, 7, 10, 0, 0, 1, 0x12, 0x67, 0x01, 0xbb];
        let mut long = header(0x21, TCP_OVER_IPV4, &v4);
        long[14..16].copy_from_slice(&4097_u16.to_be_bytes());
        let mut short = header(0x21, TCP_OVER_IPV4, &v4);
        short[14..16].copy_from_slice(&11_u16.to_be_bytes());
        let cases = [
            (b"GET / HTTP/1.1\r\nHost: x".to_vec(), Missing),
            (b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 443\r\n".to_vec(), Missing),
            (header(0x11, TCP_OVER_IPV4, &v4), Missing),
            (header(0x31, TCP_OVER_IPV4, &v4), Missing),
            (header(0x22, TCP_OVER_IPV4, &v4), Malformed),
            (header(0x21, 0x12, &v4), Malformed),
            (header(0x21, 0x31, &[0; 216]), Malformed),
            (header(0x21, TCP_OVER_IPV6, &v4), Malformed),
            (long, Malformed),
            (short, Malformed),
        ];
        for (bytes, expected) in cases {
            assert_eq!(read(&bytes), Err(expected), "{bytes:?}");
        }
    }
}
