//! Describes the client of a sign-in, and decides in which form the client receives its session. Start reading at
//! [`Handover::choose`].

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::{
    __private::network,
    SocketId,
    auth::{Headers, Origins},
};

use crate::wire::{Result, SignInCode};

/// Client of a request that was sent over a socket or over HTTP.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) binding: Binding,
    pub(crate) address: Option<IpAddr>,
    pub(crate) user_agent: Option<Box<str>>,
    /// Origin of the page; `None` if the client sent no `Origin`. A client that sends an `Origin` counts as a browser.
    origin: Option<Origin>,
    /// Namespace of the socket, for the audit record; `None` over HTTP.
    pub(crate) namespace: Option<&'static str>,
}

impl Client {
    /// Creates a client, and reads its user agent and origin from `headers`.
    pub(crate) fn new(binding: Binding, address: Option<IpAddr>, headers: &Headers) -> Self {
        let user_agent = headers.get_str("user-agent").map(Into::into);
        let origin =
            headers.get("origin").map(|_| Origin(headers.get_str("origin").map(Into::into)));
        Self { binding, address, user_agent, origin, namespace: None }
    }

    pub(crate) fn is_browser(&self) -> bool {
        self.origin.is_some()
    }

    /// Returns `true` if the client is a page whose origin is not in `own`. Ceremonies of such a page cannot succeed,
    /// because an authenticator signs only for allowed origins.
    pub(crate) fn is_foreign(&self, own: &Origins) -> bool {
        let Some(Origin(origin)) = &self.origin else { return false };
        !origin.as_deref().is_some_and(|origin| own.contains(origin))
    }

    /// Returns the network of the client, whose budget pays for the client's attempts. Returns `None` if the address is
    /// unknown.
    pub(crate) fn network(&self) -> Option<IpAddr> {
        self.address.map(network)
    }
}

/// Value of the header `Origin`; `None` if it is not visible ASCII.
#[derive(Debug)]
struct Origin(Option<Box<str>>);

/// Owner of a ceremony. Only the client that has started a ceremony may finish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Binding {
    /// Browser that holds the ceremony cookie with this SHA-256 hash.
    Browser([u8; 32]),
    /// Socket with this id.
    Socket(SocketId),
}

/// Form in which a client receives its new session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handover {
    /// A ticket, which the page redeems with the verifier that has this SHA-256 hash.
    Ticket([u8; 32]),
    /// A session token, for clients that keep no cookies.
    Token,
}

impl Handover {
    /// Returns the form in which `client` receives its session. Fails if the client must receive a ticket and
    /// `challenge` is absent or malformed. A browser never receives a token, because its pages could read the token.
    pub(crate) fn choose(
        client: &Client,
        exposes_token: bool,
        challenge: Option<&str>,
    ) -> Result<Self> {
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
