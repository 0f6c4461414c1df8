//! Who asks for a sign-in, and how they are to be given what they get.

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::{Headers, network};

use crate::{
    ceremonies::Binding,
    wire::{Failure, SignInCode},
};

/// The client of one request, over a socket or over HTTP.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) binding: Binding,
    pub(crate) address: Option<IpAddr>,
    pub(crate) user_agent: Option<Box<str>>,
    /// A browser names the origin of the page; whoever does is taken for one.
    pub(crate) is_browser: bool,
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
            is_browser: headers.get("origin").is_some(),
            namespace: None,
        }
    }

    /// The network that a budget counts, where the address is known.
    pub(crate) fn network(&self) -> Option<IpAddr> {
        self.address.map(network)
    }
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
        if exposes_token && !client.is_browser {
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
