//! Reads URLs and networks that the operator has configured.

use std::net::IpAddr;

use ipnet::IpNet;
use reqwest::Url;

use crate::remote::{
    error::{IssuerError, UrlProblem},
    reach::Reach,
};

/// Parses a URL with a host.
pub(crate) fn url(text: &str) -> Result<Url, IssuerError> {
    let malformed = || IssuerError::Url { url: shown(text).into(), problem: UrlProblem::Malformed };
    let url: Url = text.parse().map_err(|_malformed| malformed())?;
    if url.host_str().is_some() { Ok(url) } else { Err(malformed()) }
}

/// Returns the URL if it may be requested.
pub(crate) fn check(reach: &Reach, url: Url) -> Result<Url, IssuerError> {
    match reach.check(&url) {
        Ok(()) => Ok(url),
        Err(problem) => Err(refused(&url, problem)),
    }
}

/// Creates the error for a URL. A password in it is not shown.
pub(crate) fn refused(url: &Url, problem: UrlProblem) -> IssuerError {
    let mut shown = url.clone();
    // A URL without a host has no password. It is the only kind for which this fails.
    if shown.set_username("").and_then(|()| shown.set_password(None)).is_err() {
        return IssuerError::Url { url: url.scheme().into(), problem };
    }
    shown.set_query(None);
    IssuerError::Url { url: shown.as_str().into(), problem }
}

/// Parses networks. A single address is a network of its own.
pub(crate) fn networks(texts: &[String]) -> Result<Vec<IpNet>, IssuerError> {
    let parse = |text: &String| {
        let address = || text.parse().map(|address: IpAddr| IpNet::from(address));
        let network = text.parse().or_else(|_no_network| address());
        network.map_err(|_malformed| IssuerError::Network(shown(text).into()))
    };
    texts.iter().map(parse).collect()
}

/// Returns the beginning of a text of the operator, for an error. A text that is not a URL may be a
/// secret in the wrong place, so the rest is not shown.
fn shown(text: &str) -> &str {
    text.get(..text.floor_char_boundary(SHOWN)).unwrap_or_default()
}

const SHOWN: usize = 32;
