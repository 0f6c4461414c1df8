//! Options of a builder that every server has, with and without an authenticator.

use std::{borrow::Cow, sync::Arc};

use doorward_core::{
    Audit, Clock, Entropy, PerUser, RefusalCode, RevocationStore, SeatStore, bridge::Bridge,
    cluster::Cluster,
};

use doorward_protocol::PacketFormat;

use super::Builder;
use crate::{
    http::connection_error::ConnectionError, limits::Limits, peer::proxies::TrustedProxies,
};

impl<A> Builder<A> {
    /// Limits the Engine.IO connections of each user. Sockets on one connection count once. Unlimited by default.
    ///
    /// # Examples
    /// ```
    /// use doorward::{PerUser, prelude::*};
    ///
    /// let builder = Doorward::builder().connections(PerUser::RefuseNew(1));
    /// ```
    pub fn connections(self, policy: PerUser) -> Self {
        Self { connections: policy, ..self }
    }

    /// Replaces the store that counts the connections of each user. This store enforces the limits of
    /// [`connections`](Builder::connections) and [`Gateway::connections`](crate::Gateway::connections). The default is [`MemorySeats`](crate::store::MemorySeats).
    pub fn seats(self, seats: impl SeatStore) -> Self {
        Self { seats: Arc::new(seats), ..self }
    }

    /// Replaces the store of revocations. The default is a [`MemoryStore`](doorward_auth::MemoryStore), which
    /// loses all revocations when the process ends.
    pub fn revocations(self, revocations: impl RevocationStore) -> Self {
        Self { revocations: Arc::new(revocations), ..self }
    }

    /// Makes the server a node of a cluster. The store of revocations and the seats are those of the
    /// cluster then, and [`seats`](Builder::seats) and [`revocations`](Builder::revocations) have no
    /// effect.
    ///
    /// The server joins the cluster before it accepts its first client. While it is not a member, it
    /// admits no client to a private namespace.
    ///
    /// # Examples
    /// ```
    /// use doorward::{cluster::Cluster, prelude::*};
    ///
    /// fn serve_on(cluster: impl Cluster) {
    ///     let builder = Doorward::builder().cluster(cluster);
    /// }
    /// ```
    pub fn cluster(self, cluster: impl Cluster) -> Self {
        Self { cluster: Some(Arc::new(cluster)), ..self }
    }

    /// Shares broadcasts with servers that are no nodes, such as Socket.IO servers for Node.js.
    ///
    /// Every event that this node emits to a namespace or to rooms is also sent over the bridge. Events
    /// from the bridge reach the sockets of this node. `SocketIoBridge` of `doorward-redis` is such a
    /// bridge. Namespaces that a pattern opens have none.
    ///
    /// # Examples
    /// ```
    /// use doorward::{cluster::bridge::Bridge, prelude::*};
    ///
    /// fn serve_with(bridge: impl Bridge) {
    ///     let builder = Doorward::builder().bridge(bridge);
    /// }
    /// ```
    ///
    /// # Security
    /// A server beyond the bridge can send events to any room. The policies of rooms do not apply to it.
    pub fn bridge(self, bridge: impl Bridge) -> Self {
        Self { bridge: Some(Arc::new(bridge)), ..self }
    }

    /// Returns the store that counts the connections of each user.
    pub(super) fn seat_store(&self) -> Arc<dyn SeatStore> {
        self.cluster.as_ref().map_or_else(|| Arc::clone(&self.seats), |cluster| cluster.seats())
    }

    /// Replaces the audit, which keeps the records of decisions. The default is [`TracingAudit`](crate::audit::TracingAudit).
    pub fn audit(self, audit: impl Audit) -> Self {
        Self { audit: Arc::new(audit), ..self }
    }

    /// Replaces the clock. The default is [`SystemClock`](crate::server::SystemClock).
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Replaces the source of randomness. The default is [`OsEntropy`](crate::server::OsEntropy).
    pub fn entropy(self, entropy: impl Entropy) -> Self {
        Self { entropy: Arc::new(entropy), ..self }
    }

    /// Changes limits. `change` receives the current limits, which are the defaults at the first
    /// call. [`build`](Builder::build) rejects values that are out of bounds (see [`Limits::ALL`]).
    ///
    /// # Examples
    /// ```
    /// use doorward::prelude::*;
    ///
    /// let builder = Doorward::builder()
    ///     .limits(|limits| limits.max_rooms = 9)
    ///     .limits(|limits| limits.max_streams = 4);
    /// ```
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// Replaces the path at which clients connect. The default is `/socket.io/`.
    /// [`build`](Builder::build) rejects a path that does not begin and end with a slash.
    pub fn path(self, path: impl Into<Box<str>>) -> Self {
        Self { path: path.into(), ..self }
    }

    /// Sets the addresses of the reverse proxies in front of the server, or their networks, such as `10.0.0.0/8`.
    ///
    /// Budgets, limits and audit records use the address of the client. For requests of one of
    /// these proxies, the address of the client is the last address in `X-Forwarded-For` that is
    /// not one of the proxies. The header of any other peer is ignored. The list is empty by
    /// default.
    ///
    /// # Examples
    /// ```
    /// use doorward::prelude::*;
    ///
    /// let builder = Doorward::builder().trusted_proxies(["127.0.0.1", "10.0.0.0/8"]);
    /// ```
    pub fn trusted_proxies<T: AsRef<str>>(self, networks: impl IntoIterator<Item = T>) -> Self {
        Self { trusted_proxies: TrustedProxies::new(networks), ..self }
    }

    /// Sets the origins of the application's own pages on other hosts, as browsers write them, such as
    /// `https://app.example.org` or `capacitor://localhost`. A later call replaces the origins of an earlier one.
    ///
    /// Any page can open connections in the browsers of its visitors, so pages of other hosts share a smaller
    /// budget. Connections from pages of these origins have the budget of clients that are not browsers. These
    /// pages may also poll, and read the answers. [`Origins`](crate::auth::Origins) decide which pages may use a
    /// cookie.
    ///
    /// # Examples
    /// ```
    /// use doorward::Doorward;
    ///
    /// let builder = Doorward::builder().pages(["https://app.example.org"]);
    /// ```
    pub fn pages<T: Into<Box<str>>>(self, origins: impl IntoIterator<Item = T>) -> Self {
        Self { pages: origins.into_iter().map(Into::into).collect(), ..self }
    }

    /// Replaces the message that people read when a client is refused with this code, such as
    /// `Already connected`. The code and the hint stay the same, and programs should compare the code.
    ///
    /// The message applies to sockets, to refreshes, and to routes of an axum application. A refusal
    /// that has a message of its own ([`Refusal::with_message`](crate::Refusal::with_message)) keeps
    /// it. All reasons for `unauthenticated` share one message.
    ///
    /// # Examples
    /// ```
    /// use doorward::{Doorward, auth::RefusalCode};
    ///
    /// let builder = Doorward::builder()
    ///     .refusal_text(RefusalCode::AlreadyConnected, "The chat is open in another tab.");
    /// ```
    pub fn refusal_text(mut self, code: RefusalCode, text: impl Into<Cow<'static, str>>) -> Self {
        self.refusal_texts.insert(code, text.into());
        self
    }

    /// Refuses HTTP long polling, so that clients connect by WebSocket only.
    ///
    /// Stock clients begin with polling by default, and must then be created with
    /// `transports: ["websocket"]`. The answer to their first request says so. A server behind a load
    /// balancer that does not send all requests of a client to the same server needs this.
    ///
    /// # Examples
    /// ```
    /// use doorward::Doorward;
    ///
    /// let builder = Doorward::builder().websocket_only();
    /// ```
    pub fn websocket_only(self) -> Self {
        Self { is_polling: false, ..self }
    }

    /// Reads and writes packets as MessagePack, for clients with `socket.io-msgpack-parser`, or with
    /// `serializer="msgpack"` in Python.
    ///
    /// All clients of the server must use MessagePack; others are refused. Handlers and hubs do not
    /// change. Values without a JSON equivalent are converted as by `JSON.stringify`: a date becomes
    /// a text, `undefined` becomes `null` or is left out. The limits on the size of a packet also
    /// apply to its JSON. A packet that is nested more than 127 deep cannot be sent.
    ///
    /// # Examples
    /// ```
    /// use doorward::Doorward;
    ///
    /// let builder = Doorward::builder().msgpack();
    /// ```
    pub fn msgpack(self) -> Self {
        Self { format: PacketFormat::MessagePack, ..self }
    }

    /// Makes a client that polls keep its address: a request from another address is answered as if
    /// there were no such link. An IPv6 address may change within its /64 network.
    ///
    /// Without this, an id of a link that leaks is useless to pages of other origins, and to
    /// clients without the session of its cookie. For a client without a cookie, the id is the only
    /// secret. With this, phones that change networks, and clients with an IPv4 and an IPv6
    /// address, lose their links and connect again.
    ///
    /// # Examples
    /// ```
    /// use doorward::Doorward;
    ///
    /// let builder = Doorward::builder().bind_polling_to_address();
    /// ```
    pub fn bind_polling_to_address(self) -> Self {
        Self { is_address_bound: true, ..self }
    }

    /// Sets a cookie with the name of this node when a client opens a link by polling, so that a load
    /// balancer can send its further requests to the same node.
    ///
    /// The cookie lasts until the browser is closed. It is sent only by browsers, and only if the page
    /// and the server belong to one site. So a load balancer that also serves other clients chooses the
    /// node by the address of the client. By default no cookie is set.
    ///
    /// [`build`](Builder::build) fails if `name` cannot be the name of a cookie.
    ///
    /// # Examples
    /// ```
    /// use doorward::Doorward;
    ///
    /// let builder = Doorward::builder().node_cookie("node");
    /// ```
    pub fn node_cookie(self, name: &str) -> Self {
        Self { node_cookie: Some(name.into()), ..self }
    }

    /// Calls `listener` for each request that the server refuses at its path: a wrong protocol or
    /// transport, a page that is not named, too many links of one address, an unknown session id, a
    /// server that stops, or a request of a client that polls whose link has ended. This is
    /// `connection_error` of Socket.IO.
    ///
    /// The listener must return soon, because the response waits for it. A panic is logged.
    ///
    /// # Examples
    /// ```
    /// use doorward::Doorward;
    ///
    /// let builder = Doorward::builder()
    ///     .on_connection_error(|error| println!("{} {}", error.code, error.message));
    /// ```
    pub fn on_connection_error(
        self,
        listener: impl Fn(&ConnectionError<'_>) + Send + Sync + 'static,
    ) -> Self {
        Self { connection_errors: Some(Arc::new(listener)), ..self }
    }

    /// Makes the server echo each message of Engine.IO, without Socket.IO. The official test suite of
    /// Engine.IO needs such a server.
    #[doc(hidden)]
    pub fn echo_engine(self) -> Self {
        Self { is_echo: true, ..self }
    }
}
