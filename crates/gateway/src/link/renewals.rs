//! Pending requests that decide how long a socket may stay connected.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Instant, SystemTime},
};

use doorward_core::{BoxFuture, LeaseError};

use crate::{link::seam::NotAdmitted, presence::expiry::Lifetime, runtime::catch::Caught};

/// Pending session renewal and pending credential refresh of a socket, and the expiry of which its
/// client was warned.
#[derive(Default)]
pub(super) struct Renewals {
    /// Renewal of a session that seems to have expired.
    pub(super) renewing: Option<Request<Result<(), LeaseError>>>,
    /// Check of a new credential that the client has sent.
    pub(super) refreshing: Option<Refreshing>,
    /// Number of credentials that were refused since the last successful refresh.
    pub(super) refusals: usize,
    /// Expiry of which the client was last warned. `None` if it was never warned.
    pub(super) warned_of: Option<SystemTime>,
}

/// Credential that is being checked, and the id of the ack that the client waits for. `ack` is
/// `None` if the client asked for no ack.
pub(super) struct Refreshing {
    pub(super) ack: Option<u64>,
    pub(super) request: Request<Result<Lifetime, NotAdmitted>>,
}

/// Pending request and its deadline.
pub(super) struct Request<T> {
    pub(super) future: Caught<BoxFuture<'static, T>>,
    pub(super) until: Instant,
}

impl<T> Request<T> {
    /// Polls the request. Completes with `None` if it panicked or timed out.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Option<T>> {
        match Pin::new(&mut self.future).poll(cx) {
            Poll::Ready(answer) => Poll::Ready(answer.ok()),
            Poll::Pending if self.until <= now => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Renewals {
    /// Returns `true` while the session is being renewed. Meanwhile it is unknown if the socket may
    /// stay connected.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.renewing.is_some()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let renewing = self.renewing.as_ref().map(|asked| asked.until);
        let refreshing = self.refreshing.as_ref().map(|refreshing| refreshing.request.until);
        renewing.into_iter().chain(refreshing).min()
    }
}
