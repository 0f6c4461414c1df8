//! Parts of an authenticator that a set of issuers needs.

use std::sync::Arc;

use crate::jwt::{authenticator::Jwt, parts};

impl Jwt {
    /// Keeps the ids of users, sessions and tokens as they are in the tokens, also in
    /// [`Issuers`](crate::Issuers). By default, ids there begin with the name of the issuer.
    ///
    /// Use it for an issuer whose user ids are also used by another credential, such as the sessions
    /// of this server.
    ///
    /// # Security
    /// If two issuers share their users, each of them can sign in as any user of the other.
    pub fn danger_share_users(mut self) -> Self {
        self.shares_users = true;
        self
    }

    pub(crate) fn shares_users(&self) -> bool {
        self.shares_users
    }

    /// Makes all ids begin with `name`, unless the issuer shares its users.
    pub(crate) fn in_space(mut self, name: &Arc<str>) -> Self {
        self.policy.space = (!self.shares_users).then(|| Arc::clone(name));
        self
    }

    /// Returns the only accepted `iss`. Returns `None` if any is accepted.
    pub(crate) fn expected_issuer(&self) -> Option<&str> {
        self.policy.issuer.as_deref()
    }

    pub(crate) fn user_claim_name(&self) -> &'static str {
        self.policy.shape.user
    }

    /// Returns a token without the prefix `Bearer `, if it has one.
    pub(crate) fn bare(shown: &str) -> &str {
        parts::split_bearer(shown).unwrap_or(shown)
    }

    /// Returns `true` if the other authenticator is a clone of this one with the same settings.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let Self { keys, policy, takes_bearer, sessions, shares_users } = self;
        let has_same_sessions = match (sessions, &other.sessions) {
            (None, None) => true,
            (Some(one), Some(two)) => Arc::ptr_eq(one, two),
            _ => false,
        };
        has_same_sessions
            && keys.are_same(&other.keys)
            && *policy == other.policy
            && *takes_bearer == other.takes_bearer
            && *shares_users == other.shares_users
    }
}
