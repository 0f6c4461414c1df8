//! Questions about the life of a socket that are not answered yet.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Instant, SystemTime},
};

use doorward_core::{BoxFuture, LeaseError};

use crate::{link::seam::NotAdmitted, presence::access::Lifetime, runtime::catch::Caught};

/// What is being found out about the life of a socket.
#[derive(Default)]
pub(super) struct Questions {
    /// Whether the session lives on after all.
    pub(super) renewing: Option<Asked<Result<SystemTime, LeaseError>>>,
    /// Whether another credential is good.
    pub(super) refreshing: Option<Refreshing>,
    /// How often it has shown something that was refused.
    pub(super) refusals: usize,
    /// Of which end the client was told.
    pub(super) told_of: Option<SystemTime>,
}

/// A credential that is being judged, and the answer that the client waits for.
pub(super) struct Refreshing {
    pub(super) ack: Option<u64>,
    pub(super) asked: Asked<Result<Lifetime, NotAdmitted>>,
}

/// A question, and until when it may stay open.
pub(super) struct Asked<T> {
    pub(super) future: Caught<BoxFuture<'static, T>>,
    pub(super) until: Instant,
}

impl<T> Asked<T> {
    /// What became of it: `None` when that was a panic, or nothing in time.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Option<T>> {
        match Pin::new(&mut self.future).poll(cx) {
            Poll::Ready(answer) => Poll::Ready(answer.ok()),
            Poll::Pending if self.until <= now => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Questions {
    /// Whether it is not known at this moment that the socket may stay.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.renewing.is_some()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let renewing = self.renewing.as_ref().map(|asked| asked.until);
        let refreshing = self.refreshing.as_ref().map(|refreshing| refreshing.asked.until);
        renewing.into_iter().chain(refreshing).min()
    }
}
