//! Decides whether an access token speaks for somebody, and for whom.
//!
//! A token passes size, structure, header, signature and claims, in this order, and the first that
//! fails refuses it. Only a token that is good in everything but its time is told that; all others
//! are refused alike. Keys and revocation lists are never fetched, and no credential other than
//! `auth.token` is looked at.
//! Start reading at [`Jwt::verify`], then [`Policy::check`](policy::Policy::check).

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward_core::{
    AuthenticateError, Authenticator, Grant, Handshake, Issued, MAX_AHEAD, MAX_LIFETIME, Part,
    Problem, Refusal, RefusalReason, Session, UserId,
};

use self::{
    keys::Keys,
    parts::Parts,
    policy::{Audience, Policy},
};
use crate::{
    Claims, Loaded, Sessions, Shown, ShowsCredential, UserLoader, credential::Explicit,
    denied::Denied, key::VerifyingKey,
};

mod constructors;
mod date;
mod header;
mod keys;
mod object;
mod parts;
mod policy;
mod unbound;

pub use self::unbound::UnboundJwt;

/// Authenticates clients that show an access token: a JWT (RFC 7519) in `auth.token`.
///
/// On the client: `io(url, { auth: { token } })`. A token in the query string or in a header is
/// never looked at. Make one with [`Jwt::hs256`] for a secret that the application shares with this
/// server, or with [`Jwt::es256`] for the public key of an issuer.
///
/// | setting | default |
/// |---|---|
/// | [`issuer`](Jwt::issuer) | any, `iss` may be absent |
/// | [`audience`](Jwt::audience) | none: a token that has an `aud` is meant for somebody else |
/// | [`token_type`](Jwt::token_type) | `typ` absent, `JWT` or `at+jwt` |
/// | [`max_lifetime`](Jwt::max_lifetime) | 24 hours |
/// | [`user_claim`](Jwt::user_claim) | `sub` |
/// | [`bearer`](Jwt::bearer) | no: the token alone |
/// | [`danger_without_exp`](Jwt::danger_without_exp) | no: `exp` is demanded |
/// | [`leeway`](Jwt::leeway) | 5 seconds for `nbf` and `iat`, none for `exp`, nor for our own without a generation |
///
/// Always asked: at most 8 KiB; three segments of strict base64url; the algorithm of the key; no
/// `crit`, `b64`, `jwk`, `jku`, `x5u` or `x5c` in the header; no member named twice; JSON no deeper
/// than 32; `sub` of 1-255 printable characters, or a whole number from 0 to 2^53 - 1, which is read as its
/// digits; `jti` and `sid` of 1-255 printable characters where they are present; `exp` present and not
/// reached; `exp`, `nbf` and `iat` seconds since 1970, also with a fraction, until the year 9999.
/// What breaks a rule is named in the audit record, as `claim="exp" problem="missing"`, without its value.
///
/// Times are compared with [`Handshake::at`], the server's own clock. The grant's user is `sub`, its
/// token `jti`, its session `sid`, and it ends at `exp`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward_auth::Jwt;
///
/// let jwt = Jwt::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?
///     .issuer("https://app.example.org")
///     .max_lifetime(Duration::from_secs(15 * 60));
/// # drop(jwt);
/// # Ok::<_, doorward_auth::KeyError>(())
/// ```
///
/// # Security
/// A `kid` is not used to find a key and opens nothing. What a client reads is the same for every
/// reason but one: `token_expired`, which only the holder of a genuine token can cause.
/// Revocation is not decided here.
#[derive(Clone, Debug)]
#[must_use = "it authenticates nobody until a server is built with it"]
pub struct Jwt {
    keys: Keys,
    policy: Policy,
    sessions: Option<Arc<Sessions>>,
    /// Whether `Bearer ` may stand before the token.
    takes_bearer: bool,
}

impl Jwt {
    /// Demands an `iss` that is exactly `issuer`: no other case, no trailing slash, no list.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.policy.issuer = Some(issuer.into());
        self
    }

    /// Demands an `aud` that is exactly `audience`, or a list of strings with it.
    ///
    /// While none is configured a token that has an `aud` is refused: a recipient that does not
    /// find itself in it must not accept the token (RFC 7519 section 4.1.3).
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.policy.audience = Audience::Is(audience.into());
        self
    }

    /// Demands a `typ` that is `token_type`, such as `at+jwt`; by default it may be absent, `JWT`
    /// or `at+jwt`.
    ///
    /// Case does not count, nor does a leading `application/` (RFC 7515 section 4.1.9). Whatever
    /// else an issuer signs with the same key, such as an ID token or a logout token, has another
    /// type and is refused (RFC 8725 section 3.11).
    pub fn token_type(mut self, token_type: impl Into<String>) -> Self {
        self.policy.token_type = Some(token_type.into());
        self
    }

    /// Takes the user from the claim `name` in place of `sub`, such as `userId`, which may be absent then.
    ///
    /// The claim has the same form as `sub`: 1-255 printable characters, or a whole number. Choose one that
    /// names a user for ever: an e-mail address or a user name may belong to another person later, and would
    /// open what the first one had.
    ///
    /// # Examples
    /// ```
    /// use doorward_auth::Jwt;
    ///
    /// // As `jwtService.sign({ userId: user.id })` writes it.
    /// let jwt = Jwt::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?.user_claim("userId");
    /// # drop(jwt);
    /// # Ok::<_, doorward_auth::KeyError>(())
    /// ```
    pub fn user_claim(mut self, name: &'static str) -> Self {
        self.policy.user_claim = name;
        self
    }

    /// Accepts tokens with `Bearer ` before them, as clients send that share the code of their HTTP requests.
    ///
    /// It is the scheme of an `Authorization` header, in any case, and one space. A token without it is
    /// accepted as before. The header itself is still not looked at: a browser cannot send it with a
    /// WebSocket.
    pub fn bearer(mut self) -> Self {
        self.takes_bearer = true;
        self
    }

    /// Refuses tokens that live longer than `max`, 24 hours by default and [`MAX_LIFETIME`] at most: a
    /// token that outlives the memory of its revocation would open the door again.
    ///
    /// The lifetime is `exp - iat`; without an `iat` it is what remains. A token opens the door for
    /// as long as it lives, wherever it leaks to. A day is the longest that applications without
    /// refresh use; with refresh set it to the minutes that the issuer grants.
    ///
    /// A token that is refused for this has the fault `claim="exp" problem="too_long"` in its audit record. One
    /// of 7 or of 30 days needs it raised; for longer ones let the issuer sign shorter tokens and renew them,
    /// as with `expiresIn: '30d'` of `JwtService`, or keep a session on the server ([`Sessions`]).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use doorward_auth::Jwt;
    ///
    /// // For `signOptions: { expiresIn: '7d' }`.
    /// let jwt = Jwt::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?.max_lifetime(Duration::from_hours(7 * 24));
    /// # drop(jwt);
    /// # Ok::<_, doorward_auth::KeyError>(())
    /// ```
    pub fn max_lifetime(mut self, max: Duration) -> Self {
        self.policy.max_lifetime = max.min(MAX_LIFETIME);
        self
    }

    /// Accepts `nbf` and `iat` that are ahead of the clock by up to `leeway`, 5 seconds by default and an hour
    /// at most.
    ///
    /// Clocks of two machines differ a little, and a token is often used at once. `exp` has no
    /// leeway: a token ends when it says so. After a revocation tokens of that user are refused whose `iat`
    /// is not later than it by more than `leeway`: their issuer's clock may have been ahead when it made
    /// them before it. Such a client reads `token_expired` and when a new token will be good.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.policy.leeway = leeway.min(MAX_AHEAD);
        self
    }

    /// Accepts tokens without an `exp`: such a token ends [`max_lifetime`](Jwt::max_lifetime) after its `iat`,
    /// and is refused when it has none.
    ///
    /// The end counts from `iat` and not from the moment at which the token is shown: a client that comes
    /// back with it must not get a new life each time. An `exp` that is there counts as always.
    ///
    /// # Security
    /// Its issuer has not meant the token to end, so other services may accept it for ever. Take it for the
    /// time in which tokens without an end are replaced: `signOptions: { expiresIn: '1h' }` in NestJS.
    pub fn danger_without_exp(mut self) -> Self {
        self.policy.demands_exp = false;
        self
    }

    /// Looks up the application's own user for every good token.
    ///
    /// # Examples
    /// ```
    /// use doorward_auth::{Authenticator, BoxError, Claims, Jwt};
    ///
    /// struct User {
    ///     name: String,
    /// }
    ///
    /// async fn find_user(id: &str) -> Result<Option<User>, std::io::Error> {
    ///     Ok((id == "alice").then(|| User { name: "Alice".to_owned() }))
    /// }
    ///
    /// let jwt = Jwt::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?
    ///     .load(|claims: Claims| async move { Ok(find_user(claims.subject()).await?) });
    /// # fn check(_: impl Authenticator<Principal = User>) {}
    /// # check(jwt);
    /// # Ok::<_, doorward_auth::KeyError>(())
    /// ```
    pub fn load<L: UserLoader>(self, loader: L) -> Loaded<L> {
        Loaded::new(self, loader)
    }

    /// Lets tokens that name a session (`sid`) be good only while it lives and belongs to the user of
    /// the token. Their sockets then end with the session, and prolong it.
    ///
    /// A token without a `sid` is not concerned. Take it for the tokens of this server, whose sessions
    /// these are.
    pub fn sessions(mut self, sessions: Arc<Sessions>) -> Self {
        self.sessions = Some(sessions);
        self
    }

    fn judge(&self, handshake: &Handshake) -> Result<Grant<Claims>, Denied> {
        let shown = Explicit::Token.find(&handshake.auth)?;
        let token = match parts::split_bearer(shown) {
            Some(_) if !self.takes_bearer => return Err(parts::whole(Problem::Prefixed)),
            Some(token) => token,
            None => shown,
        };
        let claims = self.verify(token, handshake.at)?;
        let (user, expires_at) = (claims.subject.clone(), claims.expires_at);
        let (session, token) = (claims.session.clone(), claims.token.clone());
        let issued = self.issued(&claims);
        let signed_in_at = claims.signed_in_at;
        let mut grant = Grant::new(claims, user).expires_at(expires_at).issued(issued);
        grant.session = session;
        grant.token = token;
        grant.signed_in_at = signed_in_at;
        Ok(grant)
    }

    /// Takes a token through every check, in an order that matters: what is cheap comes first, and
    /// no byte of the claims is decoded before their author is known.
    fn verify(&self, token: &str, now: SystemTime) -> Result<Claims, Denied> {
        let parts = self.verify_signature(token, now)?;
        let claims = object::decode(parts.claims).ok_or(Denied::segment("claims"))?;
        self.policy.check(claims, now)
    }

    /// Finds out whether a trusted key has signed the token, and leaves what it says alone.
    fn verify_signature<'a>(&self, token: &'a str, now: SystemTime) -> Result<Parts<'a>, Denied> {
        let parts = parts::split(token)?;
        let header = object::decode(parts.header).ok_or(Denied::segment("header"))?;
        let (key_id, algorithm) = (header::key_id(&header)?, header::algorithm(&header)?);
        let judge = |key: &VerifyingKey| {
            header::check(&header, key.algorithm(), self.policy.token_type.as_deref())?;
            match key.verify(parts.signed.as_bytes(), &parts.signature) {
                true => Ok(()),
                false => Err(WRONG_SIGNATURE),
            }
        };
        let no_key = || {
            let problem = key_id.map_or(Problem::Missing, |_| Problem::Unknown);
            Denied::token_header("kid", problem).because(RefusalReason::TokenSignature)
        };
        self.keys.find(key_id, algorithm, now, judge).ok_or_else(no_key)??;
        Ok(parts)
    }

    /// When the token was made, to be compared with what was revoked.
    fn issued(&self, claims: &Claims) -> Issued {
        if let Some(generation) = claims.generation {
            return Issued::Generation(generation);
        }
        // Without an `iat` it may be as old as a token can be.
        let earliest = claims.expires_at.checked_sub(self.policy.max_lifetime);
        let at = claims.issued_at.or(earliest).unwrap_or(SystemTime::UNIX_EPOCH);
        // How far its clock was ahead is not known. What was tolerated here is not forgotten there.
        Issued::Claimed { at, ahead: self.policy.leeway(claims.generation) }
    }

    /// Finds the session that a token names, if sessions count.
    async fn session_of(
        &self,
        grant: &Grant<Claims>,
    ) -> Result<Option<(&Sessions, Session)>, AuthenticateError> {
        let (Some(sessions), Some(id)) = (&self.sessions, &grant.session) else { return Ok(None) };
        let session = sessions.get(id).await?;
        if session.user != grant.user {
            return Err(Refusal::unauthenticated(RefusalReason::SessionUnknown).into());
        }
        Ok(Some((sessions, session)))
    }
}

impl Authenticator for Jwt {
    type Principal = Claims;

    async fn authenticate(&self, handshake: Handshake) -> Result<Grant<Claims>, AuthenticateError> {
        let grant = self.judge(&handshake).map_err(Refusal::from)?;
        match self.session_of(&grant).await? {
            None => Ok(grant),
            Some((sessions, session)) => {
                let lease = sessions.lease(&session);
                lease.touch(handshake.at);
                Ok(grant.lease(lease))
            }
        }
    }

    /// A token is recognised by its signature and its claims; whether its session lives is not asked.
    fn recognise(&self, handshake: &Handshake) -> Option<UserId> {
        self.judge(handshake).ok().map(|grant| grant.user)
    }
}

impl ShowsCredential for Jwt {
    fn shown(&self, handshake: &Handshake) -> Shown {
        Explicit::Token.shown(&handshake.auth)
    }
}

/// The key that the token names has not signed it.
const WRONG_SIGNATURE: Denied =
    Denied::new(RefusalReason::TokenSignature, Part::Segment, "signature", Problem::Mismatch);

#[cfg(test)]
mod wycheproof;
