//! One link: a task that reads, decides, handles and writes for one connection.
//!
//! Everything a client causes happens inside [`LinkTask::poll`], in the order in which it arrived:
//! an admission and a handler are polled here and never spawned, so there is nothing to race with. The
//! rules of the protocol are [`doorward_protocol::Link`]'s; this moves bytes and keeps time.
//! Start reading at [`LinkTask::drive`].

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant, SystemTime},
};

use doorward_core::{DisconnectReason, HandshakeRequest, Headers, LinkId, RefusalReason};
use doorward_protocol::{
    Link, SlotId, Timeout, engine,
    ws::{self, CloseCode, Opcode},
};

use crate::{
    limits::{addresses::Place, capacity::Open},
    link::{
        admitting::Deciding, ending::Closing, live::Live, probing::Probing, reading::ReadEnd,
        seam::Namespaces,
    },
    presence::{mailbox::LinkHandle, registry::LinkEntry, services::Services},
    runtime::{catch::drop_quietly, timers::Timer},
    transport::{outbox::Outbox, stream::Transport},
};

/// The task of one link.
pub(crate) struct LinkTask<S> {
    pub(super) io: S,
    pub(super) services: Arc<Services>,
    pub(super) namespaces: Arc<Namespaces>,
    pub(super) request: Arc<HandshakeRequest>,
    pub(super) credentials: Arc<Headers>,
    pub(super) handle: Arc<LinkHandle>,
    pub(super) link: Link,
    pub(super) reader: ws::Reader,
    /// Bytes that were read and not yet used: half a frame, or what waits for a full inbox.
    pub(super) rest: Vec<u8>,
    pub(super) outbox: Outbox,
    /// What is at each of the link's slots.
    pub(super) occupants: Vec<Option<Occupant>>,
    /// The address's place for unknown links, while nobody here is known.
    pub(super) place: Option<Place>,
    pub(super) timer: Timer,
    /// Since when the peer has taken nothing of what waits for it.
    pub(super) stalled_since: Option<Instant>,
    pub(super) closing: Option<Closing>,
    /// Somebody wants to know whether the client is still there.
    pub(super) probing: Option<Box<Probing>>,
    /// Frames and events that may still be worked off in this turn.
    pub(super) budget: usize,
    /// The time of day in this turn.
    pub(super) wall: SystemTime,
    /// Each handler that outlives its socket holds a copy, so that they can be counted.
    pub(super) finishing: Arc<()>,
    pub(super) _entry: LinkEntry,
    /// Last, so that the descriptor is free when it makes room.
    pub(super) _open: Option<Open>,
}

/// What a link is opened with.
pub(crate) struct Opening {
    pub(crate) request: Arc<HandshakeRequest>,
    /// The headers that only authenticators see.
    pub(crate) credentials: Arc<Headers>,
    pub(crate) place: Place,
    /// Where the server itself has accepted the connection.
    pub(crate) open: Option<Open>,
}

/// What a namespace on a link is doing.
pub(super) enum Occupant {
    Deciding(Box<Deciding>),
    Live(Box<Live>),
}

impl<S: Transport> LinkTask<S> {
    /// Opens the link. `early` is what the client sent right behind its upgrade request.
    pub(crate) fn new(
        io: S,
        early: &[u8],
        services: Arc<Services>,
        namespaces: Arc<Namespaces>,
        opening: Opening,
    ) -> Self {
        let Opening { request, credentials, place, open } = opening;
        let now = services.clock.now();
        let limits = &services.limits;
        let id = LinkId::generate(&*services.entropy);
        let handle = Arc::new(LinkHandle::new(id, limits.outbox));
        let mut outbox = Outbox::default();
        let sid = id.encode();
        ws::append(outbox.tail(), Opcode::Text, |out| {
            engine::Open {
                sid: &sid,
                ping_interval: limits.ping_interval,
                ping_timeout: limits.ping_timeout,
                max_payload: limits.max_message,
            }
            .write(out);
        });
        let mut link = Link::open(Arc::clone(&services.link_config), now);
        // Too much is not read, and noticed at the next byte.
        let rest = if link.count(early.len()).is_ok() { early.to_vec() } else { Vec::new() };
        let entry = services.registry.add_link(Arc::clone(&handle));
        services.metrics.links.increment(1.0);
        if services.is_draining() {
            // Everybody was told already; whoever comes in later is told here.
            handle.end(DisconnectReason::Shutdown);
        }
        Self {
            io,
            link,
            _entry: entry,
            _open: open,
            timer: Timer::new(Arc::clone(&services.timers)),
            services,
            namespaces,
            request,
            credentials,
            handle,
            reader: ws::Reader::default(),
            rest,
            outbox,
            occupants: Vec::new(),
            place: Some(place),
            stalled_since: None,
            closing: None,
            probing: None,
            budget: 0,
            wall: SystemTime::UNIX_EPOCH,
            finishing: Arc::new(()),
        }
    }

    /// Does everything that can be done now. `Ready` means that the link is over.
    fn drive(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        self.budget = FRAMES_PER_TURN;
        let mut passes = PASSES_PER_TURN;
        // After a sleep of the machine: whose time is over gets nothing that was queued meanwhile.
        self.expire(now);
        loop {
            self.read_letters(now);
            let read = self.read(cx, now);
            self.poll_admissions(cx, now);
            self.poll_lifetimes(cx, now);
            self.poll_handlers(cx, now);
            self.check_deadlines(now);
            self.flush(cx, now);
            if self.closing.is_some() {
                // Its seats are free already: whoever waits for a sign of life need not wait for its last words.
                self.probing = None;
                return self.poll_close(cx, now);
            }
            // What was finished or flushed may have made room for what had to wait.
            let unread = read == ReadEnd::NotReading && self.is_reading();
            if !unread && !self.has_runnable() {
                break;
            }
            passes -= 1;
            if passes == 0 || self.budget == 0 {
                yield_turn(cx);
                break;
            }
        }
        if self.is_reading() {
            self.link.resume(now);
        } else {
            self.link.pause(now);
        }
        Poll::Pending
    }

    /// Whether the client may send more: nothing of it waits in a full inbox, and it reads what it
    /// is sent.
    pub(super) fn is_reading(&self) -> bool {
        self.closing.is_none() && !self.is_congested() && !self.any_inbox_full()
    }

    /// Whether so much waits to be sent that nothing should be started that adds to it.
    pub(super) fn is_congested(&self) -> bool {
        self.outbox.len() >= self.congestion_limit()
    }

    pub(super) fn congestion_limit(&self) -> usize {
        self.services.limits.outbox / 4
    }

    pub(super) fn check_deadlines(&mut self, now: Instant) {
        self.expire(now);
        while self.closing.is_none()
            && let Some(timeout) = self.link.handle_timeout(now)
        {
            match timeout {
                Timeout::Ping => self.send(engine::write_ping),
                Timeout::NoPong => self.end_link(DisconnectReason::PingTimeout, now),
                Timeout::NoConnect => {
                    let reason = RefusalReason::ConnectTimeout;
                    self.throw_out(reason, CloseCode::Policy, NO_CONNECT, now);
                }
                Timeout::NoAttachments => self.violated(CloseCode::Policy, &NO_ATTACHMENTS, now),
            }
        }
        self.check_probe(now);
        if self.is_overloaded() {
            self.end_link(DisconnectReason::Overloaded, now);
        }
        if !self.is_reading() && self.closing.is_none() && self.io.is_closed_by_peer() {
            self.abort(DisconnectReason::TransportClosed, now);
        }
        let stall = self.services.limits.write_stall;
        if self.stalled_since.is_some_and(|since| since + stall <= now) {
            self.end_link(DisconnectReason::SlowConsumer, now);
        }
    }

    /// Asks to be woken at the earliest deadline.
    fn arm_timer(&mut self, cx: &Context<'_>, now: Instant) {
        let own = match &self.closing {
            Some(closing) => Some(closing.until),
            None => {
                let stall = self.services.limits.write_stall;
                let stalled = self.stalled_since.map(|since| since + stall);
                // Who is not read cannot be seen to leave, so it is looked for.
                let look = (!self.is_reading()).then(|| now + LOOK_AGAIN);
                let probed = self.probing.as_ref().map(|probing| probing.until);
                [self.link.deadline(), stalled, look, probed].into_iter().flatten().min()
            }
        };
        let slots = self.occupants.iter().flatten().filter_map(|occupant| match occupant {
            Occupant::Deciding(deciding) => Some(deciding.deadline),
            Occupant::Live(live) => live.deadline(now, self.wall),
        });
        if let Some(earliest) = own.into_iter().chain(slots).min() {
            self.timer.arm(earliest, now, cx.waker());
        }
    }

    /// Appends one Engine.IO packet.
    pub(super) fn send(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        ws::append(self.outbox.tail(), Opcode::Text, write);
    }

    pub(super) fn flush(&mut self, cx: &mut Context<'_>, now: Instant) {
        let before = self.outbox.len();
        let flushed = self.outbox.poll_flush(&mut self.io, cx);
        self.outbox.tell_gauge(&self.services.metrics.outbox);
        match flushed {
            Poll::Ready(Ok(())) => {
                if self.stalled_since.take().is_some() {
                    self.handle.set_behind(false);
                }
            }
            Poll::Ready(Err(_)) => self.abort(DisconnectReason::TransportClosed, now),
            Poll::Pending => {
                let moved = self.outbox.len() < before;
                if moved || self.stalled_since.is_none() {
                    self.stalled_since = Some(now);
                    self.handle.set_behind(true);
                }
                if self.outbox.len() > self.services.limits.outbox {
                    self.end_link(DisconnectReason::SlowConsumer, now);
                }
            }
        }
    }

    pub(super) fn occupant(&mut self, slot: SlotId) -> &mut Option<Occupant> {
        let index = slot.index();
        if self.occupants.len() <= index {
            self.occupants.resize_with(index + 1, || None);
        }
        &mut self.occupants[index]
    }

    pub(super) fn peer(&self) -> Option<std::net::IpAddr> {
        self.request.peer().map(|address| address.ip())
    }
}

impl<S: Transport> Future for LinkTask<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.handle.register(cx);
        let now = this.services.clock.now();
        this.wall = this.services.clock.wall();
        let poll = this.drive(cx, now);
        if poll.is_pending() {
            this.arm_timer(cx, now);
        }
        poll
    }
}

/// However the task ends, nothing of the link stays: not even when the runtime is taken away.
impl<S> Drop for LinkTask<S> {
    fn drop(&mut self) {
        self.services.metrics.links.decrement(1.0);
        self.outbox.clear(&self.services.metrics.outbox);
        for occupant in std::mem::take(&mut self.occupants) {
            drop_quietly(occupant);
        }
        // Whoever asks after the client hears that it is gone: now its seats are free.
        self.handle.close();
    }
}

/// Lets other tasks and the sockets themselves have their turn before this one goes on. Waking
/// oneself would do for the tasks alone: the runtime looks at sockets when no task is ready.
fn yield_turn(cx: &mut Context<'_>) {
    let mut pause = std::pin::pin!(tokio::task::yield_now());
    // The first poll only asks to be woken behind the others.
    let asked = pause.as_mut().poll(cx);
    debug_assert!(asked.is_pending());
}

/// Frames and events that one link may work off before others have their turn: some 100 us.
const FRAMES_PER_TURN: usize = 128;

/// Full outboxes that one link may fill and flush in one turn.
const PASSES_PER_TURN: usize = 4;

/// What a developer most often has to look at then: an `auth` function that takes no callback, or never calls it.
const NO_CONNECT: &str = "no CONNECT in time: does the client's auth function call back?";

const NO_ATTACHMENTS: &str = "attachments that were announced did not arrive in time";

/// How often a link that is not read is asked whether its client is still there.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
