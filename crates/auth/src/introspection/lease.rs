//! Asks again about the token of a connected socket.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward_core::{BoxFuture, Lease, LeaseError, UserId};

use crate::{
    introspection::client::{IntrospectionClient, Purpose},
    jwt::policy::Policy,
};

/// Lease of a socket that was admitted with an opaque token.
pub(super) struct IntrospectionLease {
    pub(super) client: Arc<IntrospectionClient>,
    pub(super) policy: Arc<Policy>,
    pub(super) token: Box<str>,
    pub(super) user: UserId,
}

impl Lease for IntrospectionLease {
    /// Does nothing: the authorization server decides how long a token is active.
    fn touch(&self, _: SystemTime) {}

    fn expires_at(&self) -> Option<SystemTime> {
        None
    }

    fn renew(&self, now: SystemTime) -> BoxFuture<'_, Result<(), LeaseError>> {
        Box::pin(async move {
            let asked = self.client.ask(&self.token, now, SHARED_FOR, Purpose::Recheck);
            let Ok(answer) = tokio::time::timeout(ANSWER_WITHIN, asked).await else {
                return Err(LeaseError::Issuer(
                    "the authorization server did not answer in time".into(),
                ));
            };
            let answer = answer.map_err(|error| LeaseError::Issuer(error.into()))?;
            let members = answer.members().ok_or(LeaseError::Outdated)?;
            match self.policy.check(members, now) {
                Ok(claims) if claims.subject == self.user => Ok(()),
                _ => Err(LeaseError::Outdated),
            }
        })
    }
}

/// Age up to which an answer is used, so that the sockets of one token share one question in a sweep.
const SHARED_FOR: Duration = Duration::from_secs(1);

/// Time for an answer. A sweep waits 2 seconds for one socket.
const ANSWER_WITHIN: Duration = Duration::from_millis(1500);
