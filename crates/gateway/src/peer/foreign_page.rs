//! Recognises links that were opened by a page of another host. Such links have separate budgets.
//!
//! Any page can open links in the browsers of its visitors, and so from the addresses of the
//! visitors. The separate budgets prevent such a page from using up the budgets of its visitors. No
//! link is refused here: `auth/src/cookie/origins.rs` decides from which pages a cookie is
//! accepted. Start reading at [`Page::of`].

use doorward_core::Headers;

/// The kind of page that opened a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// A page of another host, as the browser says in `Origin`. No page can change that header
    /// (Fetch standard, forbidden request-header).
    Foreign,
    /// A page of this host, a page whose origin the application has configured, or a client that is
    /// not a browser.
    Own,
}

impl Page {
    /// Returns the kind of page that opened a link, by the `Origin` in `headers`. `own` holds the
    /// origins of the application's pages on other hosts.
    pub(crate) fn of(headers: &Headers, own: &[Box<str>]) -> Self {
        let mut origins = headers.iter().filter(|(name, _)| *name == "origin");
        let (origin, other) = (origins.next(), origins.next());
        let Some((_, origin)) = origin else { return Self::Own };
        let host = headers.get("host").unwrap_or_default();
        let scheme = [&b"http://"[..], b"https://"];
        let authority = scheme.iter().find_map(|scheme| origin.strip_prefix(*scheme));
        match authority {
            // Browsers send one `Origin` (RFC 6454, section 7.3), so two `Origin` headers prove
            // nothing.
            _ if other.is_some() => Self::Foreign,
            _ if own.iter().any(|own| own.as_bytes() == origin) => Self::Own,
            Some(authority) if authority.eq_ignore_ascii_case(host) => Self::Own,
            _ => Self::Foreign,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn page(host: &str, origins: &[&str]) -> Page {
        let mut map = HeaderMap::new();
        map.append("host", host.parse().unwrap());
        for origin in origins {
            map.append("origin", origin.parse().unwrap());
        }
        Page::of(&Headers::from(&map), &["capacitor://localhost".into()])
    }

    #[test]
    fn a_page_is_own_when_its_origin_is_the_host() {
        assert_eq!(page("chat.example.org", &[]), Page::Own);
        assert_eq!(page("chat.example.org", &["https://chat.example.org"]), Page::Own);
        assert_eq!(page("localhost:3000", &["http://localhost:3000"]), Page::Own);
    }

    #[test]
    fn a_page_that_the_application_names_is_own() {
        assert_eq!(page("chat.example.org", &["capacitor://localhost"]), Page::Own);
        assert_eq!(page("chat.example.org", &["Capacitor://localhost"]), Page::Foreign);
        let twice = ["capacitor://localhost", "https://evil.example"];
        assert_eq!(page("chat.example.org", &twice), Page::Foreign);
    }

    #[test]
    fn any_other_origin_is_foreign() {
        for origin in [
            "null",
            "",
            "chat.example.org",
            "https://chat.example.org.evil.example",
            "https://evil.example",
            "https://chat.example.org:8443",
            "ftp://chat.example.org",
        ] {
            assert_eq!(page("chat.example.org", &[origin]), Page::Foreign, "{origin}");
        }
        let twice = ["https://chat.example.org", "https://evil.example"];
        assert_eq!(page("chat.example.org", &twice), Page::Foreign);
        assert_eq!(page("", &["https://"]), Page::Own);
    }
}
