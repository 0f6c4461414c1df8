//! Requests that wait at a desk, and answers that are on their way.
//!
//! Dropping one before it completes ends the link, because packets may be lost. Start reading at
//! [`WaitingGet::poll`].

use std::{
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use doorward_core::lock;
use doorward_protocol::polling::{GetAnswer, Polling, RequestError};

use super::{Desk, GetReply, Posted, register};

/// Packets that are being sent to a client as the answer of a GET. The link ends if this is dropped
/// before it is [complete](Delivery::complete), because packets were lost.
pub(crate) struct Delivery {
    desk: Arc<Desk>,
    /// Number of cuts of the desk before this answer.
    cuts: usize,
    is_complete: bool,
}

impl Delivery {
    /// Returns `true` if the packets must not be sent any more.
    pub(crate) fn is_cut(&self) -> bool {
        self.desk.cuts.load(Ordering::Acquire) != self.cuts
    }

    /// Reports that the client has made room for one more piece of the answer.
    pub(crate) fn passed(&self) {
        self.desk.pieces.fetch_add(1, Ordering::Relaxed);
    }

    /// Reports that all packets were passed on.
    pub(crate) fn complete(mut self) {
        self.is_complete = true;
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.desk.delivered();
        if !self.is_complete {
            // Not the next GET, which may wait already.
            self.desk.cancelled(|rules| rules.end(GetAnswer::Refused));
        }
    }
}

/// A GET that waits. The link ends if it is dropped without an answer, because packets may have been
/// lost with it.
pub(crate) struct WaitingGet {
    desk: Arc<Desk>,
    is_answered: bool,
}

/// A POST whose packets are handled. The link ends if it is dropped without an answer, because the
/// client cannot know if its packets were handled.
pub(crate) struct WaitingPost {
    desk: Arc<Desk>,
    is_answered: bool,
}

impl WaitingGet {
    /// Begins a GET.
    pub(crate) fn begin(desk: &Arc<Desk>, now: Instant) -> Result<Self, RequestError> {
        // The answer of an earlier GET that was not fetched yet must not be replaced.
        let is_answering = lock(&desk.state).reply.is_some();
        desk.begin(|rules| {
            if is_answering {
                rules.end(GetAnswer::Close);
                return Err(RequestError::Overlap);
            }
            rules.get(now)
        })?;
        Ok(Self { desk: Arc::clone(desk), is_answered: false })
    }

    /// Returns the answer of the GET. While it is pending, returns the time at which the caller must
    /// poll again. `None` means that the link is about to answer.
    pub(crate) fn poll(
        &mut self,
        cx: &Context<'_>,
        now: Instant,
    ) -> Result<GetReply, Option<Instant>> {
        let mut state = lock(&self.desk.state);
        let reply = state.reply.take().or_else(|| {
            let answer = state.rules.answer(None).or_else(|| state.rules.answer_in_time(now));
            answer.map(|answer| match answer {
                GetAnswer::Close => GetReply::Engine(Bytes::from_static(b"1")),
                GetAnswer::Refused => GetReply::Refused,
                GetAnswer::Packets | GetAnswer::Noop => GetReply::Engine(NOOP),
            })
        });
        if let Some(reply) = reply {
            self.is_answered = true;
            // The link waits until the answer of its GET was taken.
            state.wake_link();
            // Counted under the lock, so that the link sees the answer until it was passed on.
            if matches!(reply, GetReply::Packets(..)) {
                self.desk.deliveries.fetch_add(1, Ordering::Release);
            }
            return Ok(reply);
        }
        register(&mut state.get, cx);
        Err(state.rules.deadline())
    }
}

impl WaitingPost {
    /// Begins a POST. Its body is passed on with [`pass`](Self::pass) when it has arrived.
    pub(crate) fn begin(desk: &Arc<Desk>) -> Result<Self, RequestError> {
        desk.begin(Polling::post)?;
        Ok(Self { desk: Arc::clone(desk), is_answered: false })
    }

    /// Passes the body to the link.
    pub(crate) fn pass(&self, body: Posted) {
        let mut state = lock(&self.desk.state);
        // After an upgrade, its packets would be handled after those of the WebSocket.
        if !state.rules.is_polling() {
            state.accepted = Some(false);
            return;
        }
        state.posted.push_back(body);
        state.accepted = None;
        state.wake_link();
    }

    /// Returns `true` if the link has accepted the packets, and `false` if it has ended. While the
    /// POST is pending, returns the time at which the caller must poll again. `None` means that the
    /// link is about to answer.
    ///
    /// Handlers may take longer than the client waits. So a POST that has waited since `since` for
    /// too long is answered early, if the packets that wait in all are few enough.
    pub(crate) fn poll(
        &mut self,
        cx: &Context<'_>,
        since: Instant,
        now: Instant,
    ) -> Result<bool, Option<Instant>> {
        let mut state = lock(&self.desk.state);
        let until = since + state.rules.post_hold();
        let waiting: usize = state.posted.iter().map(|posted| posted.text.len()).sum();
        let bound = if state.is_known { state.inbox_bytes } else { 0 };
        let may_be_early = waiting <= bound && state.rules.is_polling();
        let accepted = match state.accepted.take() {
            Some(accepted) => accepted,
            None if state.rules.has_ended() => false,
            None if may_be_early && until <= now => {
                state.early += 1;
                state.rules.posted();
                true
            }
            None => {
                register(&mut state.post, cx);
                return Err(may_be_early.then_some(until));
            }
        };
        self.is_answered = true;
        Ok(accepted)
    }
}

impl WaitingGet {
    /// Begins to send packets as the answer. `cuts` comes with the packets, and the caller has just
    /// received both from [`poll`](Self::poll).
    pub(crate) fn deliver(&self, cuts: usize) -> Delivery {
        Delivery { desk: Arc::clone(&self.desk), cuts, is_complete: false }
    }
}

impl WaitingPost {
    /// Completes when the link has ended. The caller reads the body meanwhile.
    pub(crate) fn poll_end(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = lock(&self.desk.state);
        if state.rules.is_polling() {
            register(&mut state.post, cx);
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl Drop for WaitingGet {
    fn drop(&mut self) {
        if !self.is_answered {
            self.desk.cancelled(Polling::get_cancelled);
        }
    }
}

impl Drop for WaitingPost {
    fn drop(&mut self) {
        if !self.is_answered {
            self.desk.cancelled(Polling::post_cancelled);
        }
    }
}

/// Payload of a noop.
const NOOP: Bytes = Bytes::from_static(b"6");
