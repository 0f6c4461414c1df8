//! Reads URLs and networks that the operator has configured.

use std::net::IpAddr;

use ipnet::IpNet;
use reqwest::Url;

use crate::remote::{
    error::{IssuerError, UrlProblem},
    reach::Reach,
};

/// Parses a URL with a host. A text that is not a URL may be a secret in the wrong place, so the error
/// does not contain it.
pub(crate) fn url(text: &str) -> Result<Url, IssuerError> {
    let url: Url = text.parse().map_err(|_malformed| IssuerError::Malformed)?;
    if url.host_str().is_some() { Ok(url) } else { Err(IssuerError::Malformed) }
}

/// Returns the URL if it may be requested.
pub(crate) fn check(reach: &Reach, url: Url) -> Result<Url, IssuerError> {
    match reach.check(&url) {
        Ok(()) => Ok(url),
        Err(problem) => Err(refused(&url, problem)),
    }
}

/// Creates the error for a URL.
pub(crate) fn refused(url: &Url, problem: UrlProblem) -> IssuerError {
    IssuerError::Url { url: shown(url), problem }
}

/// Returns a URL for errors, logs and labels, without user name, password and query, which may be
/// secrets.
pub(crate) fn shown(url: &Url) -> Box<str> {
    let (host, path) = (url.host_str().unwrap_or_default(), url.path());
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{host}{port}{path}", url.scheme()).into()
}

/// Parses networks. A single address is a network of its own.
pub(crate) fn networks(texts: &[String]) -> Result<Vec<IpNet>, IssuerError> {
    let parse = |text: &String| {
        let address = || text.parse().map(|address: IpAddr| IpNet::from(address));
        let network = text.parse().or_else(|_no_network| address());
        network.map_err(|_malformed| IssuerError::Network)
    };
    texts.iter().map(parse).collect()
}
