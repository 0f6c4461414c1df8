//! Chooses the issuer of a token.
//!
//! The claim `iss` is read before the token is verified, only to choose the authenticator. The
//! chosen one then verifies the whole token, `iss` included, so a false `iss` gains nothing.

use std::{fmt, sync::Arc, time::SystemTime};

use doorward_core::{AuthenticateError, Authenticator, Grant, Handshake, Problem, Refusal, UserId};

use crate::{
    credential::{
        denied::Denied,
        explicit::Explicit,
        shown::{Shown, ShowsCredential},
    },
    issuers::{
        error::IssuersError,
        lease::IssuerLease,
        member::{Member, Members, is_foreign},
    },
    jwt::{
        authenticator::Jwt,
        claims::Claims,
        unverified::{Issuer, issuer_of},
    },
};

/// Authenticator that accepts the access tokens of several issuers, each with a name.
///
/// The ids of an issuer's users, sessions and tokens begin with its name and a colon, such as
/// `corp:alice`. So two issuers with the same `sub` name two users: they do not share connections,
/// revocations or data. [`Jwt::danger_share_users`] turns this off for an issuer.
///
/// Clones share one set, and [`replace`](Self::replace) changes it while a server runs. Sockets that
/// were admitted with a token of a removed issuer close at the next sweep
/// (`Limits::sweep_interval`, 10 seconds by default).
///
/// The metric `doorward_tokens_total` counts the tokens of each issuer by outcome. It shows if clients
/// still use an issuer that is to be removed. Tokens of no issuer of the set count as those of
/// `(unknown)`.
///
/// # Examples
/// ```
/// use doorward_auth::{BoxError, Issuers, Jwt};
///
/// /// Accepts the tokens of a provider, and those that the application has signed until now.
/// fn issuers(secret: &[u8]) -> Result<Issuers, BoxError> {
///     Ok(Issuers::new([
///         ("corp", Jwt::issuer("https://id.example.org").audience("chat")?),
///         ("legacy", Jwt::hs256(secret)?),
///     ])?)
/// }
/// ```
#[derive(Clone)]
#[must_use = "an authenticator has no effect until a server is built with it"]
pub struct Issuers {
    members: Members,
}

impl Issuers {
    /// Creates a set of issuers with their names. A name has 1-32 lower-case letters, digits and
    /// hyphens. It is a part of the ids of users, so it should never change.
    ///
    /// At most one of the authenticators may accept any `iss`. It verifies tokens whose `iss` no other
    /// authenticator expects.
    ///
    /// # Errors
    /// [`IssuersError`] if a name is malformed or taken, or if two authenticators accept the same
    /// `iss`.
    pub fn new<N: AsRef<str>>(
        issuers: impl IntoIterator<Item = (N, Jwt)>,
    ) -> Result<Self, IssuersError> {
        Ok(Self { members: Members::new(check(issuers, &[])?) })
    }

    /// Replaces the set. An issuer of the same name whose authenticator is a clone of the current
    /// one, with the same settings, stays trusted. All others are removed, and their sockets close at
    /// the next sweep.
    ///
    /// # Errors
    /// Same as [`new`](Self::new). The set does not change.
    pub fn replace<N: AsRef<str>>(
        &self,
        issuers: impl IntoIterator<Item = (N, Jwt)>,
    ) -> Result<(), IssuersError> {
        // The iterator is code of the application, so it runs before the set is locked.
        let issuers: Vec<(N, Jwt)> = issuers.into_iter().collect();
        self.members.replace(|before| check(issuers, before))
    }

    /// Returns `true` if the user is one of an issuer of the set that does not share its users, such as
    /// `corp:alice`. No other credential should name such a user.
    #[must_use]
    pub fn owns(&self, user: &UserId) -> bool {
        self.members.own(user)
    }

    /// Returns the names with which the ids of users begin: those of the issuers that do not share
    /// their users.
    #[must_use]
    pub fn prefixes(&self) -> Vec<Box<str>> {
        let all = self.members.current();
        let own = all.iter().filter(|member| !member.jwt.shares_users());
        own.map(|member| member.name.as_ref().into()).collect()
    }

    /// Verifies a token with the authenticator of its issuer, as [`Jwt::verify`] does, and returns
    /// its claims. [`Claims::subject`] begins with the name of the issuer.
    ///
    /// # Errors
    /// Same as [`Jwt::verify`]. A token of an unknown issuer is refused.
    ///
    /// # Cancel safety
    /// Same as [`Jwt::verify`].
    pub async fn verify(&self, token: &str, now: SystemTime) -> Result<Claims, AuthenticateError> {
        let chosen = self.choose(token).map_err(|denied| self.refuse_unknown(denied))?;
        let verified = chosen.member.jwt.verify(token, now).await;
        let verified = verified.and_then(|claims| {
            chosen.check_space(&claims).map_err(Refusal::from)?;
            Ok(claims)
        });
        chosen.member.count(&verified);
        verified
    }

    fn refuse_unknown(&self, denied: Denied) -> Refusal {
        if denied.fault.name() == ISS {
            self.members.unknown.increment(1);
        }
        denied.into()
    }

    /// Chooses the issuer of a token that is not verified.
    fn choose(&self, token: &str) -> Result<Chosen, Denied> {
        let among = self.members.current();
        let issuer = issuer_of(token)?;
        let expects = |member: &&Arc<Member>| match (&issuer, member.jwt.expected_issuer()) {
            (Issuer::Named(name), Some(expected)) => **name == *expected,
            _ => false,
        };
        let any = |member: &&Arc<Member>| member.jwt.expected_issuer().is_none();
        let member = among.iter().find(expects).or_else(|| among.iter().find(any)).cloned();
        let problem = match issuer {
            Issuer::Missing => Problem::Missing,
            Issuer::Named(_) => Problem::Unknown,
            Issuer::NoText => Problem::WrongType,
        };
        let member = member.ok_or(Denied::claim(ISS, problem))?;
        Ok(Chosen { among, member })
    }

    /// Returns the token in a handshake, and its issuer.
    fn token_of<'a>(&self, handshake: &'a Handshake) -> Result<(&'a str, Chosen), Denied> {
        let shown = Explicit::Token.find(&handshake.auth)?;
        let chosen = self.choose(Jwt::bare(shown))?;
        Ok((chosen.member.jwt.accepted_form(shown)?, chosen))
    }
}

/// Issuer of a token.
struct Chosen {
    /// Set at the time of the choice.
    among: Arc<[Arc<Member>]>,
    member: Arc<Member>,
}

impl Chosen {
    /// Checks that the user of the token is in the space of its issuer. An issuer that shares its
    /// users must not name a user of another issuer.
    fn check_space(&self, claims: &Claims) -> Result<(), Denied> {
        let jwt = &self.member.jwt;
        if jwt.shares_users() && is_foreign(&self.among, &claims.subject) {
            return Err(Denied::claim(jwt.user_claim_name(), Problem::NotAllowed));
        }
        Ok(())
    }
}

impl Authenticator for Issuers {
    type Principal = Claims;

    async fn authenticate(&self, handshake: Handshake) -> Result<Grant<Claims>, AuthenticateError> {
        let (_, chosen) =
            self.token_of(&handshake).map_err(|denied| self.refuse_unknown(denied))?;
        let granted = chosen.member.jwt.authenticate(handshake).await;
        let granted = granted.and_then(|grant| {
            chosen.check_space(&grant.principal).map_err(Refusal::from)?;
            Ok(grant)
        });
        chosen.member.count(&granted);
        let mut grant = granted?;
        let session = grant.lease.take();
        let (members, user) = (self.members.clone(), grant.user.clone());
        let lease = IssuerLease { member: chosen.member, members, user, session };
        Ok(grant.lease(Arc::new(lease)))
    }

    /// Recognises the user of a token, as [`Jwt`] does.
    fn recognise(&self, handshake: &Handshake) -> Option<UserId> {
        let (token, chosen) = self.token_of(handshake).ok()?;
        let claims = chosen.member.jwt.recognise_token(token, handshake.at)?;
        chosen.check_space(&claims).ok()?;
        Some(claims.subject)
    }
}

impl ShowsCredential for Issuers {
    fn shown(&self, handshake: &Handshake) -> Shown {
        Explicit::Token.shown(&handshake.auth)
    }
}

impl fmt::Debug for Issuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.members.current().iter()).finish()
    }
}

/// Checks the issuers of a set. Keeps those of `before` that have not changed.
fn check<N: AsRef<str>>(
    issuers: impl IntoIterator<Item = (N, Jwt)>,
    before: &[Arc<Member>],
) -> Result<Arc<[Arc<Member>]>, IssuersError> {
    let mut members: Vec<Arc<Member>> = Vec::new();
    for (name, jwt) in issuers {
        let name = name.as_ref();
        if !is_name(name) {
            return Err(IssuersError::Name(name.chars().take(MAX_NAME + 1).collect()));
        }
        for other in &members {
            let names = || (other.name.as_ref().into(), name.into());
            if *other.name == *name {
                return Err(IssuersError::NameTaken(name.into()));
            }
            match (jwt.expected_issuer(), other.jwt.expected_issuer()) {
                (None, None) => {
                    let (one, two) = names();
                    return Err(IssuersError::AnyIssuer(one, two));
                }
                (one, two) if one == two => {
                    let (one, two) = names();
                    return Err(IssuersError::SameIssuer(one, two));
                }
                _ => {}
            }
        }
        let same = before.iter().find(|old| *old.name == *name && old.given.is_same(&jwt));
        members.push(same.map_or_else(|| Arc::new(Member::new(name, jwt)), Arc::clone));
    }
    Ok(members.into())
}

fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_plain)
}

const MAX_NAME: usize = 32;

/// Claim that names the issuer of a token.
const ISS: &str = "iss";
