//! Authenticates the user that an access token names.
//!
//! `verifying` runs the checks of a token. The client learns that its token has expired only if the
//! token is valid in every other respect. It receives the same answer for all other reasons, except
//! for a token that is too large. Only `auth.token` is read. No address in a token is ever requested;
//! the keys of a remote issuer come from its configured address. Start reading at [`Jwt::verify`],
//! then [`Policy::check`](super::policy::Policy::check).

mod among_issuers;
mod constructors;
pub(crate) mod unbound;
mod verifying;
#[cfg(test)]
mod wycheproof;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward_core::{
    AuthenticateError, Authenticator, Grant, Handshake, Issued, MAX_AHEAD, MAX_LIFETIME, Problem,
    Refusal, RefusalReason, Session, UserId,
};

use crate::{
    credential::{
        denied::Denied,
        explicit::Explicit,
        shown::{Shown, ShowsCredential},
    },
    jwt::{
        claims::Claims,
        keys::Keys,
        parts,
        policy::{Audience, Expiry, Policy},
    },
    session::sessions::Sessions,
};

/// Authenticates clients that send an access token, which is a JWT (RFC 7519) in `auth.token`.
///
/// The client passes the token as in `io(url, { auth: { token } })`. Tokens in the query string or
/// in a header are ignored. Use [`Jwt::hs256`] for a secret that the application shares with this
/// server, or [`Jwt::es256`] for the public key of an issuer.
///
/// | setting | default |
/// |---|---|
/// | [`issued_by`](Jwt::issued_by) | any, `iss` may be absent |
/// | [`audience`](Jwt::audience) | none: a token with an `aud` is refused |
/// | [`token_type`](Jwt::token_type) | `typ` absent, `JWT` or `at+jwt` |
/// | [`max_lifetime`](Jwt::max_lifetime) | 24 hours |
/// | [`user_claim`](Jwt::user_claim) | `sub` |
/// | [`bearer`](Jwt::bearer) | no: only the bare token |
/// | [`danger_without_exp`](Jwt::danger_without_exp) | no: `exp` is required |
/// | [`leeway`](Jwt::leeway) | 5 seconds for `nbf` and `iat`, none for `exp`; none for [own](Jwt::key_ring) tokens without `gen` |
///
/// These rules always apply:
///
/// - The token has at most 8 KiB and three segments of strict base64url.
/// - `alg` is the algorithm of the key. The header has no `crit`, `b64`, `jwk`, `jku`, `x5u` or
///   `x5c`.
/// - No object has a duplicate member, and JSON is nested at most 32 deep.
/// - `sub`, or the claim that [`user_claim`](Jwt::user_claim) sets, is 1-255 printable characters,
///   or a whole number from 0 to 2^53 - 1. A number is converted to its decimal digits. `jti` and
///   `sid`, if present, are 1-255 printable characters.
/// - `exp` is in the future. It is present, unless [`danger_without_exp`](Jwt::danger_without_exp)
///   is set. `exp`, `nbf` and `iat` are seconds since 1970, with or without a fraction, until the
///   year 9999.
///
/// The audit record of a refused token names the broken rule without the value, as in `claim="exp"
/// problem="missing"`.
///
/// Times are compared with [`Handshake::at`], which is a time of the server's clock. The [`Grant`]
/// has `sub` as its user, `jti` as its token and `sid` as its session. It expires at `exp`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward_auth::Jwt;
///
/// let jwt = Jwt::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?
///     .issued_by("https://app.example.org")
///     .max_lifetime(Duration::from_secs(15 * 60));
/// # Ok::<_, doorward_auth::KeyError>(())
/// ```
///
/// # Security
/// A `kid` only selects one of the configured keys. A client receives the same refusal for every
/// reason, except if a genuine token or its session has expired, or if the token is too large. The
/// authenticator does not check if the user or the token was revoked. The server checks this after
/// the authentication.
#[derive(Clone, Debug)]
#[must_use = "an authenticator has no effect until a server is built with it"]
pub struct Jwt {
    keys: Keys,
    pub(super) policy: Policy,
    sessions: Option<Arc<Sessions>>,
    /// `true` if the token may have the prefix `Bearer `.
    takes_bearer: bool,
    /// `true` if the ids of users are not those of this issuer alone.
    shares_users: bool,
}

impl Jwt {
    /// Requires an `iss` that is the string `issuer`, byte for byte.
    pub fn issued_by(mut self, issuer: impl Into<String>) -> Self {
        self.policy.issuer = Some(issuer.into());
        self
    }

    /// Requires an `aud` that equals `audience` exactly, or a list of strings that contains it.
    /// After further calls, the `aud` must name one of the audiences, such as the client ids of an
    /// application for browsers and of one for phones.
    ///
    /// Without this setting, a token with an `aud` is refused, because a recipient that is not
    /// named in the `aud` must not accept the token (RFC 7519 section 4.1.3).
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        match &mut self.policy.audience {
            Audience::OneOf(audiences) => audiences.push(audience.into()),
            other => *other = Audience::OneOf(vec![audience.into()]),
        }
        self
    }

    /// Requires a `typ` that equals `token_type`, such as `at+jwt`. By default `typ` may be absent,
    /// `JWT` or `at+jwt`.
    ///
    /// Case and a leading `application/` are ignored (RFC 7515 section 4.1.9). Other tokens that
    /// the issuer signs with the same key, such as ID tokens or logout tokens, have another type
    /// and are refused (RFC 8725 section 3.11).
    pub fn token_type(mut self, token_type: impl Into<String>) -> Self {
        self.policy.token_type = Some(token_type.into());
        self
    }

    /// Reads the user from the claim `name` instead of `sub`, such as `userId`. `sub` may then be
    /// absent.
    ///
    /// The claim must have the form of `sub`, which is 1-255 printable characters or a whole
    /// number. Choose a claim that names one user permanently. An e-mail address or a user name may
    /// be given to another person later. That person would then have the access of the first user.
    ///
    /// # Examples
    /// ```
    /// use doorward_auth::Jwt;
    ///
    /// // For tokens made with `jwtService.sign({ userId: user.id })`.
    /// let jwt = Jwt::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?.user_claim("userId");
    /// # Ok::<_, doorward_auth::KeyError>(())
    /// ```
    pub fn user_claim(mut self, name: &'static str) -> Self {
        self.policy.shape.user = name;
        self
    }

    /// Accepts tokens with the prefix `Bearer ` in `auth.token`. Some clients send the prefix,
    /// because they share code with their HTTP requests.
    ///
    /// The prefix is the scheme of an `Authorization` header and one space. Its case is ignored.
    /// Tokens without the prefix are still accepted. The header `Authorization` itself is still
    /// ignored, because a browser cannot send it with a WebSocket.
    pub fn bearer(mut self) -> Self {
        self.takes_bearer = true;
        self
    }

    /// Refuses tokens with a lifetime longer than `max`. The default is 24 hours. The maximum is
    /// [`MAX_LIFETIME`], so that no token is valid longer than the stores remember its revocation.
    ///
    /// The lifetime is `exp - iat`, or the remaining time if the token has no `iat`. A leaked token
    /// can be used until it expires. The default suits applications without refresh tokens. With
    /// refresh tokens, set the few minutes for which the issuer makes its access tokens valid.
    ///
    /// The refusal of such a token has the fault `claim="exp" problem="too_long"` in its audit
    /// record. Raise the limit for tokens of 7 or 30 days. For longer lifetimes, such as
    /// `expiresIn: '90d'` of NestJS's `JwtService`, let the issuer sign shorter tokens and renew
    /// them, or keep a session on the server ([`Sessions`]).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use doorward_auth::Jwt;
    ///
    /// // For `signOptions: { expiresIn: '7d' }`.
    /// let jwt = Jwt::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?.max_lifetime(Duration::from_hours(7 * 24));
    /// # Ok::<_, doorward_auth::KeyError>(())
    /// ```
    pub fn max_lifetime(mut self, max: Duration) -> Self {
        self.policy.max_lifetime = max.min(MAX_LIFETIME);
        self
    }

    /// Accepts `nbf` and `iat` up to `leeway` in the future. The default is 5 seconds, and the
    /// maximum is an hour.
    ///
    /// Clocks of two machines differ slightly, and tokens are often used immediately. `exp` has no
    /// leeway.
    ///
    /// After the tokens of a user are revoked, tokens with an `iat` up to `leeway` after the
    /// revocation are refused as well. They may have been issued before the revocation by an issuer
    /// whose clock is fast. The client receives `token_expired` and the time from which a new token
    /// will be accepted.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        // A revocation is remembered for `MAX_LIFETIME` plus `MAX_AHEAD`. With a larger leeway, a
        // revoked token could outlive the record of its revocation.
        self.policy.leeway = leeway.min(MAX_AHEAD);
        self
    }

    /// Accepts tokens without an `exp`. Such a token expires [`max_lifetime`](Jwt::max_lifetime)
    /// after its `iat`, and is refused if it has no `iat`.
    ///
    /// The lifetime starts at `iat` and not at the handshake, so that reconnecting does not extend
    /// it. An `exp` that is present is enforced as usual.
    ///
    /// # Security
    /// The issuer did not intend the token to expire, so other services may accept it forever. Use
    /// this setting only until the issuer sets an `exp`. In NestJS, set it with `signOptions: {
    /// expiresIn: '1h' }`.
    pub fn danger_without_exp(mut self) -> Self {
        self.policy.expiry = Expiry::OrMaxFromIssue;
        self
    }

    /// Accepts tokens that name a session (`sid`) only while the session is active and belongs to
    /// the user of the token. Sockets that were authenticated with such a token close when the
    /// session ends. Activity on these sockets prolongs the session.
    ///
    /// Tokens without a `sid` are accepted as before. Use this setting for tokens that this server
    /// has issued, with the sessions of this server.
    pub fn sessions(mut self, sessions: Arc<Sessions>) -> Self {
        self.sessions = Some(sessions);
        self
    }

    /// Returns the token in a handshake.
    fn token_of<'a>(&self, handshake: &'a Handshake) -> Result<&'a str, Denied> {
        self.accepted_form(Explicit::Token.find(&handshake.auth)?)
    }

    /// Returns the token that a client has shown, without a prefix.
    pub(crate) fn accepted_form<'a>(&self, shown: &'a str) -> Result<&'a str, Denied> {
        match parts::split_bearer(shown) {
            // The audit record names this mistake, because clients make it often.
            Some(_) if !self.takes_bearer => Err(parts::whole(Problem::Prefixed)),
            Some(token) => Ok(token),
            None => Ok(shown),
        }
    }

    fn grant(&self, claims: Claims) -> Grant<Claims> {
        let grant = Grant::new((), claims.subject.clone()).expires_at(claims.expires_at);
        let mut grant = grant.issued(self.issued(&claims));
        grant.session.clone_from(&claims.session);
        grant.token.clone_from(&claims.token);
        grant.signed_in_at = claims.signed_in_at;
        // The claims move in last, because the other fields are cloned from them.
        grant.with_principal(claims)
    }

    /// Returns the generation of the token, or otherwise its time of issue. The server compares it
    /// with the revocation state.
    fn issued(&self, claims: &Claims) -> Issued {
        if let Some(generation) = claims.generation {
            return Issued::Generation(generation);
        }
        // A token without an `iat` counts as issued at the earliest time that the maximum lifetime
        // permits.
        let earliest = claims.expires_at.checked_sub(self.policy.max_lifetime);
        let at = claims.issued_at.or(earliest).unwrap_or(SystemTime::UNIX_EPOCH);
        // The issuer's clock may be fast by the leeway that [`Policy::check`] has tolerated. The
        // comparison with a revocation must tolerate the same.
        Issued::Claimed { at, ahead: self.policy.leeway(claims.generation) }
    }

    /// Returns the active session that the token names. Returns `None` if the token names no
    /// session or if sessions are not configured. Fails if the session has ended or belongs to
    /// another user.
    async fn session_of(
        &self,
        grant: &Grant<Claims>,
    ) -> Result<Option<(&Sessions, Session)>, AuthenticateError> {
        let (Some(sessions), Some(id)) = (&self.sessions, &grant.session) else { return Ok(None) };
        let session = sessions.get(id).await?;
        // The reason is the same as for an unknown session, so that the client learns nothing about
        // the sessions of other users.
        if session.user != grant.user {
            return Err(Refusal::unauthenticated(RefusalReason::SessionUnknown).into());
        }
        Ok(Some((sessions, session)))
    }
}

impl Authenticator for Jwt {
    type Principal = Claims;

    async fn authenticate(&self, handshake: Handshake) -> Result<Grant<Claims>, AuthenticateError> {
        let token = self.token_of(&handshake).map_err(Refusal::from)?;
        let grant = self.grant(self.verify(token, handshake.at).await?);
        match self.session_of(&grant).await? {
            None => Ok(grant),
            Some((sessions, session)) => {
                let lease = sessions.lease(&session);
                // A handshake counts as activity of the session.
                lease.touch(handshake.at);
                Ok(grant.lease(lease))
            }
        }
    }

    /// Recognises the user of a token by the signature and the claims of the token. Returns `None`
    /// if the token is not valid. Does not look up the session, and does not wait for the keys of a
    /// remote issuer. If they lack the key, they are read in the background, so that a client with a
    /// new key is recognised when it tries again.
    fn recognise(&self, handshake: &Handshake) -> Option<UserId> {
        let token = self.token_of(handshake).ok()?;
        self.recognise_token(token, handshake.at).map(|claims| claims.subject)
    }
}

impl ShowsCredential for Jwt {
    fn shown(&self, handshake: &Handshake) -> Shown {
        Explicit::Token.shown(&handshake.auth)
    }
}
