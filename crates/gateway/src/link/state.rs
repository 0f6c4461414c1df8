//! State of one link and its deadlines. Decides when the link pauses reading from its client.
//!
//! Only the task of the link changes the state, so there are no races. The wire passes messages to
//! the state, and sends the packets in its outbox. The state itself does not know the wire. Start
//! reading at [`LinkState::check_deadlines`].

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use doorward_core::{
    Action, AuthPayload, DisconnectReason, Handshake, HandshakeRequest, Headers, LinkId,
    RefusalReason,
};
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
    presence::{
        change::agent_of,
        mailbox::LinkHandle,
        registry::LinkEntry,
        services::{Services, Subject},
        standing::Term,
    },
    runtime::catch::drop_quietly,
    transport::outbox::PooledOutbox,
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
    pub(super) outbox: PooledOutbox,
    /// `true` if packets were cut from the outbox since the last flush.
    pub(super) was_cut: bool,
    /// Place of the link among the unauthenticated links of its client's address. `None` while a
    /// socket of the link is authenticated.
    pub(super) place: Option<Place>,
    /// Time at which bytes were last sent while packets wait, or at which packets began to wait if
    /// none were sent since. `None` while no packets wait.
    pub(super) stalled_since: Option<Instant>,
    /// Time at which the connection is cut, even if not all packets were sent. Set when the link
    /// ends, and `None` before. Until this time the last packets are sent.
    pub(super) closing: Option<Instant>,
    /// Running probe that checks if the client is alive.
    pub(super) probing: Option<Box<Probing>>,
    /// Each handler that outlives its socket holds a clone. The number of clones limits how many
    /// such handlers run.
    pub(super) finishing: Arc<()>,
    /// Term of this node in its cluster in which the authenticated sockets of the link were
    /// admitted.
    pub(super) term: Term,
    _entry: LinkEntry,
    /// Place of the link among all connections of the server. It is dropped last, so that the file
    /// descriptor is closed before another connection may take the place.
    _open: Option<Open>,
}

/// Arguments for opening a link.
pub(crate) struct Opening {
    /// Id of the link. It is secret, because it finds the link of a client that polls.
    pub(crate) id: LinkId,
    /// Transports to which the client may upgrade.
    pub(crate) upgrades: &'static [&'static str],
    pub(crate) services: Arc<Services>,
    pub(crate) namespaces: Arc<Namespaces>,
    pub(crate) request: Arc<HandshakeRequest>,
    /// Headers with credentials, which only authenticators see.
    pub(crate) credentials: Arc<Headers>,
    /// Place of the link among the unauthenticated links of its client's address.
    pub(crate) place: Place,
    /// Place of the link among all connections of the server. `None` if another HTTP server
    /// accepted the connection.
    pub(crate) open: Option<Open>,
}

/// A probe that the client has not answered yet.
pub(super) struct Probing {
    /// Time at which the client counts as dead if it has shown no sign of life.
    pub(super) until: Instant,
    /// Number of bytes in the outbox when the probe began, if the client was not reading its
    /// packets at that time. If fewer bytes wait at the end of the probe, the client is alive.
    /// `None` if the client was reading.
    pub(super) stuck: Option<usize>,
    /// Callers that wait for the result. Dropping their senders reports that the client is dead.
    pub(super) askers: Vec<oneshot::Sender<()>>,
}

impl LinkState {
    pub(super) fn open(opening: Opening) -> Self {
        let Opening { id, upgrades, services, namespaces, request, credentials, place, open } =
            opening;
        let limits = &services.limits;
        let handle = Arc::new(LinkHandle::new(limits.outbox));
        let mut outbox = PooledOutbox::new(services.link_config.format);
        let sid = id.encode();
        outbox.engine(|out| {
            engine::Open {
                sid: &sid,
                upgrades,
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
            // The order to end all links was posted before this link was registered, so the link
            // did not receive it.
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
            was_cut: false,
            place: Some(place),
            stalled_since: None,
            closing: None,
            probing: None,
            finishing: Arc::new(()),
            term: Term::default(),
            _entry: entry,
            _open: open,
        }
    }

    /// Returns `true` while the link reads from its client. The link pauses reading while an inbox
    /// is full or the client does not read its packets. It stops reading when it ends.
    pub(super) fn is_reading(&self) -> bool {
        self.closing.is_none() && !self.is_congested() && !self.any_inbox_full()
    }

    /// Returns `true` while reading must pause because an inbox is full. While the server waits for
    /// an ack of the client, reading continues, because a handler may be waiting for that ack.
    fn any_inbox_full(&self) -> bool {
        !self.handle.has_pending_acks() && self.is_inbox_beyond(1)
    }

    /// Returns `true` if an inbox holds twice its limit. This happens if reading continues because
    /// the server waits for an ack of the client.
    fn is_overloaded(&self) -> bool {
        self.handle.has_pending_acks() && self.is_inbox_beyond(2)
    }

    /// Returns `true` if the inbox of a socket has `times` as many events as `Limits::inbox`, or if
    /// all inboxes of the link together have `times` as many bytes as `Limits::inbox_bytes`.
    fn is_inbox_beyond(&self, times: usize) -> bool {
        let limits = &self.services.limits;
        let events = limits.inbox.saturating_mul(times);
        let bytes = limits.inbox_bytes.saturating_mul(times);
        let mut sum = 0;
        self.sockets.all_live().any(|live| {
            let (waiting, size) = live.waiting();
            sum += size;
            waiting >= events || sum >= bytes
        })
    }

    /// Returns `true` if a waiting event or stream can run now, because the outbox has room for its
    /// packets.
    pub(super) fn has_runnable(&self) -> bool {
        !self.is_congested() && self.sockets.all_live().any(Live::is_runnable)
    }

    /// Records the term in which a client was admitted, and returns `true` if the node may still serve
    /// it. `None` is the term of a client of a public namespace.
    pub(super) fn enter_term(&mut self, term: Option<Term>) -> bool {
        let Some(term) = term else { return true };
        if self.protocol.is_known() && self.term != term {
            // Sockets of an earlier term are about to end.
            return false;
        }
        self.term = term;
        self.holds_term()
    }

    /// Returns `true` if the node may still serve the authenticated sockets of the link. It is `false`
    /// once the node has lost its lease, also if the node has joined its cluster again since.
    fn holds_term(&self) -> bool {
        let Services { standing, clock, .. } = &*self.services;
        standing.holds(self.term, &**clock)
    }

    /// Ends the link at once, and sends nothing more, if the node may no longer serve its sockets.
    ///
    /// The process may have been stopped in between, and the sockets may have been revoked or
    /// replaced meanwhile. The client reconnects automatically.
    pub(super) fn check_term(&mut self, turn: &Turn<'_>) {
        // The last packets of a link that is closing are not sent either.
        let has_served = self.protocol.is_known() || self.term != Term::default();
        let is_aborted = self.closing.is_some_and(|until| until <= turn.now);
        if !has_served || is_aborted || self.holds_term() {
            return;
        }
        self.abort(DisconnectReason::Unavailable, turn);
        self.outbox.clear(&self.services.metrics.outbox);
        self.was_cut = true;
    }

    /// Acts on the deadlines that have passed, and on limits that the client has exceeded.
    pub(super) fn check_deadlines(&mut self, turn: &Turn<'_>) {
        self.expire(turn);
        while self.closing.is_none()
            && let Some(timeout) = self.protocol.handle_timeout(turn.now)
        {
            match timeout {
                Timeout::Ping => self.outbox.engine(engine::write_ping),
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

    /// Returns the earliest time at which the task of the link must be polled again, or `None` if
    /// it has no deadline.
    pub(super) fn deadline(&self, turn: &Turn<'_>) -> Option<Instant> {
        let own = match self.closing {
            Some(until) => Some(until),
            None => {
                let stall = self.services.limits.write_stall;
                let stalled = self.stalled_since.map(|since| since + stall);
                // While the link does not read, it does not notice that the client has closed the
                // connection. So it checks for that regularly.
                let look = (!self.is_reading()).then(|| turn.now + LOOK_AGAIN);
                let probed = self.probing.as_ref().map(|probing| probing.until);
                [self.protocol.deadline(), stalled, look, probed].into_iter().flatten().min()
            }
        };
        let sockets = self.sockets.all().filter_map(|occupant| match occupant {
            Occupant::Pending(pending) => Some(pending.deadline),
            Occupant::Live(live) => live.deadline(turn.now, turn.wall),
        });
        own.into_iter().chain(sockets).min()
    }

    /// Returns the subject of a decision about a CONNECT that is not admitted.
    pub(super) fn connecting<'a>(&'a self, namespace: Option<&'a str>) -> Subject<'a> {
        Subject {
            action: Some(Action::Connect),
            namespace,
            peer: self.peer(),
            agent: agent_of(self.request.headers()),
            ..Subject::default()
        }
    }

    /// Returns the handshake with which the client asks to enter a namespace, or to refresh its
    /// credential there.
    pub(super) fn handshake(&self, namespace: impl Into<Arc<str>>, auth: AuthPayload) -> Handshake {
        let (request, at) = (Arc::clone(&self.request), self.services.clock.wall());
        Handshake::new(request, namespace, auth, at).with_credentials(Arc::clone(&self.credentials))
    }

    pub(super) fn peer(&self) -> Option<IpAddr> {
        self.request.peer().map(|address| address.ip())
    }
}

/// Releases all resources of the link, even if the runtime shuts down and drops the task.
impl Drop for LinkState {
    fn drop(&mut self) {
        self.services.metrics.links.decrement(1.0);
        self.outbox.clear(&self.services.metrics.outbox);
        for occupant in self.sockets.take_all() {
            drop_quietly(occupant);
        }
        // The handle is closed last, because this tells probes that the client is gone. The seats
        // must be free by then.
        self.handle.close();
    }
}

/// Reason in the close frame if no CONNECT arrived in time, for the developer of the client. The
/// usual cause is an `auth` function that takes no callback, or never calls it.
const NO_CONNECT: &str = "no CONNECT in time: does the client's auth function call back?";

const NO_ATTACHMENTS: &str = "attachments that were announced did not arrive in time";

/// Interval between checks that detect if the client has closed the connection. These checks run
/// while the link does not read.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Time that a client is told to wait after it has used up the attempts of its link. Each new link
/// starts with new attempts.
pub(super) const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);
