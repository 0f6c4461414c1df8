//! Sends requests to an issuer, with bounds on time and size.
//!
//! Redirects are not followed, because an operator has not configured the target. Proxies of the
//! environment are not used, because a proxy would resolve names that this server could not check.
//! Start reading at [`Http::get`].

use std::{net::SocketAddr, sync::Arc, time::Duration};

use doorward_core::BoxError;
use reqwest::{
    Client, RequestBuilder, Response, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::ACCEPT,
    redirect::Policy,
};

use crate::remote::{error::RequestError, reach::Reach};

/// HTTP client of one issuer.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Client,
}

impl Http {
    /// Creates a client that contacts only addresses within `reach`.
    pub(crate) fn new(reach: Reach) -> Result<Self, RequestError> {
        let client = Client::builder()
            .user_agent(concat!("doorward/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .pool_max_idle_per_host(MAX_IDLE)
            .dns_resolver(Arc::new(Guarded(Arc::new(reach))))
            .build()
            .map_err(RequestError::Client)?;
        Ok(Self { client })
    }

    /// Returns the body of a document, which has at most `max` bytes. Fails if the status is not 200.
    pub(crate) async fn get(&self, url: Url, max: usize) -> Result<Vec<u8>, RequestError> {
        match self.exchange(self.client.get(url), max).await? {
            (200, body) => Ok(body),
            (status, _) => Err(RequestError::Status(status)),
        }
    }

    /// Starts a request with the method POST.
    pub(crate) fn post(&self, url: Url) -> RequestBuilder {
        self.client.post(url)
    }

    /// Sends a request and returns the status of its response, and the body if the status is 200 or 400.
    /// Fails if the response is a
    /// redirect, or if the body has more than `max` bytes.
    pub(crate) async fn exchange(
        &self,
        request: RequestBuilder,
        max: usize,
    ) -> Result<(u16, Vec<u8>), RequestError> {
        let response = request.header(ACCEPT, "application/json").send().await.map_err(failed)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(RequestError::Redirected);
        }
        // Only these answers have a body that is read. A proxy may add a large page to others.
        let body = match status.as_u16() {
            200 | 400 => body(response, max).await?,
            _ => Vec::new(),
        };
        Ok((status.as_u16(), body))
    }
}

async fn body(mut response: Response, max: usize) -> Result<Vec<u8>, RequestError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > max {
            return Err(RequestError::TooLarge(max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn failed(error: reqwest::Error) -> RequestError {
    // A connection that is not made in time is a timeout, too.
    if error.is_timeout() && !error.is_connect() {
        RequestError::TimedOut(ANSWER_WITHIN)
    } else {
        // The caller names the URL.
        RequestError::Failed(error.without_url())
    }
}

/// Resolver that returns only addresses that may be contacted.
struct Guarded(Arc<Reach>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let all: Vec<SocketAddr> = found.collect();
            let allowed: Vec<SocketAddr> =
                all.iter().copied().filter(|address| reach.allows(address.ip())).collect();
            if let (Some(refused), true) = (all.first(), allowed.is_empty()) {
                return Err(BoxError::from(NotPublic(name.as_str().into(), refused.ip())));
            }
            let (v4, v6): (Vec<_>, Vec<_>) = allowed.into_iter().partition(SocketAddr::is_ipv4);
            let some = v6.into_iter().take(MAX_ADDRESSES).chain(v4.into_iter().take(MAX_ADDRESSES));
            Ok(Box::new(some) as Addrs)
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error(
    "{0} resolves to {1}, which is not a public address: allow its network if the issuer is inside of \
     your own network"
)]
struct NotPublic(Box<str>, std::net::IpAddr);

/// Maximum duration of the connection, the resolution of the name included. It is shorter than
/// [`ANSWER_WITHIN`], which distinguishes a host that cannot be reached from one that does not answer.
const CONNECT_WITHIN: Duration = Duration::from_millis(1500);

/// Maximum number of addresses of each family that are tried. They share [`CONNECT_WITHIN`].
const MAX_ADDRESSES: usize = 2;

/// Maximum duration of a request. An admission may need two requests, and ends after
/// `Limits::admission_timeout` (5 s by default).
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Maximum number of idle connections to an issuer.
const MAX_IDLE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// Attack 30.
    #[tokio::test]
    async fn a_name_that_resolves_to_a_private_address_is_not_contacted() {
        let resolve = async |issuer: &str| {
            let reach = Reach::new(&Url::parse(issuer).unwrap(), Vec::new());
            let found = Guarded(Arc::new(reach)).resolve("localhost".parse().unwrap()).await;
            found.map(Iterator::count).map_err(|error| error.to_string())
        };

        let refused = resolve("https://id.example.org").await.unwrap_err();
        assert!(refused.contains("not a public address"), "{refused}");
        assert!(resolve("http://localhost:8080").await.unwrap() > 0);
    }
}
