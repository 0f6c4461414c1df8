//! The state of one link: the protocol, the sockets, and what waits to be sent.
//!
//! Everything here is done by one task, in the order in which it happens, so there is nothing to
//! race with. The wire below is not known here: messages are shown to it, and its outbox is emptied
//! by the wire.

use std::{
    io,
    net::IpAddr,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use doorward_core::{DisconnectReason, HandshakeRequest, Headers, LinkId, RefusalReason};
use doorward_protocol::{Link, Timeout, engine, ws::CloseCode};
use tokio::sync::oneshot;

use crate::{
    limits::{addresses::Place, capacity::Open},
    link::{
        live::Live,
        seam::Namespaces,
        sockets::{Occupant, Sockets},
        turn::Turn,
    },
    presence::{mailbox::LinkHandle, registry::LinkEntry, services::Services},
    runtime::catch::drop_quietly,
    transport::outbox::Outbox,
};

/// The state of one link.
pub(super) struct LinkState {
    pub(super) services: Arc<Services>,
    pub(super) namespaces: Arc<Namespaces>,
    pub(super) request: Arc<HandshakeRequest>,
    pub(super) credentials: Arc<Headers>,
    pub(super) handle: Arc<LinkHandle>,
    pub(super) protocol: Link,
    pub(super) sockets: Sockets,
    pub(super) outbox: Outbox,
    /// The place of the address for links without an authenticated socket, while this is one.
    pub(super) place: Option<Place>,
    /// Since when the client has taken nothing of what waits for it.
    pub(super) stalled_since: Option<Instant>,
    /// The link ends: the last packets are being sent.
    pub(super) closing: Option<Closing>,
    /// The client was asked for a sign of life.
    pub(super) probing: Option<Box<Probing>>,
    /// Each handler that outlives its socket holds a copy, so that they can be counted.
    pub(super) finishing: Arc<()>,
    _entry: LinkEntry,
    /// Last, so that the descriptor is free when it makes room.
    _open: Option<Open>,
}

/// What a link is opened with.
pub(crate) struct Opening {
    pub(crate) request: Arc<HandshakeRequest>,
    /// The headers that only authenticators see.
    pub(crate) credentials: Arc<Headers>,
    pub(crate) place: Place,
    /// The place among all connections, if the server itself has accepted this one.
    pub(crate) open: Option<Open>,
}

/// A link that sends its last packets.
pub(super) struct Closing {
    /// When the connection is cut, whether they were sent or not.
    pub(super) until: Instant,
}

/// A question to a client that was not answered yet.
pub(super) struct Probing {
    /// When no answer is an answer.
    pub(super) until: Instant,
    /// How much waited to be written, when the client could not be heard because it does not read:
    /// that some of it is taken is a sign of life.
    pub(super) stuck: Option<usize>,
    /// Who wants to know; dropping them says no.
    pub(super) askers: Vec<oneshot::Sender<()>>,
}

impl LinkState {
    pub(super) fn open(
        services: Arc<Services>,
        namespaces: Arc<Namespaces>,
        opening: Opening,
    ) -> Self {
        let Opening { request, credentials, place, open } = opening;
        let limits = &services.limits;
        let id = LinkId::generate(&*services.entropy);
        let handle = Arc::new(LinkHandle::new(id, limits.outbox));
        let mut outbox = Outbox::default();
        let sid = id.encode();
        outbox.text(|out| {
            engine::Open {
                sid: &sid,
                ping_interval: limits.ping_interval,
                ping_timeout: limits.ping_timeout,
                max_payload: limits.max_message,
            }
            .write(out);
        });
        let protocol = Link::open(Arc::clone(&services.link_config), services.clock.now());
        let entry = services.registry.add_link(Arc::clone(&handle));
        services.metrics.links.increment(1.0);
        if services.is_draining() {
            // The order to end went out before this link was registered.
            handle.end(DisconnectReason::Shutdown);
        }
        Self {
            services,
            namespaces,
            request,
            credentials,
            handle,
            protocol,
            sockets: Sockets::new(),
            outbox,
            place: Some(place),
            stalled_since: None,
            closing: None,
            probing: None,
            finishing: Arc::new(()),
            _entry: entry,
            _open: open,
        }
    }

    /// Returns `true` while the client may send more: nothing of it waits in a full inbox, and it
    /// reads what it is sent.
    pub(super) fn is_reading(&self) -> bool {
        self.closing.is_none() && !self.is_congested() && !self.any_inbox_full()
    }

    /// Returns `true` while so much waits to be sent that nothing is started that would add to it.
    pub(super) fn is_congested(&self) -> bool {
        self.outbox.len() >= self.congestion_limit()
    }

    pub(super) fn congestion_limit(&self) -> usize {
        self.services.limits.outbox / 4
    }

    /// Returns `true` while what the client sends must wait. While the server waits for an ack the
    /// link is read on, because that ack may be what everything else waits for.
    fn any_inbox_full(&self) -> bool {
        !self.handle.has_questions() && self.is_inbox_beyond(1)
    }

    /// Returns `true` if the client has sent more than can be kept for it.
    fn is_overloaded(&self) -> bool {
        self.handle.has_questions() && self.is_inbox_beyond(2)
    }

    fn is_inbox_beyond(&self, times: usize) -> bool {
        let limits = &self.services.limits;
        let events = limits.inbox.saturating_mul(times);
        self.sockets.is_inbox_beyond(events, limits.inbox_bytes.saturating_mul(times))
    }

    /// Returns `true` if an event waits that could be handled now.
    pub(super) fn has_runnable(&self) -> bool {
        !self.is_congested() && self.sockets.all_live().any(Live::is_runnable)
    }

    /// Acts on the deadlines that have passed, and on limits that the client has exceeded.
    pub(super) fn check_deadlines(&mut self, turn: &Turn<'_>) {
        self.expire(turn);
        while self.closing.is_none()
            && let Some(timeout) = self.protocol.handle_timeout(turn.now)
        {
            match timeout {
                Timeout::Ping => self.outbox.text(engine::write_ping),
                Timeout::NoPong => self.end_link(DisconnectReason::PingTimeout, turn),
                Timeout::NoConnect => {
                    let reason = RefusalReason::ConnectTimeout;
                    self.throw_out(reason, CloseCode::Policy, NO_CONNECT, turn);
                }
                Timeout::NoAttachments => self.violated(CloseCode::Policy, &NO_ATTACHMENTS, turn),
            }
        }
        self.check_probe(turn);
        if self.is_overloaded() {
            self.end_link(DisconnectReason::Overloaded, turn);
        }
    }

    /// Ends the link of a client that has taken nothing of its packets for too long.
    pub(super) fn check_stall(&mut self, turn: &Turn<'_>) {
        let stall = self.services.limits.write_stall;
        if self.stalled_since.is_some_and(|since| since + stall <= turn.now) {
            self.end_link(DisconnectReason::SlowConsumer, turn);
        }
    }

    /// Returns the earliest moment at which the link must have another turn.
    pub(super) fn deadline(&self, turn: &Turn<'_>) -> Option<Instant> {
        let own = match &self.closing {
            Some(closing) => Some(closing.until),
            None => {
                let stall = self.services.limits.write_stall;
                let stalled = self.stalled_since.map(|since| since + stall);
                // A client that is not read cannot be seen to leave, so it is looked for.
                let look = (!self.is_reading()).then(|| turn.now + LOOK_AGAIN);
                let probed = self.probing.as_ref().map(|probing| probing.until);
                [self.protocol.deadline(), stalled, look, probed].into_iter().flatten().min()
            }
        };
        let sockets = self.sockets.all().filter_map(|occupant| match occupant {
            Occupant::Deciding(deciding) => Some(deciding.deadline),
            Occupant::Live(live) => live.deadline(turn.now, turn.wall),
        });
        own.into_iter().chain(sockets).min()
    }

    /// Notes how far a flush came that found `before` bytes in the outbox.
    pub(super) fn flushed(
        &mut self,
        flushed: &Poll<io::Result<()>>,
        before: usize,
        turn: &Turn<'_>,
    ) {
        self.outbox.report(&self.services.metrics.outbox);
        match flushed {
            Poll::Ready(Ok(())) => {
                if self.stalled_since.take().is_some() {
                    self.handle.set_behind(false);
                }
            }
            Poll::Ready(Err(_)) => self.abort(DisconnectReason::TransportClosed, turn),
            Poll::Pending => {
                let moved = self.outbox.len() < before;
                if moved || self.stalled_since.is_none() {
                    self.stalled_since = Some(turn.now);
                    self.handle.set_behind(true);
                }
                if self.outbox.len() > self.services.limits.outbox {
                    self.end_link(DisconnectReason::SlowConsumer, turn);
                }
            }
        }
    }

    pub(super) fn peer(&self) -> Option<IpAddr> {
        self.request.peer().map(|address| address.ip())
    }
}

/// However the task ends, nothing of the link stays, not even when the runtime is shut down.
impl Drop for LinkState {
    fn drop(&mut self) {
        self.services.metrics.links.decrement(1.0);
        self.outbox.clear(&self.services.metrics.outbox);
        for occupant in self.sockets.take_all() {
            drop_quietly(occupant);
        }
        // Its seats are free now, so a probe may learn that the client is gone.
        self.handle.close();
    }
}

/// For the developer of a client whose `auth` function takes no callback, or never calls it: the
/// usual cause.
const NO_CONNECT: &str = "no CONNECT in time: does the client's auth function call back?";

const NO_ATTACHMENTS: &str = "attachments that were announced did not arrive in time";

/// How often a link that is not read is asked whether its client is still there.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Wait that a client is told when it has used up the attempts of its link: a new link has new
/// ones.
pub(super) const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);
