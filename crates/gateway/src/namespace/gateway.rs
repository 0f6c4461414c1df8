//! Gateways, which are the handlers, hooks and policies of one namespace.
//!
//! A [`Gateway`] only collects the settings of the application.
//! [`Builder::build`](crate::Builder::build) checks them, because only it has all gateways of a
//! namespace.

use std::{fmt, future::Future, sync::Arc};

use doorward_core::{BoxError, DisconnectReason, Guard, PerUser, Verdict};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    event::{
        context::EventContext,
        filter::IntoExceptionFilter,
        interceptor::Interceptor,
        subscription::{IntoSubscription, Layers, Listener, Subscription},
    },
    namespace::connect_result::IntoConnectResult,
    room::{
        hooks::Hooks,
        hub::{
            Hub, Outgoing, OutgoingListener, PresenceHook, ServerListener,
            server_events::server_listener,
        },
        pattern::{MayJoin, RoomRequest},
        presence::PresenceChange,
        socket::Socket,
    },
};

/// Handlers, hooks and policies for clients whose principal is `P`, in one namespace.
///
/// Several gateways may share a namespace, but an event may have only one handler. The attribute
/// [`gateway`](macro@crate::gateway) creates a gateway from an `impl` block.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let chat: Gateway<Claims> = Gateway::at("/chat")
///     .guard(Scope::new("chat"))
///     .room("team:{id}", |request: RoomRequest<Claims>| async move {
///         request.principal().get("team").and_then(|team| team.as_str()) == Some(request.param("id"))
///     })
///     .on_connect(|socket: Socket<Claims>| async move {
///         socket.emit("welcome", socket.user().as_str())?;
///         Ok(())
///     })
///     .on("say", |me: Socket<Claims>, Payload(text): Payload<String>| async move {
///         me.to("team:7").emit("said", text)
///     })
///     .on_disconnect(|socket: Socket<Claims>, reason: DisconnectReason| async move {
///         println!("{socket:?} left: {reason}");
///     });
/// ```
#[must_use]
pub struct Gateway<P> {
    pub(crate) namespace: Arc<str>,
    pub(crate) layers: Layers<P>,
    pub(crate) subscriptions: Vec<(Arc<str>, Subscription<P>)>,
    pub(crate) rooms: Vec<(Arc<str>, MayJoin<P>)>,
    pub(crate) hooks: Hooks<P>,
    pub(crate) listeners: Vec<Listener<P>>,
    pub(crate) outgoing: Vec<OutgoingListener>,
    pub(crate) server_events: Vec<(Arc<str>, ServerListener<P>)>,
    pub(crate) presence: Option<PresenceHook<P>>,
    pub(crate) concurrency: Option<usize>,
    pub(crate) connections: Option<PerUser>,
}

/// Type that [`Builder::gateway`](crate::Builder::gateway) accepts. It is a [`Gateway`], or a type
/// whose `impl` block has the attribute [`gateway`](macro@crate::gateway).
///
/// # Examples
/// ```
/// use doorward::{event::IntoGateway, prelude::*};
///
/// struct Echo;
///
/// impl<P: Send + Sync + 'static> IntoGateway<P> for Echo {
///     fn into_gateway(self) -> Gateway<P> {
///         Gateway::at("/").on("echo", |Payload(text): Payload<String>| async move { text })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no gateway for clients known as `{P}`",
    label = "its handlers take another principal, or it has no `#[gateway]`",
    note = "here handlers and hooks take `Principal<{P}>` and `Socket<{P}>`",
    note = "the principal of a public namespace is `Anonymous`; a gateway that must know its clients is mounted \
            with `.authenticate(..).gateway(..)`, and its principal is that of the authenticator"
)]
pub trait IntoGateway<P> {
    /// Converts the argument into a gateway.
    fn into_gateway(self) -> Gateway<P>;
}

impl<P> IntoGateway<P> for Gateway<P> {
    fn into_gateway(self) -> Self {
        self
    }
}

impl<P: Send + Sync + 'static> Gateway<P> {
    /// Creates an empty gateway for `namespace`. The name of a namespace starts with a slash.
    ///
    /// A name with placeholders, such as `/org/{org}`, is a pattern. It opens a namespace for each name
    /// that matches, such as `/org/7`, when the first client is admitted there. Each namespace has its
    /// own sockets and rooms, and exists as long as a socket or a clone of its hub.
    /// [`Limits::max_opened_namespaces`](crate::Limits::max_opened_namespaces) bounds their number.
    /// [`Hub::param`] returns what a placeholder matches, and guards and authenticators find the name
    /// in their context. A placeholder matches one or more characters, but never a `:` or a `/`. A
    /// gateway of this exact name comes first, and a name that matches in two ways is refused.
    pub fn at(namespace: impl Into<Arc<str>>) -> Self {
        Self {
            namespace: namespace.into(),
            layers: Layers::default(),
            subscriptions: Vec::new(),
            rooms: Vec::new(),
            hooks: Hooks { init: None, connect: None, disconnect: None },
            listeners: Vec::new(),
            outgoing: Vec::new(),
            server_events: Vec::new(),
            presence: None,
            concurrency: None,
            connections: None,
        }
    }

    /// Adds the handler of an event, which is an async function (see
    /// [`Handler`](crate::event::Handler)). [`handle`](crate::event::handle) gives a handler its
    /// own guards, interceptors and filters.
    ///
    /// Events of one socket are handled one after the other, in the order in which they were sent,
    /// unless [`Gateway::concurrency`] allows more. If a handler panics, the client receives
    /// `internal`. If a handler exceeds
    /// [`Limits::handler_timeout`](crate::Limits::handler_timeout), it is dropped and the client
    /// receives `timeout`.
    ///
    /// If the socket ends, a running handler may finish within the same time. Handlers beyond
    /// [`Limits::afterwards`](crate::Limits::afterwards) are dropped. If work must not stop
    /// halfway, spawn a task for it and await the task in the handler.
    pub fn on<M>(
        mut self,
        event: impl Into<Arc<str>>,
        handler: impl IntoSubscription<P, M>,
    ) -> Self {
        self.subscriptions.push((event.into(), handler.into_subscription()));
        self
    }

    /// Calls a guard for every connection to this namespace, for every room of the namespace that a
    /// client enters or leaves, for every event of this gateway, and for every event that has no
    /// handler.
    ///
    /// The guard is called after the guards of the server and after the guards that were added
    /// earlier. It also applies to handlers that were added earlier.
    pub fn guard(mut self, guard: impl Guard<P>) -> Self {
        self.layers.guards.push(Arc::new(guard));
        self
    }

    /// Runs an interceptor around every handler of this gateway, inside of the interceptors of the
    /// server.
    pub fn intercept(mut self, interceptor: impl Interceptor<P>) -> Self {
        self.layers.interceptors.push(Arc::new(interceptor));
        self
    }

    /// Adds a filter that translates errors of this gateway's events. It runs after the filters of
    /// the handler and before the filters of the server.
    pub fn filter<M>(mut self, filter: impl IntoExceptionFilter<P, M>) -> Self {
        self.layers.filters.push(filter.into_filter());
        self
    }

    /// Adds the policy that decides which clients may enter rooms whose names match `pattern`, such
    /// as `team:{id}`. The policy returns a `bool`, a [`Verdict`] or a `Result` of these.
    ///
    /// If several patterns match the name of a room, all of their policies must allow. A pattern
    /// begins with literal text. `user:`, `session:` and `socket:` are reserved.
    pub fn room<F, Fut>(mut self, pattern: impl Into<Arc<str>>, policy: F) -> Self
    where
        F: Fn(RoomRequest<P>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Into<Verdict>> + Send + 'static,
    {
        let may_join: MayJoin<P> = Box::new(move |request| {
            let asked = policy(request);
            Box::pin(async move { asked.await.into() })
        });
        self.rooms.push((pattern.into(), may_join));
        self
    }

    /// Handles up to `limit` events of one socket at the same time. Events start in the order in
    /// which the client sent them. The default is 1.
    ///
    /// This applies to the whole namespace: [`Builder::build`](crate::Builder::build) fails if two
    /// gateways of the namespace set different numbers, or if the number is 0.
    pub fn concurrency(self, limit: usize) -> Self {
        Self { concurrency: Some(limit), ..self }
    }

    /// Limits the sockets that a user may have in this namespace. For example, a game that may be
    /// open in only one tab uses `PerUser::ReplaceOldest(1)`. The default is no limit.
    ///
    /// This applies in addition to [`Builder::connections`](crate::Builder::connections). Both
    /// limits must allow a connection. A connection that is refused does not replace another one.
    ///
    /// This applies to the whole namespace: [`Builder::build`](crate::Builder::build) fails if two
    /// gateways of the namespace set different limits. A public namespace has no users, so `build`
    /// fails for a limit there
    /// ([`BuildError::PublicConnections`](crate::server::BuildError::PublicConnections)).
    ///
    /// # Examples
    /// ```
    /// use doorward::{PerUser, prelude::*};
    ///
    /// let game: Gateway<Claims> = Gateway::at("/game").connections(PerUser::ReplaceOldest(1));
    /// ```
    pub fn connections(self, policy: PerUser) -> Self {
        Self { connections: Some(policy), ..self }
    }

    /// Lowers the limit on the sockets of a user in this namespace to `policy`. A limit that is
    /// already stricter is kept (see [`PerUser::stricter`]). Use this method to limit a gateway
    /// that another crate defines.
    ///
    /// # Examples
    /// ```
    /// use doorward::{PerUser, prelude::*};
    ///
    /// fn game() -> Gateway<Claims> {
    ///     Gateway::at("/game").connections(PerUser::ReplaceOldest(1))
    /// }
    ///
    /// // A user may still have one socket in the game, because the limit of the game is stricter.
    /// let game = game().connections_at_most(PerUser::RefuseNew(2));
    /// ```
    pub fn connections_at_most(self, policy: PerUser) -> Self {
        let own = self.connections.unwrap_or_default();
        self.connections(own.stricter(policy))
    }

    /// Runs a hook once, before the first client is admitted. A later call replaces the hook.
    ///
    /// If the hook fails, [`Doorward::serve`](crate::Doorward::serve) returns the error. A server
    /// that is mounted into an application answers handshakes with 503, and runs the hook again at
    /// the next handshake.
    pub fn on_init<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Hub<P>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.hooks.init = Some(Box::new(move |hub| Box::pin(hook(hub))));
        self
    }

    /// Runs a hook for every client that the authenticator accepts and the guards allow, before its
    /// CONNECT is answered. In a public namespace, these are all clients that the guards allow. A
    /// later call replaces the hook.
    ///
    /// The hook returns nothing, or `Result<(), Refusal>` to refuse the client. If the client
    /// disconnects while the hook runs, the hook is dropped, and `on_disconnect` of this gateway
    /// does not run.
    pub fn on_connect<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Socket<P>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoConnectResult> + Send + 'static,
    {
        self.hooks.connect = Some(Box::new(move |socket| {
            let hook = hook(socket);
            Box::pin(async move { hook.await.into_result() })
        }));
        self
    }

    /// Runs a hook exactly once when a socket ends, for any reason, if the `on_connect` hook of
    /// this gateway has succeeded or if there is none. A later call replaces the hook.
    ///
    /// The socket has left all rooms, and nothing can be sent to it. Use [`Socket::hub`] to notify
    /// other clients. A handler that is still running may finish after this hook. If the handler
    /// registers the client somewhere, it should check [`Socket::is_closed`] afterwards.
    ///
    /// The hook is dropped when it exceeds [`Limits::handler_timeout`](crate::Limits::handler_timeout).
    pub fn on_disconnect<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Socket<P>, DisconnectReason) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hooks.disconnect =
            Some(Box::new(move |socket, reason| Box::pin(hook(socket, reason))));
        self
    }

    /// Runs a hook when the first connection of a user has come, or the last one has gone, in this
    /// namespace or in one of its rooms, on any node. A later call replaces the hook.
    ///
    /// The hook also makes the server track the presence of users, so that
    /// [`Hub::presence`](crate::Hub::presence) returns it. Each node keeps the users of all nodes in
    /// its memory.
    ///
    /// The hook runs on every node, also for users of other nodes. So let it send to the clients of its
    /// own node only ([`Broadcast::local`](crate::Broadcast::local)).
    ///
    /// - While a node of a cluster shuts down, its hook does not run. On the other nodes it runs only for
    ///   users who do not come back.
    /// - A node that has just started, and has no client in the namespace, does not report the users of
    ///   other nodes as come.
    /// - Changes of one user in one room, or in the namespace, run one after the other. If a user comes
    ///   and goes in the meantime, both changes are left out. Other changes may run at the same time,
    ///   up to eight in the server.
    ///
    /// The hook is dropped when it exceeds [`Limits::handler_timeout`](crate::Limits::handler_timeout).
    ///
    /// # Examples
    /// ```
    /// use doorward::prelude::*;
    ///
    /// let gateway: Gateway<Claims> = Gateway::at("/").on_presence(
    ///     |hub: Hub<Claims>, change: PresenceChange| async move {
    ///         if let Some(room) = &change.room {
    ///             let said = (change.user.as_str(), change.is_present);
    ///             hub.to(room.clone()).local().emit("presence", said).ok();
    ///         }
    ///     },
    /// );
    /// ```
    pub fn on_presence<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Hub<P>, PresenceChange) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.presence = Some(Box::new(move |hub, change| Box::pin(hook(hub, change))));
        self
    }

    /// Calls a listener for every event of a client in this namespace that the guards allow, before
    /// the handler runs. Events without a handler are included.
    pub fn on_any<F>(mut self, listener: F) -> Self
    where
        F: Fn(&EventContext<'_, P>) + Send + Sync + 'static,
    {
        self.listeners.push(Box::new(listener));
        self
    }

    /// Calls a listener once for each event that is emitted in this namespace, for any number of
    /// receivers. It is not called for acks, or for events that handlers return.
    pub fn on_any_outgoing<F>(mut self, listener: F) -> Self
    where
        F: Fn(&Outgoing<'_>) + Send + Sync + 'static,
    {
        self.outgoing.push(Box::new(listener));
        self
    }

    /// Calls a listener for an event that a node sends in this namespace, with
    /// [`Hub::server_side_emit`](crate::Hub::server_side_emit),
    /// [`Hub::server_side_emit_with_ack`](crate::Hub::server_side_emit_with_ack) or
    /// [`Hub::ask_node`](crate::Hub::ask_node). What the listener returns is its answer. If the
    /// payload cannot be decoded into a `T`, an error is logged and the listener is not called.
    pub fn on_server_event<T, R, F, Fut>(mut self, event: impl Into<Arc<str>>, listener: F) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        R: Serialize + 'static,
        F: Fn(Hub<P>, T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
    {
        let event = event.into();
        let listener = server_listener(Arc::clone(&event), listener);
        self.server_events.push((event, listener));
        self
    }
}

impl<P> fmt::Debug for Gateway<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events: Vec<_> = self.subscriptions.iter().map(|(name, _)| name).collect();
        f.debug_struct("Gateway")
            .field("namespace", &self.namespace)
            .field("events", &events)
            .finish_non_exhaustive()
    }
}
