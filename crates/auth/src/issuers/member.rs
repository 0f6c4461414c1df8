//! One issuer of a set, with its name.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use doorward_core::AuthenticateError;
use metrics::{Counter, counter};

use crate::jwt::authenticator::Jwt;

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

    pub(super) fn distrust(&self) {
        self.is_trusted.store(false, Ordering::SeqCst);
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
