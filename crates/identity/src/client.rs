//! Describes the client of a sign-in, and decides how it receives its session. Start reading at
//! [`Handover::choose`].

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::{
    __private::network,
    SocketId,
    auth::{Headers, Origins},
};

use crate::wire::{Failure, SignInCode};

/// The client of a request, over a socket or over HTTP.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) binding: Binding,
    pub(crate) address: Option<IpAddr>,
    pub(crate) user_agent: Option<Box<str>>,
    /// Origin of the page. A client that sends one counts as a browser.
    origin: Option<Origin>,
    /// Namespace, for the audit record.
    pub(crate) namespace: Option<&'static str>,
}

impl Client {
    /// Reads the client from its headers.
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

    /// Returns `true` for a page of another site. A ceremony of such a page could never succeed: an authenticator
    /// signs for the server's own pages only.
    pub(crate) fn is_foreign(&self, own: &Origins) -> bool {
        let Some(Origin(origin)) = &self.origin else { return false };
        !origin.as_deref().is_some_and(|origin| own.contains(origin))
    }

    /// Returns the network whose budget is charged, if the address is known.
    pub(crate) fn network(&self) -> Option<IpAddr> {
        self.address.map(network)
    }
}

/// Value of the header, if it is one text.
#[derive(Debug)]
struct Origin(Option<Box<str>>);

/// Owner of a ceremony; no other client may finish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Binding {
    /// The browser that holds the cookie with this hash.
    Browser([u8; 32]),
    /// A socket.
    Socket(SocketId),
}

/// How a client receives its new session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handover {
    /// As a ticket, for the page that knows the preimage of this SHA-256 hash.
    Ticket([u8; 32]),
    /// As a session token, for clients that keep no cookies.
    Token,
}

impl Handover {
    /// Chooses the way. A browser never receives a token, which its pages could read.
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
