//! Authenticates clients by opaque tokens.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::SystemTime,
};

use doorward_core::{
    AuthenticateError, Authenticator, Grant, Handshake, Issued, Problem, Refusal, RefusalReason,
};

use crate::{
    credential::{
        denied::Denied,
        explicit::Explicit,
        shown::{Shown, ShowsCredential},
    },
    introspection::{
        client::{IntrospectionClient, Purpose},
        lease::IntrospectionLease,
        recent::KEEP_FOR,
    },
    jwt::{claims::Claims, policy::Policy},
};

/// Authenticates clients that send an opaque access token in `auth.token`. It asks the authorization
/// server about the token (token introspection, RFC 7662).
///
/// An answer is used for at most 10 seconds. Clients with the same token share one request. While
/// a socket is connected, the server asks again at each sweep (`Limits::sweep_interval`, 10 seconds
/// by default). A socket whose token is no longer active closes then.
///
/// If the authorization server does not answer within 2 seconds, nothing is decided: a client
/// reconnects, and a connected socket may stay for `Limits::store_grace`. If it cannot be reached, is
/// overloaded, or refuses the client secret five times in a row, it receives one request in 5 seconds
/// only. At most 32 requests for clients that connect are sent at a time, and as many for connected
/// sockets. At most 256 requests for clients that connect run or wait, and 32 for one network (an
/// IPv4 address, or an IPv6 /64). A client beyond that is not decided, and reconnects.
///
/// The principal is the answer, as [`Claims`]. A token whose lifetime (`exp - iat`) is longer than 30
/// days is refused. A token without `exp` is accepted for as long as it is active.
///
/// # Examples
/// ```
/// use doorward_auth::{Introspection, IssuerError};
///
/// /// Accepts the opaque tokens of an authorization server. Read the secret from the environment.
/// fn tokens(secret: &str) -> Result<Introspection, IssuerError> {
///     Introspection::at("https://id.example.org/oauth2/introspect", "chat", secret).audience("chat")
/// }
/// ```
///
/// # Security
/// If the answers have no `iat`, a revocation on this server closes the sockets of a user, but does
/// not refuse a token that was issued before it. Revoke such tokens at the authorization server.
///
/// The authorization server receives each token that any client shows. A token is kept in memory
/// while its socket is connected. `Debug` prints neither tokens nor the client secret.
#[derive(Clone)]
#[must_use = "an authenticator has no effect until a server is built with it"]
pub struct Introspection {
    pub(super) client: Arc<IntrospectionClient>,
    pub(super) policy: Arc<Policy>,
}

impl Introspection {
    /// Verifies a token, as for a client that shows it in `auth.token`, and returns the answer about
    /// it. Use it where a token arrives by another way than a CONNECT. `now` is the current time.
    ///
    /// # Errors
    /// - [`AuthenticateError::Refused`]: the token is not active, or its answer breaks a rule.
    /// - [`AuthenticateError::Unavailable`]: the authorization server did not answer.
    ///
    /// # Cancel safety
    /// If the future is dropped, the request goes on.
    pub async fn verify(&self, token: &str, now: SystemTime) -> Result<Claims, AuthenticateError> {
        self.ask(token, now, None).await
    }

    /// Verifies a token that a client at this address has shown.
    async fn ask(
        &self,
        token: &str,
        now: SystemTime,
        address: Option<IpAddr>,
    ) -> Result<Claims, AuthenticateError> {
        if let Err(problem) = check_form(token) {
            let denied = Explicit::Token.denied(RefusalReason::TokenMalformed, problem);
            return Err(Refusal::from(denied).into());
        }
        let purpose = Purpose::Connect(address.map(network));
        let answer = self.client.ask(token, now, KEEP_FOR, purpose).await;
        let answer = answer.map_err(|error| AuthenticateError::Unavailable(error.into()))?;
        let members = answer.members().ok_or_else(|| Refusal::from(INACTIVE))?;
        self.policy.check(members, now).map_err(|denied| Refusal::from(denied).into())
    }
}

impl Authenticator for Introspection {
    type Principal = Claims;

    async fn authenticate(&self, handshake: Handshake) -> Result<Grant<Claims>, AuthenticateError> {
        let token = Explicit::Token.find(&handshake.auth).map_err(Refusal::from)?;
        let address = handshake.request.client_ip();
        let claims = self.ask(token, handshake.at, address).await?;
        let lease = IntrospectionLease {
            client: Arc::clone(&self.client),
            policy: Arc::clone(&self.policy),
            token: token.into(),
            user: claims.subject.clone(),
        };
        let mut grant = Grant::new((), claims.subject.clone()).lease(Arc::new(lease));
        if claims.get("exp").is_some() {
            grant = grant.expires_at(claims.expires_at);
        }
        // Without a time of issue, the token counts as issued when it is shown.
        grant.issued = claims
            .issued_at
            .map(|at| Issued::Claimed { at, ahead: self.policy.leeway(claims.generation) });
        grant.session.clone_from(&claims.session);
        grant.token.clone_from(&claims.token);
        grant.signed_in_at = claims.signed_in_at;
        Ok(grant.with_principal(claims))
    }
}

impl ShowsCredential for Introspection {
    fn shown(&self, handshake: &Handshake) -> Shown {
        Explicit::Token.shown(&handshake.auth)
    }
}

doorward_core::debug_fields!(Introspection { client });

/// Returns the network that counts as one client: an IPv4 address, or an IPv6 /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Checks that a text can be a token (RFC 6750 section 2.1), so that nothing else is sent to the
/// authorization server.
fn check_form(token: &str) -> Result<(), Problem> {
    if token.len() > MAX_TOKEN {
        return Err(Problem::TooLong);
    }
    if token.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("Bearer ")) {
        return Err(Problem::Prefixed);
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() || !token.bytes().all(is_plain) {
        return Err(Problem::Malformed);
    }
    Ok(())
}

/// Refusal of a token that is not active. Its client does not learn if it has expired or was revoked.
const INACTIVE: Denied = Explicit::Token.denied(RefusalReason::TokenInactive, Problem::Unknown);

/// Maximum size of a token, in bytes.
const MAX_TOKEN: usize = 8 * 1024;
