//! Verifies a token with the keys that it names.
//!
//! The size, the structure, the header, the signature and the claims of a token are checked in this
//! order. The first check that fails rejects the token. If the keys of a remote issuer lack the key of
//! the token, they are read again. Start reading at [`Jwt::verify`].

use std::time::SystemTime;

use doorward_core::{AuthenticateError, BoxError, Part, Problem, Refusal, RefusalReason};

use crate::{
    credential::denied::Denied,
    jwt::{
        authenticator::Jwt,
        claims::Claims,
        header, object,
        parts::{self, Parts},
    },
    key::{algorithm::Algorithm, verifying::VerifyingKey},
};
#[cfg(feature = "issuers")]
use crate::{jwt::keys::Keys, remote::keys::Newer};

impl Jwt {
    /// Verifies a token, as for a client that shows it in `auth.token`, and returns its claims.
    ///
    /// Use it where a token arrives by another way than a CONNECT, so that one policy applies to
    /// sockets and routes. `now` is the current time. Keys of a [remote issuer](Jwt::issuer) are
    /// read if necessary. [`bearer`](Jwt::bearer) does not apply.
    ///
    /// # Examples
    /// ```
    /// use std::time::SystemTime;
    /// use doorward_auth::{AuthenticateError, Jwt};
    ///
    /// /// Returns the user of an HTTP request with a bearer token.
    /// async fn user(jwt: &Jwt, token: &str, now: SystemTime) -> Result<String, AuthenticateError> {
    ///     Ok(jwt.verify(token, now).await?.subject().to_owned())
    /// }
    /// ```
    ///
    /// # Errors
    /// - [`AuthenticateError::Refused`]: the token is not valid.
    /// - [`AuthenticateError::Unavailable`], [`AuthenticateError::Undecided`]: the keys of a remote
    ///   issuer could not be read. Answer with 503.
    ///
    /// # Cancel safety
    /// If the future is dropped, a request for keys goes on.
    ///
    /// # Security
    /// Sessions and revocations are not checked. In an axum application, prefer the extractor
    /// `Authenticated` of `doorward`, which checks them too.
    #[cfg_attr(
        not(feature = "issuers"),
        expect(clippy::unused_async, reason = "feature `issuers`")
    )]
    pub async fn verify(&self, token: &str, now: SystemTime) -> Result<Claims, AuthenticateError> {
        let denied = match self.verify_at_once(token, now) {
            Ok(claims) => return Ok(claims),
            Err(denied) => denied,
        };
        #[cfg(feature = "issuers")]
        if let Keys::Remote(keys) = &self.keys
            && denied.reason == RefusalReason::TokenSignature
        {
            let newer = keys.newer(now).await;
            return self.verify_at_once(token, now).map_err(|denied| undecided(denied, newer));
        }
        Err(Refusal::from(denied).into())
    }

    /// Reads the keys of a [remote issuer](Jwt::issuer) ahead of the first token. Returns at once for
    /// other keys. A server that starts can so find out early that an issuer does not answer.
    ///
    /// # Errors
    /// The keys could not be read. The next token makes the server try again.
    ///
    /// # Cancel safety
    /// Same as [`verify`](Jwt::verify).
    #[cfg_attr(
        not(feature = "issuers"),
        expect(clippy::unused_async, reason = "feature `issuers`")
    )]
    pub async fn prepare(&self, now: SystemTime) -> Result<(), BoxError> {
        #[cfg(feature = "issuers")]
        if let Keys::Remote(keys) = &self.keys
            && let Newer::Away(away) = keys.newer(now).await
        {
            return Err(away.into());
        }
        let _ = now;
        Ok(())
    }

    /// Returns the claims of a token that is valid with the keys at hand. If a remote issuer may have
    /// the key, starts to read its keys in the background.
    pub(crate) fn recognise_token(&self, token: &str, now: SystemTime) -> Option<Claims> {
        let verified = self.verify_at_once(token, now);
        #[cfg(feature = "issuers")]
        if let (Keys::Remote(keys), Err(denied)) = (&self.keys, &verified)
            && denied.reason == RefusalReason::TokenSignature
        {
            keys.read_soon(now);
        }
        verified.ok()
    }

    /// Returns the claims of the token if it passes every check. Otherwise fails with the refusal
    /// of the first failed check. Cheap checks run first. No byte of the claims is decoded before
    /// the signature is verified. Does not ask a remote issuer.
    pub(crate) fn verify_at_once(&self, token: &str, now: SystemTime) -> Result<Claims, Denied> {
        let parts = self.verify_signature(token, now)?;
        let claims = object::decode(parts.claims).ok_or(Denied::segment("claims"))?;
        self.policy.check(claims, now)
    }

    /// Returns the segments of the token if a trusted key has signed it. Fails otherwise. Does not
    /// decode the claims.
    pub(super) fn verify_signature<'a>(
        &self,
        token: &'a str,
        now: SystemTime,
    ) -> Result<Parts<'a>, Denied> {
        let parts = parts::split(token)?;
        let header = object::decode(parts.header).ok_or(Denied::segment("header"))?;
        let (key_id, algorithm) = (header::key_id(&header)?, header::algorithm(&header)?);
        // The audit record distinguishes a missing `kid` from an unknown `kid`. The client does not
        // learn the difference.
        let no_key = || {
            let problem = key_id.map_or(Problem::Missing, |_| Problem::Unknown);
            Denied::token_header("kid", problem).because(RefusalReason::TokenSignature)
        };
        let check = |key: &VerifyingKey| {
            // The header is checked first, because that is cheaper than verifying the signature and
            // fixes the algorithm.
            header::check(&header, key.algorithm(), self.policy.token_type.as_deref())?;
            match key.verify(parts.signed.as_bytes(), &parts.signature) {
                true => Ok(()),
                // If an issuer does not name its key, a new key looks like a wrong signature.
                false if self.keys.are_remote() && key_id.is_none() => Err(no_key()),
                false => Err(WRONG_SIGNATURE),
            }
        };
        // An issuer publishes keys for signatures only. Any other algorithm is refused at once, so
        // that the issuer is not asked for its key.
        if self.keys.are_remote()
            && !Algorithm::from_name(algorithm).is_some_and(Algorithm::is_public)
        {
            return Err(Denied::token_header("alg", Problem::Mismatch));
        }
        self.keys.find(key_id, algorithm, now, check).ok_or_else(no_key)??;
        Ok(parts)
    }
}

/// Returns the error for a token that was not accepted with the keys of a remote issuer. `newer` is
/// the outcome of looking for newer keys.
#[cfg(feature = "issuers")]
fn undecided(denied: Denied, newer: Newer) -> AuthenticateError {
    // A signature that does not fit a known key, or a broken rule, is final in any case.
    let is_final = denied.reason != RefusalReason::TokenSignature || denied == WRONG_SIGNATURE;
    match newer {
        _ if is_final => Refusal::from(denied).into(),
        // The issuer was asked after the token arrived, and does not publish this key.
        Newer::Read => Refusal::from(denied).into(),
        Newer::TooSoon => AuthenticateError::Undecided(RefusalReason::KeyUnknown),
        Newer::Away(away) => AuthenticateError::Unavailable(away.into()),
    }
}

/// Refusal of a signature that does not match the key.
const WRONG_SIGNATURE: Denied =
    Denied::new(RefusalReason::TokenSignature, Part::Segment, "signature", Problem::Mismatch);
