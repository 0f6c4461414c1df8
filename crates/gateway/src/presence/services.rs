//! Holds what the parts of a running server share: clock, limits, lists, outages, audit.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Once,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use doorward_core::{
    Action, Audit, AuditRecord, Clock, Decision, DecisionId, Entropy, Epochs, Fault, Headers,
    Refusal, RefusalReason, SessionId, SocketId, UserId,
};
use doorward_protocol::LinkConfig;
use http::HeaderMap;
use tokio::sync::{Semaphore, watch};

use crate::{
    limits::{
        Limits,
        addresses::{Addresses, Place},
        attempts::Attempts,
        capacity::Room,
    },
    peer::{
        page::Page,
        proxies::{FORWARDED_FOR, TrustedProxies},
    },
    presence::registry::Registry,
    runtime::{catch::catch, metrics::Metrics, outage::Outage, timers::Timers},
};

/// The shared parts of a server.
pub(crate) struct Services {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) limits: Limits,
    pub(crate) link_config: Arc<LinkConfig>,
    pub(crate) timers: Arc<Timers>,
    /// Links of each address without an authenticated socket.
    pub(crate) addresses: Arc<Addresses>,
    /// The same for links that pages of other hosts opened.
    pub(crate) foreign: Arc<Addresses>,
    /// HTTP connections of each address; behind a trusted proxy, requests.
    pub(crate) connections: Arc<Addresses>,
    /// HTTP connections of each trusted proxy.
    pub(crate) proxied: Arc<Addresses>,
    /// The peers whose `X-Forwarded-For` counts.
    pub(crate) proxies: TrustedProxies,
    /// The origins of the application's pages on other hosts.
    pub(crate) pages: Vec<Box<str>>,
    /// Logs once that `X-Forwarded-For` of another peer was ignored.
    forwarded: Once,
    /// Logs once that the address of a client is not known.
    unknown: Once,
    /// All accepted connections, links included.
    pub(crate) room: Arc<Room>,
    pub(crate) registry: Arc<Registry>,
    /// The revocations.
    pub(crate) epochs: Arc<dyn Epochs>,
    /// Whether connections can be accepted.
    pub(crate) accepting: Outage,
    /// Whether admissions can be decided, by authenticators, stores and guards.
    pub(crate) admissions: Outage,
    /// Whether the session store answers.
    pub(crate) store: Outage,
    pub(crate) attempts: Attempts,
    /// Checks of credentials at the same time, after the budget of their address is used up.
    pub(crate) recognising: Semaphore,
    pub(crate) metrics: Metrics,
    audit: Arc<dyn Audit>,
    draining: AtomicBool,
    /// Incremented when the rights of a user have changed.
    pub(crate) rights_changed: AtomicU64,
    /// Handlers that outlive their socket.
    pub(crate) afterwards: Arc<Semaphore>,
    /// Each running disconnect hook holds a receiver, so that a server that stops can wait for them.
    pub(crate) farewells: watch::Sender<()>,
}

/// The subject of a decision, as far as it is known.
#[derive(Clone, Default)]
pub(crate) struct Subject<'a> {
    /// What was at fault. [`Services::said_no`] takes it from the refusal.
    pub(crate) fault: Option<Fault>,
    pub(crate) action: Option<Action<'a>>,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) user: Option<&'a UserId>,
    pub(crate) session: Option<SessionId>,
    pub(crate) socket: Option<SocketId>,
    pub(crate) peer: Option<IpAddr>,
}

impl Services {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        limits: Limits,
        audit: Arc<dyn Audit>,
        epochs: Arc<dyn Epochs>,
    ) -> Self {
        Self {
            attempts: Attempts::new(limits.max_address_refusals, limits.max_user_attempts),
            accepting: Outage::new("accept", QUIET),
            admissions: Outage::new("admission", QUIET),
            store: Outage::new("store", QUIET),
            epochs,
            metrics: Metrics::new(),
            timers: Timers::new(Arc::clone(&clock)),
            addresses: Addresses::new(limits.max_unauthenticated_links),
            foreign: Addresses::new((limits.max_unauthenticated_links / 2).max(1)),
            recognising: Semaphore::new(RECOGNISED_AT_ONCE),
            connections: Addresses::new(limits.max_http_connections),
            proxied: Addresses::new(limits.max_proxy_connections),
            proxies: TrustedProxies::default(),
            pages: Vec::new(),
            forwarded: Once::new(),
            unknown: Once::new(),
            room: Room::new(limits.max_connections),
            registry: Arc::default(),
            link_config: Arc::new(limits.link()),
            draining: AtomicBool::new(false),
            rights_changed: AtomicU64::new(0),
            afterwards: Arc::new(Semaphore::new(limits.afterwards)),
            farewells: watch::Sender::new(()),
            clock,
            entropy,
            limits,
            audit,
        }
    }

    /// Returns the client of a request that came from `peer` with these headers.
    pub(crate) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if headers.contains_key(FORWARDED_FOR) && !self.proxies.trusts(peer.ip()) {
            self.forwarded.call_once(|| {
                tracing::warn!(
                    peer = %peer.ip(),
                    "X-Forwarded-For is not believed: if this peer is a reverse proxy of yours, name it in \
                     trusted_proxies, or all its clients share one budget."
                );
            });
        }
        self.proxies.client(peer, headers)
    }

    /// Logs once that another HTTP server does not say where its requests come from.
    pub(crate) fn client_is_unknown(&self) {
        self.unknown.call_once(|| {
            tracing::warn!(
                "The address of a client is not known, and all such clients share one budget: set PeerAddr on \
                 each request, or with axum take into_make_service_with_connect_info::<SocketAddr>() and the \
                 feature \"axum\" of doorward."
            );
        });
    }

    /// Takes the place of a link without an authenticated socket; `None` when its address has no more.
    pub(crate) fn link_place(&self, address: Option<IpAddr>, headers: &Headers) -> Option<Place> {
        self.link_places(headers).try_take(address)
    }

    /// Takes the place of a link that is there already, also beyond the limit.
    pub(crate) fn keep_link_place(&self, address: Option<IpAddr>, headers: &Headers) -> Place {
        self.link_places(headers).take(address)
    }

    /// Tells whether a page of another host opened a link.
    pub(crate) fn page(&self, headers: &Headers) -> Page {
        Page::of(headers, &self.pages)
    }

    fn link_places(&self, headers: &Headers) -> &Arc<Addresses> {
        match self.page(headers) {
            Page::Foreign => &self.foreign,
            Page::Own => &self.addresses,
        }
    }

    /// Writes the audit record of a decision, counts it, and returns its id.
    #[expect(clippy::needless_pass_by_value, reason = "it is put together for this call")]
    pub(crate) fn decided(&self, outcome: Decision, subject: Subject<'_>) -> DecisionId {
        let id = DecisionId::generate(&*self.entropy);
        Metrics::decided(outcome);
        let record = AuditRecord {
            id,
            at: self.clock.wall(),
            outcome,
            fault: subject.fault,
            action: subject.action,
            namespace: subject.namespace,
            user: subject.user,
            session: subject.session.as_ref(),
            socket: subject.socket,
            peer: subject.peer,
        };
        if catch(|| self.audit.record(&record)).is_err() {
            tracing::error!(%id, "The audit panicked, and a decision is not written down.");
        }
        id
    }

    /// Writes the audit record of a no, with its reason and what was at fault, as [`decided`](Self::decided) does.
    pub(crate) fn said_no(
        &self,
        outcome: fn(RefusalReason) -> Decision,
        refusal: &Refusal,
        subject: Subject<'_>,
    ) -> DecisionId {
        self.decided(outcome(refusal.reason()), Subject { fault: refusal.fault(), ..subject })
    }

    /// Whether the audit keeps the record of a yes before it is acted on.
    pub(crate) fn records_first(&self) -> bool {
        self.audit.kept_first().is_some()
    }

    /// Waits until the records so far are kept, where the audit wants that; `false` when they are not.
    pub(crate) async fn kept_first(&self) -> bool {
        match self.audit.kept_first() {
            Some(kept) => kept.await,
            None => true,
        }
    }

    /// Waits until every record is kept.
    pub(crate) async fn recorded(&self) {
        self.audit.written().await;
    }

    /// Whether there is room for the records of one more client.
    pub(crate) fn can_record(&self) -> bool {
        self.audit.has_room()
    }

    /// Runs a future for at most `time`; `None` when that is over. A future that is ready at once
    /// costs no timer.
    pub(crate) async fn within<F: Future>(&self, time: Duration, future: F) -> Option<F::Output> {
        let mut future = std::pin::pin!(future);
        let mut timeout = None;
        std::future::poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            let now = self.clock.now();
            let sleep = || self.clock.sleep_until(now.checked_add(time).unwrap_or(now + FOREVER));
            timeout.get_or_insert_with(sleep).as_mut().poll(cx).map(|()| None)
        })
        .await
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }
}

/// What a time that no clock can hold is shortened to.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Time without a failure after which an answer ends an outage: some questions may fail while others succeed.
pub(crate) const QUIET: Duration = Duration::from_secs(5);

/// Credentials that are recognised at the same time.
const RECOGNISED_AT_ONCE: usize = 2;
