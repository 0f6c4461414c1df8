//! Puts a server together.
//!
//! Only a builder that was given an authenticator takes private gateways: forgetting it does not
//! compile. What the types cannot see, such as two handlers for one event, is found by
//! [`Builder::build`].

use std::{collections::HashMap, fmt, marker::PhantomData, sync::Arc, time::Duration};

use doorward_core::{
    Anonymous, Audit, Authenticator, Clock, Entropy, Epochs, Guard, NoEpochs, Seats, Unlimited,
};
use doorward_protocol::{Trust, packet};

use crate::{
    BuildError, Doorward, Gateway, Limits, OsEntropy, SystemClock, TracingAudit,
    admission::{AnyAuthenticator, AnyGuard, Everybody, Policy},
    doorward::Server,
    link::Namespaces,
    namespace::{Mounted, Namespace},
    pipeline::{RouteTable, Routes},
    services::Services,
};

/// A server that is being put together; begin with [`Doorward::builder`].
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
/// # drop(doorward);
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
/// And one whose principal is the gateway's:
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
    seats: Arc<dyn Seats>,
    epochs: Arc<dyn Epochs>,
    limits: Limits,
    path: Box<str>,
    public: Vec<Gateway<Anonymous>>,
    private: A,
}

/// The state of a [`Builder`] that has no authenticator, and so no private gateway.
///
/// # Examples
/// ```
/// use doorward::{Builder, Doorward, NoAuthenticator};
///
/// let builder: Builder<NoAuthenticator> = Doorward::builder();
/// # drop(builder);
/// ```
#[derive(Debug)]
pub struct NoAuthenticator(PhantomData<()>);

/// The state of a [`Builder`] whose private gateways know a client as `P`.
///
/// # Examples
/// ```
/// use doorward::{Authenticated, Builder, Doorward, auth::{Claims, Jwt}};
///
/// let jwt = Jwt::hs256("a secret of at least 32 bytes ...")?;
/// let builder: Builder<Authenticated<Claims>> = Doorward::builder().authenticate(jwt);
/// # drop(builder);
/// # Ok::<_, doorward::auth::KeyError>(())
/// ```
pub struct Authenticated<P> {
    authenticator: Arc<dyn AnyAuthenticator<P>>,
    guards: Vec<Arc<dyn AnyGuard<P>>>,
    gateways: Vec<Gateway<P>>,
}

impl<P> fmt::Debug for Authenticated<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticated").field("gateways", &self.gateways).finish_non_exhaustive()
    }
}

impl Builder<NoAuthenticator> {
    pub(crate) fn new() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            audit: Arc::new(TracingAudit),
            seats: Arc::new(Unlimited),
            epochs: Arc::new(NoEpochs),
            limits: Limits::default(),
            path: "/socket.io/".into(),
            public: Vec::new(),
            private: NoAuthenticator(PhantomData),
        }
    }

    /// Says who decides who a client is, for all private gateways.
    pub fn authenticate<A: Authenticator>(
        self,
        authenticator: A,
    ) -> Builder<Authenticated<A::Principal>> {
        let private = Authenticated {
            authenticator: Arc::new(authenticator) as Arc<dyn AnyAuthenticator<A::Principal>>,
            guards: Vec::new(),
            gateways: Vec::new(),
        };
        let Self { clock, entropy, audit, seats, epochs, limits, path, public, .. } = self;
        Builder { clock, entropy, audit, seats, epochs, limits, path, public, private }
    }

    /// Finishes a server that has only public gateways.
    ///
    /// # Errors
    /// [`BuildError`] says what cannot be.
    pub fn build(self) -> Result<Doorward, BuildError> {
        self.finish(Namespaces::new())
    }
}

impl<P: Send + Sync + 'static> Builder<Authenticated<P>> {
    /// Mounts a gateway whose clients are authenticated.
    pub fn gateway(mut self, gateway: Gateway<P>) -> Self {
        self.private.gateways.push(gateway);
        self
    }

    /// Asks a guard about every client of every private gateway, after its authentication and before
    /// it gets a seat. Guards are asked in the order in which they were added; the first no counts.
    pub fn guard(mut self, guard: impl Guard<P>) -> Self {
        self.private.guards.push(Arc::new(guard));
        self
    }

    /// Finishes the server.
    ///
    /// # Errors
    /// [`BuildError`] says what cannot be.
    pub fn build(mut self) -> Result<Doorward, BuildError> {
        let gateways = std::mem::take(&mut self.private.gateways);
        let policy = || Policy {
            authenticator: Arc::clone(&self.private.authenticator),
            guards: self.private.guards.clone(),
            seats: Arc::clone(&self.seats),
            epochs: Arc::clone(&self.epochs),
        };
        let namespaces = mount(gateways, Trust::Known, policy, &self.limits)?;
        self.finish(namespaces)
    }
}

impl<A> Builder<A> {
    /// Mounts a gateway that anybody may enter, unasked. Its clients are [`Anonymous`] and keep the
    /// limits of the unauthenticated.
    pub fn public(mut self, gateway: Gateway<Anonymous>) -> Self {
        self.public.push(gateway);
        self
    }

    /// Says who decides how many connections a user may have. The default is
    /// [`Unlimited`].
    pub fn seats(self, seats: impl Seats) -> Self {
        Self { seats: Arc::new(seats), ..self }
    }

    /// Says who knows what was revoked. The default knows of nothing.
    pub fn epochs(self, epochs: impl Epochs) -> Self {
        Self { epochs: Arc::new(epochs), ..self }
    }

    /// Says who keeps the records of decisions. The default is [`TracingAudit`].
    pub fn audit(self, audit: impl Audit) -> Self {
        Self { audit: Arc::new(audit), ..self }
    }

    /// Replaces the clock. The default is [`SystemClock`].
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Replaces the randomness. The default is [`OsEntropy`].
    pub fn entropy(self, entropy: impl Entropy) -> Self {
        Self { entropy: Arc::new(entropy), ..self }
    }

    /// Replaces the limits.
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Replaces the path under which clients connect, `/socket.io/`.
    pub fn path(self, path: impl Into<Box<str>>) -> Self {
        Self { path: path.into(), ..self }
    }

    fn finish(self, mut namespaces: Namespaces) -> Result<Doorward, BuildError> {
        check_limits(&self.limits)?;
        if !(self.path.starts_with('/') && self.path.ends_with('/')) {
            return Err(BuildError::Path { path: self.path });
        }
        // Public namespaces have no users, so there is nothing to count and nothing to revoke.
        let policy = || Policy {
            authenticator: Arc::new(Everybody),
            guards: Vec::new(),
            seats: Arc::new(Unlimited),
            epochs: Arc::new(NoEpochs),
        };
        for (name, public) in mount(self.public, Trust::Anonymous, policy, &self.limits)? {
            if namespaces.insert(Arc::clone(&name), public).is_some() {
                return Err(BuildError::MixedNamespace { namespace: name });
            }
        }
        if namespaces.is_empty() {
            return Err(BuildError::NoGateway);
        }
        let services = Services::new(self.clock, self.entropy, self.limits, self.audit);
        Ok(Doorward::new(Server::new(services, namespaces, self.path)))
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

/// Joins the gateways of each namespace.
fn mount<P: Send + Sync + 'static>(
    gateways: Vec<Gateway<P>>,
    trust: Trust,
    policy: impl Fn() -> Policy<P>,
    limits: &Limits,
) -> Result<Namespaces, BuildError> {
    let mut routes: HashMap<Arc<str>, RouteTable<P>> = HashMap::new();
    let mut hooks: HashMap<Arc<str>, Vec<_>> = HashMap::new();
    for Gateway { namespace, routes: events, hooks: own } in gateways {
        check_namespace(&namespace)?;
        hooks.entry(Arc::clone(&namespace)).or_default().push(own);
        let table = routes.entry(Arc::clone(&namespace)).or_default();
        for (event, route) in events {
            check_event(&namespace, &event, limits)?;
            if table.insert(Arc::clone(&event), route).is_some() {
                return Err(BuildError::DuplicateEvent { namespace, event });
            }
        }
    }
    let mounted = routes.into_iter().map(|(name, table)| {
        let hooks = hooks.remove(&name).unwrap_or_default();
        let mounted = Mounted { routes: Routes::new(table), hooks, policy: policy(), trust };
        (name, Arc::new(mounted) as Arc<dyn Namespace>)
    });
    Ok(mounted.collect())
}

fn check_namespace(namespace: &Arc<str>) -> Result<(), BuildError> {
    let good = namespace.starts_with('/')
        && namespace.len() <= 255
        && !namespace.contains(|char: char| matches!(char, ',' | '?') || char.is_control());
    if good { Ok(()) } else { Err(BuildError::Namespace { namespace: Arc::clone(namespace) }) }
}

fn check_event(namespace: &Arc<str>, event: &Arc<str>, limits: &Limits) -> Result<(), BuildError> {
    let (namespace, event) = (Arc::clone(namespace), Arc::clone(event));
    if event.is_empty() || event.len() > limits.max_event_name {
        Err(BuildError::EventName { namespace, event })
    } else if packet::is_reserved(&event) {
        Err(BuildError::ReservedEvent { namespace, event })
    } else {
        Ok(())
    }
}

/// A zero would not switch a bound off but everything behind it, and an endless time overflows.
fn check_limits(limits: &Limits) -> Result<(), BuildError> {
    let counts = [
        ("inbox", limits.inbox),
        ("outbox", limits.outbox),
        ("max_http_connections", limits.max_http_connections),
        ("max_namespaces", limits.max_namespaces),
        ("max_refusals", limits.max_refusals),
        ("max_unauthenticated_links", limits.max_unauthenticated_links),
    ];
    let times = [
        ("admission_timeout", limits.admission_timeout),
        ("anonymous_lifetime", limits.anonymous_lifetime),
        ("connect_timeout", limits.connect_timeout),
        ("handler_timeout", limits.handler_timeout),
        ("header_timeout", limits.header_timeout),
        ("ping_interval", limits.ping_interval),
        ("ping_timeout", limits.ping_timeout),
        ("shutdown_grace", limits.shutdown_grace),
        ("write_stall", limits.write_stall),
    ];
    let bad_count = counts.into_iter().find(|(_, count)| *count == 0).map(|(name, _)| name);
    let bad_time = times.into_iter().find(|(_, time)| time.is_zero() || *time > YEAR);
    match bad_count.or(bad_time.map(|(name, _)| name)) {
        Some(limit) => Err(BuildError::Limit { limit }),
        None => Ok(()),
    }
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
