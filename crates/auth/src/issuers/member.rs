//! One issuer of a set, with its name.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use doorward_core::{AuthenticateError, UserId};
use metrics::{Counter, counter};

use crate::jwt::authenticator::Jwt;

/// Issuers of a set. Clones share them.
#[derive(Clone)]
pub(super) struct Members {
    /// Current issuers. The lock is held while the `Arc` is cloned, or while a new set is checked.
    current: Arc<RwLock<Arc<[Arc<Member>]>>>,
    /// Number of tokens of no issuer of the set.
    pub(super) unknown: Counter,
}

impl Members {
    pub(super) fn new(members: Arc<[Arc<Member>]>) -> Self {
        // A name has no parentheses, so the label is not that of an issuer.
        let unknown =
            counter!("doorward_tokens_total", "issuer" => "(unknown)", "outcome" => "refused");
        Self { current: Arc::new(RwLock::new(members)), unknown }
    }

    pub(super) fn current(&self) -> Arc<[Arc<Member>]> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the issuers by the result of `change`, which receives the current ones. Distrusts those
    /// that are not in the result.
    pub(super) fn replace<E>(
        &self,
        change: impl FnOnce(&[Arc<Member>]) -> Result<Arc<[Arc<Member>]>, E>,
    ) -> Result<(), E> {
        let mut members = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let after = change(&members)?;
        let before = std::mem::replace(&mut *members, Arc::clone(&after));
        drop(members);
        // The members are distrusted after they are replaced. So a token that is verified meanwhile
        // either finds the new set, or gets a lease that ends.
        for member in &*before {
            if !after.iter().any(|kept| Arc::ptr_eq(kept, member)) {
                member.is_trusted.store(false, Ordering::SeqCst);
            }
        }
        Ok(())
    }

    /// Returns `true` if the id has the prefix of an issuer that does not share its users.
    pub(super) fn own(&self, user: &UserId) -> bool {
        is_foreign(&self.current(), user)
    }
}

/// Returns `true` if the id has the prefix of an issuer among `members` that does not share its users.
pub(super) fn is_foreign(members: &[Arc<Member>], user: &UserId) -> bool {
    let Some((space, _)) = user.as_str().split_once(':') else { return false };
    members.iter().any(|member| !member.jwt.shares_users() && *member.name == *space)
}

/// Issuer of a set.
pub(super) struct Member {
    pub(super) name: Arc<str>,
    /// Authenticator as the application has passed it.
    pub(super) given: Jwt,
    /// Authenticator whose ids begin with the name, unless the issuer shares its users.
    pub(super) jwt: Jwt,
    is_trusted: AtomicBool,
    metrics: Metrics,
}

struct Metrics {
    accepted: Counter,
    refused: Counter,
    undecided: Counter,
}

impl Member {
    pub(super) fn new(name: &str, given: Jwt) -> Self {
        let name: Arc<str> = name.into();
        let jwt = given.clone().in_space(&name);
        let count = |outcome: &'static str| {
            // The name is a setting of the operator, so the number of labels is bounded.
            counter!("doorward_tokens_total", "issuer" => name.to_string(), "outcome" => outcome)
        };
        let metrics = Metrics {
            accepted: count("accepted"),
            refused: count("refused"),
            undecided: count("undecided"),
        };
        Self { name, given, jwt, is_trusted: AtomicBool::new(true), metrics }
    }

    /// Returns `true` until the issuer is removed from its set.
    pub(super) fn is_trusted(&self) -> bool {
        self.is_trusted.load(Ordering::SeqCst)
    }

    /// Counts the outcome of a verification.
    pub(super) fn count<T>(&self, outcome: &Result<T, AuthenticateError>) {
        let counter = match outcome {
            Ok(_) => &self.metrics.accepted,
            Err(AuthenticateError::Refused(_)) => &self.metrics.refused,
            Err(_) => &self.metrics.undecided,
        };
        counter.increment(1);
    }
}

doorward_core::debug_fields!(Member { name, given });
