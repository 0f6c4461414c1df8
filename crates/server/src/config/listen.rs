//! Parses the address to listen on.
//!
//! Only the syntax is checked here, so that the error can name the place of the setting. A name that does not
//! resolve or a port in use is reported when the server binds.

use std::{fmt, net::Ipv6Addr, str::FromStr};

/// Address to listen on: `HOST:PORT`, with an IPv6 address in brackets, or `unix:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenAddress(String);

impl Default for ListenAddress {
    fn default() -> Self {
        Self("localhost:3000".to_owned())
    }
}

impl FromStr for ListenAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        // A relative path would depend on the folder in which a command runs.
        if let Some(path) = text.strip_prefix(UNIX) {
            let is_path = path.starts_with('/') && !path.ends_with('/');
            return if is_path { Ok(Self(text.to_owned())) } else { Err(NO_PATH) };
        }
        let (host, port) = text.rsplit_once(':').ok_or(NO_ADDRESS)?;
        let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => is_name(host),
        };
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
        // Host names are case-insensitive, and `localhost` is compared literally later.
        if is_host && is_port { Ok(Self(text.to_ascii_lowercase())) } else { Err(NO_ADDRESS) }
    }
}

impl ListenAddress {
    /// Returns `true` for a Unix socket.
    pub(crate) fn is_unix(&self) -> bool {
        self.0.starts_with(UNIX)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns `true` for a host name or an IPv4 address. It may contain letters, digits, `-`, `.` and `_`.
pub(crate) fn is_name(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= MAX_NAME
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// Maximum length of a host name in bytes (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 253;

const UNIX: &str = "unix:";

const NO_ADDRESS: &str =
    "write HOST:PORT, such as localhost:3000, 0.0.0.0:3000 or [::]:3000, or unix:PATH";

const NO_PATH: &str =
    "write the absolute path of a Unix socket, such as unix:/run/doorward/doorward.sock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_ports_are_addresses() {
        for text in ["localhost:0", "0.0.0.0:3000", "[::]:80", "[::1]:65535", "a-b.example:1"] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
        assert_eq!(
            "LocalHost:3000".parse::<ListenAddress>().unwrap().to_string(),
            "localhost:3000"
        );
    }

    #[test]
    fn a_unix_socket_has_a_whole_path() {
        let address = "unix:/run/Doorward/chat.sock".parse::<ListenAddress>().unwrap();
        assert_eq!(address.to_string(), "unix:/run/Doorward/chat.sock");
        assert!(address.is_unix());
        for text in ["unix:", "unix:chat.sock", "unix:/run/"] {
            assert_eq!(text.parse::<ListenAddress>(), Err(NO_PATH), "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let texts = [
            "",
            "3000",
            ":3000",
            "localhost",
            "localhost:",
            "localhost:65536",
            "localhost:-1",
            "localhost:+1",
            "::1:3000",
            "[::1]",
            "[::1:3000",
            "[x]:1",
            "http://localhost:3000",
            "a b:1",
            "localhost:3000/",
        ];
        for text in texts {
            assert_eq!(text.parse::<ListenAddress>(), Err(NO_ADDRESS), "{text:?}");
        }
    }
}
