//! Who asks for a sign-in, and how they are to be given what they get.

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::{Headers, SocketId, auth::Origins, network};

use crate::wire::{Failure, SignInCode};

/// The client of one request, over a socket or over HTTP.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) binding: Binding,
    pub(crate) address: Option<IpAddr>,
    pub(crate) user_agent: Option<Box<str>>,
    /// The origin of the page, which browsers name: a client that names one is taken for a browser.
    origin: Option<Origin>,
    /// The namespace, for the audit.
    pub(crate) namespace: Option<&'static str>,
}

impl Client {
    /// Reads the headers that tell who it is.
    pub(crate) fn new(binding: Binding, address: Option<IpAddr>, headers: &Headers) -> Self {
        Self {
            binding,
            address,
            user_agent: headers.get_str("user-agent").map(Into::into),
            origin: headers
                .get("origin")
                .map(|_| Origin(headers.get_str("origin").map(Into::into))),
            namespace: None,
        }
    }

    pub(crate) fn is_browser(&self) -> bool {
        self.origin.is_some()
    }

    /// Whether it is a page of another site. What it begins would be no good: an authenticator signs for the
    /// server's own pages.
    pub(crate) fn is_foreign(&self, own: &Origins) -> bool {
        let Some(Origin(origin)) = &self.origin else { return false };
        !origin.as_deref().is_some_and(|origin| own.contains(origin))
    }

    /// The network that a budget counts, where the address is known.
    pub(crate) fn network(&self) -> Option<IpAddr> {
        self.address.map(network)
    }
}

/// What the header says, where it is one text.
#[derive(Debug)]
struct Origin(Option<Box<str>>);

/// Who began a ceremony, and nobody else may finish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Binding {
    /// The browser that holds the cookie with this hash.
    Browser([u8; 32]),
    /// A socket.
    Socket(SocketId),
}

/// How a client gets the session that it has signed in to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handover {
    /// Behind a ticket, for the page that knows what this is the SHA-256 of.
    Ticket([u8; 32]),
    /// Its token, as it is: for clients that keep no cookies.
    Token,
}

impl Handover {
    /// Chooses. A browser never gets a token: its pages could read it.
    pub(crate) fn choose(
        client: &Client,
        exposes_token: bool,
        challenge: Option<&str>,
    ) -> Result<Self, Failure> {
        if exposes_token && !client.is_browser() {
            return Ok(Self::Token);
        }
        let challenge = challenge.ok_or(SignInCode::BadRequest)?;
        let mut hash = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(challenge, &mut hash) {
            Ok(32) => Ok(Self::Ticket(hash)),
            _ => Err(SignInCode::BadRequest.into()),
        }
    }
}
