//! Shared services of a running server, such as its clock, limits, budgets, registry and audit.

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt::Display,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Once,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use doorward_core::{
    Action, Audit, Clock, Entropy, Fault, Headers, NodeId, Refusal, RefusalCode, RevocationStore,
    SessionId, SocketId, UserId, cluster::Cluster,
};
use doorward_protocol::LinkConfig;
use http::HeaderMap;
use tokio::sync::{Semaphore, watch};

use crate::{
    bus::{bridged::Bridged, relay::Relay},
    limits::{Limits, addresses::Addresses, capacity::Room, connect_attempts::Attempts},
    peer::{
        foreign_page::Page,
        proxies::{FORWARDED_FOR, TrustedProxies},
    },
    presence::{
        carried::Carried, registry::Registry, roster::Roster, standing::Standing, watches::Watches,
    },
    runtime::{
        metrics::Metrics,
        once_a_minute::OnceAMinute,
        outage_log::{CurrentOutage, Outage},
        timers::Timers,
        within::within,
    },
};

/// Services that all parts of a server share.
pub(crate) struct Services {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Name of this node, for the results of revocations and the holders of seats.
    pub(crate) node: NodeId,
    /// Wall-clock time at which the server was built.
    pub(crate) started_at: SystemTime,
    pub(crate) limits: Limits,
    pub(crate) link_config: Arc<LinkConfig>,
    pub(crate) timers: Arc<Timers>,
    /// Per-address limit on links without an authenticated socket.
    pub(crate) addresses: Arc<Addresses>,
    /// Per-address limit on links without an authenticated socket that pages of other hosts opened.
    pub(crate) foreign: Arc<Addresses>,
    /// Per-address limit on HTTP connections. Behind a trusted proxy it limits the concurrent
    /// requests.
    pub(crate) connections: Arc<Addresses>,
    /// Limit on the HTTP connections of each trusted proxy.
    pub(crate) proxied: Arc<Addresses>,
    /// Peers whose `X-Forwarded-For` header is trusted, which are the application's reverse
    /// proxies.
    pub(crate) proxies: TrustedProxies,
    /// Origins of the application's pages on other hosts.
    pub(crate) pages: Vec<Box<str>>,
    /// Messages of the application, in place of the default messages of these refusals.
    pub(crate) refusal_texts: HashMap<RefusalCode, Cow<'static, str>>,
    /// Ensures that an ignored `X-Forwarded-For` header is logged only once. The header is ignored
    /// if its peer is not trusted.
    forwarded: Once,
    /// Ensures that an unknown client address is logged only once.
    unknown: Once,
    /// Limits the log lines about pages of other origins that have tried to poll.
    foreign_page_logged: OnceAMinute,
    /// Limits the log lines about requests that have reached the wrong node.
    astray_poll_logged: OnceAMinute,
    /// Limits the log lines about connections without a header of the PROXY protocol.
    proxy_header_logged: OnceAMinute,
    /// Limits the log lines about peers that may not send this header.
    no_proxy_logged: OnceAMinute,
    /// `true` if links echo the messages of Engine.IO, for its official test suite.
    pub(crate) is_echo: bool,
    /// Limit on the open connections of the server, HTTP connections and links together.
    pub(crate) room: Arc<Room>,
    pub(crate) registry: Arc<Registry>,
    /// Cluster of this node. `None` if the server is the only node.
    pub(crate) cluster: Option<Arc<dyn Cluster>>,
    /// Orders of the cluster that this node carries out.
    pub(crate) carried: Carried,
    /// Standing of this node in its cluster.
    pub(crate) standing: Standing,
    /// Connection to the other nodes. `None` if the server is the only node.
    pub(crate) relay: Option<Arc<Relay>>,
    /// Connection to servers that are no nodes. `None` without a bridge.
    pub(crate) bridged: Option<Arc<Bridged>>,
    /// Presence of users in the namespaces that track it.
    pub(crate) roster: Arc<Roster>,
    /// Store of revocations.
    pub(crate) revocations: Arc<dyn RevocationStore>,
    /// Outages of accepting connections.
    pub(crate) accepting: Outage,
    /// Outages of authenticators, stores and guards, on which admission depends.
    pub(crate) admissions: Outage,
    /// Outages of the stores of sessions and revocations, as revocations and re-checks notice them.
    pub(crate) store: Outage,
    /// Outages of the cluster, as the task of the membership notices them.
    pub(crate) cluster_outage: Outage,
    /// Outages of the bus, as the task of the relay notices them.
    pub(crate) bus_outage: Outage,
    /// Outages of the bridge, as its task notices them.
    pub(crate) bridge_outage: Outage,
    pub(crate) attempts: Attempts,
    /// Permits for verifying credentials from addresses whose budget for refused attempts is used
    /// up.
    pub(crate) recognising: Semaphore,
    pub(crate) metrics: Metrics,
    pub(crate) audit: Arc<dyn Audit>,
    /// Programs that follow the connections of users.
    pub(crate) watches: Arc<Watches>,
    /// `true` once the server shuts down. It then admits no more clients.
    draining: AtomicBool,
    /// Incremented by each change of a user's rights, before the sockets of the user are searched.
    pub(crate) rights_changed: AtomicU64,
    /// Permits for handlers that continue after their socket has ended.
    pub(crate) afterwards: Arc<Semaphore>,
    /// Each disconnect hook, and each handler that continues after its socket has ended, holds a
    /// receiver while it runs, so that a shutdown can wait for all of them.
    pub(crate) farewells: watch::Sender<()>,
}

/// Subject of a decision, for its audit record. Unknown parts are `None`.
#[derive(Clone, Default)]
pub(crate) struct Subject<'a> {
    /// Part of the credential or request that caused the decision. [`Services::said_no`] takes it
    /// from the refusal.
    pub(crate) fault: Option<Fault>,
    pub(crate) action: Option<Action<'a>>,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) user: Option<&'a UserId>,
    pub(crate) session: Option<SessionId>,
    pub(crate) socket: Option<SocketId>,
    pub(crate) peer: Option<IpAddr>,
    /// `User-Agent` of the client, for watches.
    pub(crate) agent: Option<&'a str>,
}

impl Services {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        limits: Limits,
        audit: Arc<dyn Audit>,
        revocations: Arc<dyn RevocationStore>,
    ) -> Self {
        Self {
            attempts: Attempts::new(limits.max_address_refusals, limits.max_user_attempts),
            accepting: Outage::new("accept", QUIET),
            admissions: Outage::new("admission", QUIET),
            store: Outage::new("store", QUIET),
            cluster_outage: Outage::new("cluster", Duration::ZERO),
            bus_outage: Outage::new("bus", Duration::ZERO),
            bridge_outage: Outage::new("bridge", Duration::ZERO),
            cluster: None,
            relay: None,
            bridged: None,
            roster: Arc::new(Roster::new(NodeId::new(NODE), None)),
            carried: Carried::default(),
            standing: Standing::alone(clock.now()),
            revocations,
            metrics: Metrics::new(),
            timers: Timers::new(Arc::clone(&clock)),
            addresses: Addresses::new(limits.max_unauthenticated_links),
            foreign: Addresses::new((limits.max_unauthenticated_links / 2).max(1)),
            recognising: Semaphore::new(RECOGNISED_AT_ONCE),
            connections: Addresses::new(limits.max_http_connections),
            proxied: Addresses::new(limits.max_proxy_connections),
            proxies: TrustedProxies::default(),
            pages: Vec::new(),
            refusal_texts: HashMap::new(),
            forwarded: Once::new(),
            unknown: Once::new(),
            foreign_page_logged: OnceAMinute::default(),
            astray_poll_logged: OnceAMinute::default(),
            proxy_header_logged: OnceAMinute::default(),
            no_proxy_logged: OnceAMinute::default(),
            is_echo: false,
            room: Room::new(limits.max_connections),
            registry: Arc::default(),
            link_config: Arc::new(limits.link()),
            draining: AtomicBool::new(false),
            rights_changed: AtomicU64::new(0),
            afterwards: Arc::new(Semaphore::new(limits.afterwards)),
            farewells: watch::Sender::new(()),
            node: NodeId::new(NODE),
            started_at: clock.wall(),
            clock,
            entropy,
            limits,
            audit,
            watches: Arc::new(Watches::new()),
        }
    }

    /// Returns the outages that have not ended.
    pub(crate) fn outages(&self) -> Vec<CurrentOutage> {
        let Self {
            accepting, admissions, store, cluster_outage, bus_outage, bridge_outage, ..
        } = self;
        let all = [accepting, admissions, store, cluster_outage, bus_outage, bridge_outage];
        let now = self.clock.now();
        all.into_iter().filter_map(|outage| outage.current(now)).collect()
    }

    /// Returns the address of the client that sent a request with these headers through `peer`.
    pub(crate) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if headers.contains_key(FORWARDED_FOR) && !self.proxies.trusts(peer.ip()) {
            self.forwarded.call_once(|| {
                tracing::warn!(
                    peer = %peer.ip(),
                    "X-Forwarded-For is ignored: if this peer is a reverse proxy of yours, name it in \
                     trusted_proxies, or all its clients share one budget."
                );
            });
        }
        self.proxies.client(peer, headers)
    }

    /// Logs once that the HTTP server does not provide the addresses of its clients.
    pub(crate) fn warn_unknown_client(&self) {
        self.unknown.call_once(|| {
            tracing::warn!(
                "The address of a client is not known, and all such clients share one budget: set PeerAddr on \
                 each request, or with axum take into_make_service_with_connect_info::<SocketAddr>() and the \
                 feature \"axum\" of doorward."
            );
        });
    }

    /// Logs, at most once a minute, that a page of another origin has tried to poll.
    pub(crate) fn warn_foreign_page(&self, origin: &str) {
        if !self.foreign_page_logged.take_turn(self.clock.now()) {
            return;
        }
        tracing::warn!(
            origin = origin.get(..origin.floor_char_boundary(MAX_ORIGIN)).unwrap_or_default(),
            "A page of another origin may not poll: to allow it, add its origin to origins.allow (in a program of \
             your own: Builder::pages)."
        );
    }

    /// Logs, at most once a minute, that a connection of a trusted proxy has no usable header of the
    /// PROXY protocol.
    pub(crate) fn warn_no_proxy_header(&self, proxy: SocketAddr, error: &dyn Display) {
        if self.proxy_header_logged.take_turn(self.clock.now()) {
            tracing::warn!(
                proxy = %proxy.ip(),
                %error,
                "Connection closed: configure the proxy to send the PROXY protocol in version 2."
            );
        }
    }

    /// Logs, at most once a minute, that a connection was closed because its peer is not a trusted
    /// proxy.
    pub(crate) fn warn_untrusted_proxy(&self, peer: SocketAddr) {
        if self.no_proxy_logged.take_turn(self.clock.now()) {
            tracing::warn!(
                peer = %peer.ip(),
                "Connection closed: with the PROXY protocol, only trusted_proxies may connect. If this is your proxy, \
                 add it there."
            );
        }
    }

    /// Returns the kind of page that sent a request with these headers.
    pub(crate) fn page(&self, headers: &Headers) -> Page {
        Page::of(headers, &self.pages)
    }

    /// Returns the per-address limit on links without an authenticated socket. It depends on the
    /// kind of page that sent these headers.
    pub(crate) fn link_places(&self, headers: &Headers) -> &Arc<Addresses> {
        match self.page(headers) {
            Page::Foreign => &self.foreign,
            Page::Own => &self.addresses,
        }
    }

    /// Returns the refusal with the message of the application, if the application has replaced the
    /// default message of its code. A message that the refusal itself has is kept.
    pub(crate) fn worded<'a>(&self, refusal: &'a Refusal) -> Cow<'a, Refusal> {
        match self.refusal_texts.get(&refusal.code()) {
            Some(text) if refusal.message() == refusal.code().default_message() => {
                Cow::Owned(refusal.clone().with_message(text.clone()))
            }
            _ => Cow::Borrowed(refusal),
        }
    }

    /// Runs a future for at most `time`. If the future takes longer, it is dropped and `None` is
    /// returned.
    pub(crate) async fn within<F: Future>(&self, time: Duration, future: F) -> Option<F::Output> {
        within(&*self.clock, time, future).await
    }

    /// Makes the server a node of a cluster, which it has not joined yet.
    pub(crate) fn enter(&mut self, cluster: Arc<dyn Cluster>) {
        self.node = cluster.node().clone();
        self.revocations = cluster.revocations();
        self.standing = Standing::outside(self.clock.now());
        let relay = Relay::new(&self.clock, &*self.entropy, self.node.clone(), cluster.bus());
        let relay = Arc::new(relay);
        self.roster = Arc::new(Roster::new(self.node.clone(), Some(Arc::clone(&relay))));
        self.relay = Some(relay);
        self.cluster = Some(cluster);
    }

    /// Logs that a request of a client that polls names a link which this node does not know, if there
    /// are other nodes.
    pub(crate) fn warn_of_astray_poll(&self) {
        let has_others = self.relay.as_ref().is_some_and(|relay| relay.peers.has_any());
        if has_others && self.astray_poll_logged.take_turn(self.clock.now()) {
            tracing::warn!(
                "A request of a client that polls names a link which this node does not know. If such requests are \
                 many, let the load balancer send all requests of a client to one node, or turn polling off."
            );
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }
}

/// Node name of a server that is the only node.
const NODE: &str = "this server";

/// Time without a failure after which an answer ends an outage. A single answer is not enough,
/// because some lookups may fail while others succeed.
pub(crate) const QUIET: Duration = Duration::from_secs(5);

/// Maximum number of credentials that are verified at the same time for addresses whose budget for
/// refused attempts is used up.
const RECOGNISED_AT_ONCE: usize = 2;

/// Maximum length of an origin in the log, in bytes.
const MAX_ORIGIN: usize = 200;
