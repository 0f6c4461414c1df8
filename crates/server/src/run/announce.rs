//! Formats the message that shows the address of the server, and how to try it.

use std::{fmt, net::SocketAddr};

use crate::{
    config::{DATA_DIR, PlaceOptions, listen::ListenAddress, public_url::PublicUrl},
    terminal::quoted::quoted,
};

/// Text that is printed when the server starts to accept clients.
#[derive(Debug)]
pub(crate) struct Announcement<'a> {
    pub(crate) addresses: &'a [SocketAddr],
    /// Address in the configuration.
    pub(crate) listen: &'a ListenAddress,
    /// URL of the server for browsers on this machine. `None` for a Unix socket.
    pub(crate) local_url: Option<&'a PublicUrl>,
    pub(crate) public_url: &'a PublicUrl,
    /// `true` if the public URL was configured.
    pub(crate) is_configured: bool,
    pub(crate) place: &'a PlaceOptions,
}

impl Announcement<'_> {
    /// Returns a hint if the server listens on an address other than loopback and its public URL is
    /// not configured. Returns `None` otherwise.
    pub(crate) fn hint(&self) -> Option<String> {
        let open = self.addresses.iter().find(|address| !address.ip().is_loopback())?;
        (!self.is_configured).then(|| {
            format!(
                "Hint: this server listens on {open} but answers to {} only. Set public_url in a \
                 configuration file (--config FILE) to the address that browsers open, such as \
                 public_url = \"https://chat.example.org\".",
                self.public_url
            )
        })
    }

    fn where_it_listens(&self) -> String {
        let is_open = self.addresses.iter().any(|address| !address.ip().is_loopback());
        match self.local_url {
            None => format!("{}, for {}", self.listen, self.public_url),
            Some(local) if local == self.public_url || is_open => self.public_url.to_string(),
            Some(local) => format!("{local}, for {}", self.public_url),
        }
    }
}

impl fmt::Display for Announcement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Doorward {VERSION} is listening on {}", self.where_it_listens())?;
        write!(f, "Open it in a browser, or get a token:  doorward token --sub alice")?;
        if let Some(config) = &self.place.config {
            write!(f, " --config {}", quoted(config))?;
        }
        match (&self.place.data_dir, &self.place.config) {
            (Some(data_dir), _) => write!(f, " --data-dir {}", quoted(data_dir))?,
            (None, None) => write!(f, " --data-dir {DATA_DIR}")?,
            (None, Some(_)) => {}
        }
        writeln!(f)
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(at: &str, public_url: Option<&str>, place: &PlaceOptions) -> (String, bool) {
        let (local, listen) = (PublicUrl::localhost(false, 3000), ListenAddress::default());
        let announcement = Announcement {
            addresses: &[at.parse().unwrap()],
            listen: &listen,
            local_url: Some(&local),
            public_url: &public_url.map_or_else(|| local.clone(), |url| url.parse().unwrap()),
            is_configured: public_url.is_some(),
            place,
        };
        (announcement.to_string(), announcement.hint().is_some())
    }

    fn first_line(at: &str, public_url: Option<&str>) -> (String, bool) {
        let (text, hint) = announced(at, public_url, &PlaceOptions::default());
        (text.lines().next().unwrap().replace(VERSION, "VERSION"), hint)
    }

    #[test]
    fn the_address_is_said_as_browsers_need_it() {
        let cases = [
            ("127.0.0.1:3000", None, "http://localhost:3000", false),
            ("[::1]:3000", None, "http://localhost:3000", false),
            (
                "127.0.0.1:3000",
                Some("https://a.org"),
                "http://localhost:3000, for https://a.org",
                false,
            ),
            ("0.0.0.0:3000", None, "http://localhost:3000", true),
            ("0.0.0.0:3000", Some("https://a.org"), "https://a.org", false),
        ];
        for (at, public_url, expected, hint) in cases {
            let line = format!("Doorward VERSION is listening on {expected}");
            assert_eq!(first_line(at, public_url), (line, hint));
        }
    }

    #[test]
    fn a_unix_socket_is_named_with_its_url() {
        let announcement = Announcement {
            addresses: &[],
            listen: &"unix:/run/d.sock".parse().unwrap(),
            local_url: None,
            public_url: &"https://a.org".parse().unwrap(),
            is_configured: true,
            place: &PlaceOptions::default(),
        };

        let line =
            format!("Doorward {VERSION} is listening on unix:/run/d.sock, for https://a.org\n");
        assert!(announcement.to_string().starts_with(&line), "{announcement}");
        assert_eq!(announcement.hint(), None);
    }

    #[test]
    fn the_command_for_a_token_uses_the_same_key_and_settings() {
        let command = |data_dir: Option<&str>, config: Option<&str>| {
            let place =
                PlaceOptions { data_dir: data_dir.map(Into::into), config: config.map(Into::into) };
            let (text, _) = announced("127.0.0.1:3000", None, &place);
            text.split_once("doorward token ").unwrap().1.to_owned()
        };

        assert_eq!(command(None, None), "--sub alice --data-dir ./doorward-data\n");
        assert_eq!(command(Some("/a b"), None), "--sub alice --data-dir '/a b'\n");
        assert_eq!(command(None, Some("c.toml")), "--sub alice --config c.toml\n");
        assert_eq!(command(Some("d"), Some("'")), "--sub alice --config ''\\''' --data-dir d\n");
    }
}
