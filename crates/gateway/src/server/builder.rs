//! Builds a server.
//!
//! Only a builder with an authenticator accepts private gateways, so a program that forgets the
//! authenticator does not compile. [`Builder::build`] finds all other mistakes, such as two
//! handlers for one event.

mod options;

use std::{borrow::Cow, collections::HashMap, fmt, marker::PhantomData, sync::Arc};

use doorward_auth::MemoryStore;
use doorward_core::{
    Anonymous, Audit, Authenticator, Clock, Entropy, Guard, PerUser, RefusalCode, RevocationStore,
    SeatStore, Unlimited, bridge::Bridge, cluster::Cluster, short_type_name,
};
use doorward_protocol::{LinkConfig, PacketFormat, Trust};

use crate::{
    admission::vetting::{AdmitAll, AnyAuthenticator, Policy},
    audit::tracing::TracingAudit,
    bus::bridged::Bridged,
    error::BuildError,
    event::{filter::IntoExceptionFilter, interceptor::Interceptor, subscription::Layers},
    http::{
        connection_error::ConnectionErrorListener,
        polling::{
            binding::{BindingRules, SessionOf},
            node_cookie::node_cookie,
        },
        server::Server,
    },
    limits::Limits,
    link::seam::Namespaces,
    namespace::{
        gateway::{Gateway, IntoGateway},
        mount::{Hubs, Mount, Mounted, Mounts, mount},
        policy_table::PolicyTable,
    },
    peer::proxies::{TrustedProxies, TrustedProxyError},
    presence::{principals::Principals, seats::MemorySeats, services::Services},
    room::hub::Hub,
    runtime::system::{OsEntropy, SystemClock},
    server::{
        doorward::{Doorward, PrivateAuthenticator},
        stage::{NoAuthenticator, WithAuthenticator},
    },
};

/// Configuration of a server. Create it with [`Doorward::builder`].
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let doorward = Doorward::builder()
///     .authenticate(Jwt::hs256("a secret of at least 32 bytes ...")?)
///     .gateway(Gateway::at("/").on("whoami", |me: Principal<Claims>| async move {
///         me.subject().to_owned()
///     }))
///     .public(Gateway::at("/status").on("version", || async { env!("CARGO_PKG_VERSION") }))
///     .build()?;
/// # Ok::<_, doorward::Error>(())
/// ```
///
/// A private gateway needs an authenticator:
/// ```compile_fail
/// use doorward::prelude::*;
///
/// Doorward::builder().gateway(Gateway::<Claims>::at("/"));
/// ```
///
/// The authenticator must return the principal type of the gateway:
/// ```compile_fail
/// use doorward::prelude::*;
///
/// struct User;
///
/// Doorward::builder()
///     .authenticate(Jwt::hs256("a secret of at least 32 bytes ...").unwrap())
///     .gateway(Gateway::<User>::at("/"));
/// ```
#[must_use]
pub struct Builder<A> {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    audit: Arc<dyn Audit>,
    connections: PerUser,
    seats: Arc<dyn SeatStore>,
    revocations: Arc<dyn RevocationStore>,
    cluster: Option<Arc<dyn Cluster>>,
    bridge: Option<Arc<dyn Bridge>>,
    limits: Limits,
    path: Box<str>,
    trusted_proxies: Result<TrustedProxies, TrustedProxyError>,
    pages: Vec<Box<str>>,
    refusal_texts: HashMap<RefusalCode, Cow<'static, str>>,
    is_polling: bool,
    is_address_bound: bool,
    node_cookie: Option<Box<str>>,
    is_echo: bool,
    format: PacketFormat,
    connection_errors: Option<ConnectionErrorListener>,
    public: Vec<Gateway<Anonymous>>,
    public_hubs: Hubs<Anonymous>,
    principals: Principals,
    private: A,
}

impl Doorward {
    /// Returns a builder with the default configuration.
    pub fn builder() -> Builder<NoAuthenticator> {
        Builder::new()
    }
}

impl Builder<NoAuthenticator> {
    fn new() -> Self {
        let principals = Principals::unbuilt();
        Self {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            audit: Arc::new(TracingAudit),
            connections: PerUser::Unlimited,
            seats: Arc::new(MemorySeats::new()),
            revocations: Arc::new(MemoryStore::default()),
            cluster: None,
            bridge: None,
            limits: Limits::default(),
            path: "/socket.io/".into(),
            trusted_proxies: Ok(TrustedProxies::default()),
            pages: Vec::new(),
            refusal_texts: HashMap::new(),
            is_polling: true,
            is_address_bound: false,
            node_cookie: None,
            is_echo: false,
            format: PacketFormat::Text,
            connection_errors: None,
            public: Vec::new(),
            public_hubs: Hubs::new(principals.clone()),
            principals,
            private: NoAuthenticator(PhantomData),
        }
    }

    /// Sets the authenticator of all private gateways.
    pub fn authenticate<A: Authenticator>(
        self,
        authenticator: A,
    ) -> Builder<WithAuthenticator<A::Principal>> {
        let private = WithAuthenticator {
            authenticator: Arc::new(authenticator) as Arc<dyn AnyAuthenticator<A::Principal>>,
            layers: Layers::default(),
            gateways: Vec::new(),
            hubs: Hubs::new(self.principals.clone()),
        };
        Builder {
            clock: self.clock,
            entropy: self.entropy,
            audit: self.audit,
            connections: self.connections,
            seats: self.seats,
            revocations: self.revocations,
            cluster: self.cluster,
            bridge: self.bridge,
            limits: self.limits,
            path: self.path,
            trusted_proxies: self.trusted_proxies,
            pages: self.pages,
            refusal_texts: self.refusal_texts,
            is_polling: self.is_polling,
            is_address_bound: self.is_address_bound,
            node_cookie: self.node_cookie,
            is_echo: self.is_echo,
            format: self.format,
            connection_errors: self.connection_errors,
            public: self.public,
            public_hubs: self.public_hubs,
            principals: self.principals,
            private,
        }
    }

    /// Builds a server that has only public gateways.
    ///
    /// # Errors
    /// [`BuildError`] describes the first mistake.
    pub fn build(self) -> Result<Doorward, BuildError> {
        self.finish(None, None, |_, _| Ok(HashMap::new()))
    }
}

impl<P: Send + Sync + 'static> Builder<WithAuthenticator<P>> {
    /// Mounts a gateway whose clients are authenticated.
    pub fn gateway(mut self, gateway: impl IntoGateway<P>) -> Self {
        self.private.gateways.push(gateway.into_gateway());
        self
    }

    /// Returns the [`Hub`] of a private namespace before the server is built, for example for a
    /// service that a gateway uses.
    ///
    /// Events that are sent before the server is built reach no socket. [`build`](Builder::build)
    /// fails if no gateway is mounted at the namespace.
    ///
    /// # Examples
    /// ```
    /// use doorward::prelude::*;
    ///
    /// struct Orders {
    ///     hub: Hub<Claims>,
    /// }
    ///
    /// impl Orders {
    ///     fn ship(&self, customer: &str, order: u32) -> Result<(), EmitError> {
    ///         self.hub.to_user(customer).emit("shipped", order)?;
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let mut builder = Doorward::builder().authenticate(Jwt::hs256("a secret of at least 32 bytes ...")?);
    /// let orders = Orders { hub: builder.hub("/orders") };
    /// let doorward = builder.gateway(Gateway::at("/orders")).build()?;
    /// orders.ship("alice", 7)?;
    /// # Ok::<_, doorward::BoxError>(())
    /// ```
    pub fn hub(&mut self, namespace: impl Into<Arc<str>>) -> Hub<P> {
        self.private.hubs.take(&namespace.into())
    }

    /// Calls a guard for every connection and event in private namespaces, and for every room that
    /// a client enters or leaves. Guards of the server run before those of the gateway and the
    /// handler, in the order in which they were added. The first denial is the answer.
    pub fn guard(mut self, guard: impl Guard<P>) -> Self {
        self.private.layers.guards.push(Arc::new(guard));
        self
    }

    /// Runs an interceptor around every handler of every private gateway.
    pub fn intercept(mut self, interceptor: impl Interceptor<P>) -> Self {
        self.private.layers.interceptors.push(Arc::new(interceptor));
        self
    }

    /// Adds a filter for errors of private gateways that no filter of the handler or the gateway
    /// has translated.
    pub fn filter<M>(mut self, filter: impl IntoExceptionFilter<P, M>) -> Self {
        self.private.layers.filters.push(filter.into_filter());
        self
    }

    /// Builds the server.
    ///
    /// # Errors
    /// [`BuildError`] describes the first mistake.
    pub fn build(self) -> Result<Doorward, BuildError> {
        let (links, seats) = (self.connections, self.seat_store());
        let authenticator = Arc::clone(&self.private.authenticator);
        let sessions: SessionOf = Arc::new(move |handshake| {
            let authenticator = Arc::clone(&authenticator);
            Box::pin(async move { authenticator.session_of(&handshake).await })
        });
        let private = PrivateAuthenticator {
            authenticator: Box::new(Arc::clone(&self.private.authenticator)),
            principal: short_type_name::<P>().into(),
        };
        self.finish(Some(sessions), Some(private), |private, services| {
            let WithAuthenticator { authenticator, layers, gateways, hubs } = private;
            let policy = |sockets| {
                let (authenticator, seats) = (Arc::clone(&authenticator), Arc::clone(&seats));
                Policy { authenticator, seats, links, sockets }
            };
            mount(gateways, &layers, Trust::Known, policy, &hubs, services)
        })
    }
}

impl<A> Builder<A> {
    /// Mounts a gateway that is open to every client without authentication. The principal of its
    /// clients is [`Anonymous`], and the limits for unauthenticated clients apply to them.
    pub fn public(mut self, gateway: impl IntoGateway<Anonymous>) -> Self {
        self.public.push(gateway.into_gateway());
        self
    }

    /// Returns the [`Hub`] of a public namespace before the server is built. See [`hub`](Builder::hub).
    pub fn public_hub(&mut self, namespace: impl Into<Arc<str>>) -> Hub<Anonymous> {
        self.public_hubs.take(&namespace.into())
    }

    /// Returns the handle with which the application lists and revokes connections. Before the
    /// server is built, the handle lists no sockets, and revoking fails.
    pub fn principals(&self) -> Principals {
        self.principals.clone()
    }

    fn finish(
        self,
        sessions: Option<SessionOf>,
        authenticator: Option<PrivateAuthenticator>,
        mount_private: impl FnOnce(A, &Arc<Services>) -> Result<Mounts, BuildError>,
    ) -> Result<Doorward, BuildError> {
        let Self { clock, entropy, audit, revocations, limits, path, public, private, .. } = self;
        let (proxies, pages) = (self.trusted_proxies?, self.pages);
        let (is_polling, is_echo, format) = (self.is_polling, self.is_echo, self.format);
        let binding = BindingRules { sessions, is_address_bound: self.is_address_bound };
        let (public_hubs, principals) = (self.public_hubs, self.principals);
        limits.check()?;
        if !(path.starts_with('/') && path.ends_with('/')) {
            return Err(BuildError::Path { path });
        }
        let mut services = Services::new(clock, entropy, limits, audit, revocations);
        (services.proxies, services.pages) = (proxies, pages);
        if let Some(cluster) = self.cluster {
            services.enter(cluster);
        }
        services.bridged = self.bridge.map(|bridge| Arc::new(Bridged::new(bridge)));
        services.refusal_texts = self.refusal_texts;
        services.is_echo = is_echo;
        services.link_config = Arc::new(LinkConfig { format, ..services.limits.link() });
        let services = Arc::new(services);
        let mut mounts = mount_private(private, &services)?;
        // Clients of public namespaces have no user, so their connections cannot be counted.
        let policy = |_: PerUser| Policy {
            authenticator: Arc::new(AdmitAll),
            seats: Arc::new(Unlimited),
            links: PerUser::Unlimited,
            sockets: PerUser::Unlimited,
        };
        let layers = Layers::default();
        let public = mount(public, &layers, Trust::Anonymous, policy, &public_hubs, &services)?;
        // A namespace has one principal type, and a public gateway must not admit clients to a
        // private namespace.
        for (name, public) in public {
            if mounts.insert(Arc::clone(&name), public).is_some() {
                return Err(BuildError::MixedNamespace { namespace: name });
            }
        }
        if mounts.is_empty() {
            return Err(BuildError::NoGateway);
        }
        let (mut namespaces, mut policies) = (Namespaces::default(), Vec::new());
        for (name, Mount { mounted, policy }) in mounts {
            match mounted {
                Mounted::Named(namespace) => namespaces.add(name, namespace),
                Mounted::Family(family) => namespaces.add_family(family),
            }
            policies.push(policy);
        }
        let node_cookie = match self.node_cookie {
            Some(name) => {
                Some(node_cookie(&name, &services.node).ok_or(BuildError::NodeCookie { name })?)
            }
            None => None,
        };
        let mut server = Server::new(services, namespaces, path, is_polling, binding);
        (server.connection_errors, server.node_cookie) = (self.connection_errors, node_cookie);
        principals.build(&server.services);
        Ok(Doorward::new(server, PolicyTable::new(policies), principals, authenticator))
    }
}

impl<A: fmt::Debug> fmt::Debug for Builder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("private", &self.private)
            .field("public", &self.public)
            .field("limits", &self.limits)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
