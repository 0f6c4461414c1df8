//! Ends the sockets of an issuer that is not trusted any more.

use std::{sync::Arc, time::SystemTime};

use doorward_core::{BoxFuture, Lease, LeaseError, UserId};

use crate::issuers::member::{Member, Members};

/// Lease of a socket that was admitted with a token of an issuer. Adds conditions to the lease of its
/// session, if it has one.
pub(super) struct IssuerLease {
    pub(super) member: Arc<Member>,
    pub(super) members: Members,
    pub(super) user: UserId,
    pub(super) session: Option<Arc<dyn Lease>>,
}

impl Lease for IssuerLease {
    fn touch(&self, now: SystemTime) {
        if let Some(session) = &self.session {
            session.touch(now);
        }
    }

    fn expires_at(&self) -> Option<SystemTime> {
        self.session.as_ref()?.expires_at()
    }

    fn renew(&self, now: SystemTime) -> BoxFuture<'_, Result<(), LeaseError>> {
        Box::pin(async move {
            // An issuer may have been added since, whose prefix this id has.
            let is_foreign = self.member.jwt.shares_users() && self.members.own(&self.user);
            if !self.member.is_trusted() || is_foreign {
                return Err(LeaseError::Outdated);
            }
            match &self.session {
                Some(session) => session.renew(now).await,
                None => Ok(()),
            }
        })
    }
}
