//! A gateway: the handlers, hooks and policies of one namespace.

use std::{fmt, future::Future, sync::Arc};

use doorward_core::{BoxError, DisconnectReason, Guard, PerUser, Refusal, Verdict};
use doorward_protocol::RawArguments;
use serde::de::DeserializeOwned;

use crate::{
    event::{
        context::EventContext,
        filter::IntoExceptionFilter,
        interceptor::Interceptor,
        subscription::{IntoSubscription, Layers, Listener, Subscription},
    },
    room::{
        connection::Connection,
        hooks::Hooks,
        hub::{Hub, Outgoing, OutgoingListener, ServerListener},
        policy::{MayJoin, RoomRequest},
    },
};

/// Handlers, hooks and policies for clients whose principal is `P`, in one namespace.
///
/// Several gateways may share a namespace; no event may have two handlers. The attribute
/// [`gateway`](macro@crate::gateway) writes one from an `impl` block.
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
///     .on_connect(|connection: Connection<Claims>| async move {
///         connection.emit("welcome", connection.user().as_str())?;
///         Ok(())
///     })
///     .on("say", |me: Connection<Claims>, Payload(text): Payload<String>| async move {
///         me.to("team:7").emit("said", text)
///     })
///     .on_disconnect(|connection: Connection<Claims>, reason: DisconnectReason| async move {
///         println!("{connection:?} left: {reason}");
///     });
/// # drop(chat);
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
    pub(crate) concurrency: Option<usize>,
    pub(crate) connections: Option<PerUser>,
}

/// Whatever [`Builder::gateway`](crate::Builder::gateway) takes: a [`Gateway`], or what the attribute
/// [`gateway`](macro@crate::gateway) stands above.
///
/// # Examples
/// ```
/// use doorward::{IntoGateway, prelude::*};
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
    note = "here handlers and hooks take `Principal<{P}>` and `Connection<{P}>`",
    note = "in a public namespace everybody is `Anonymous`; whoever must know clients is mounted with \
            `.authenticate(..).gateway(..)`, and knows what the authenticator says"
)]
pub trait IntoGateway<P> {
    /// Makes the gateway.
    fn into_gateway(self) -> Gateway<P>;
}

impl<P> IntoGateway<P> for Gateway<P> {
    fn into_gateway(self) -> Self {
        self
    }
}

impl<P: Send + Sync + 'static> Gateway<P> {
    /// Begins a gateway in `namespace`, which starts with a slash.
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
            concurrency: None,
            connections: None,
        }
    }

    /// Handles an event. See [`Handler`](crate::Handler) for what a handler is, and
    /// [`handle`](crate::handle) for one with guards of its own.
    ///
    /// Events of one socket are handled one after the other, in the order in which they were sent. A
    /// handler that panics is answered with `internal`, one that takes longer than
    /// [`Limits::handler_timeout`](crate::Limits::handler_timeout) with `timeout`; it is dropped then, as are
    /// some of those whose client has left. What must be done as a whole is spawned and awaited.
    pub fn on<M>(
        mut self,
        event: impl Into<Arc<str>>,
        handler: impl IntoSubscription<P, M>,
    ) -> Self {
        self.subscriptions.push((event.into(), handler.into_subscription()));
        self
    }

    /// Asks a guard about everything in this namespace: who enters it, which rooms they enter and
    /// leave, and every event of this gateway. It is asked after the guards of the server, and
    /// wherever it stands among the calls here.
    pub fn guard(mut self, guard: impl Guard<P>) -> Self {
        self.layers.guards.push(Arc::new(guard));
        self
    }

    /// Runs an interceptor around every handler of this gateway, inside of those of the server.
    pub fn intercept(mut self, interceptor: impl Interceptor<P>) -> Self {
        self.layers.interceptors.push(Arc::new(interceptor));
        self
    }

    /// Translates errors of this gateway's events, before the filters of the server.
    pub fn filter<M>(mut self, filter: impl IntoExceptionFilter<P, M>) -> Self {
        self.layers.filters.push(filter.into_filter());
        self
    }

    /// Lets clients into the rooms of a pattern, such as `team:{id}`, if `policy` says yes: a `bool`,
    /// a [`Verdict`] or a `Result` of these.
    ///
    /// When several patterns match a name, all policies must say yes. A pattern begins with text;
    /// `user:`, `session:` and `socket:` are reserved.
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

    /// Handles up to `limit` events of one socket at the same time. The default is 1: one after the
    /// other. They still start in the order in which they were sent.
    ///
    /// It holds for the namespace: two gateways that say different numbers cannot share one.
    pub fn concurrency(self, limit: usize) -> Self {
        Self { concurrency: Some(limit), ..self }
    }

    /// Says how many sockets a user may have in this namespace, and what happens to one too many: a game
    /// that only one tab at a time may play says `PerUser::ReplaceOldest(1)`.
    ///
    /// It holds beside what the [server](crate::Builder::connections) says, and does not replace it: a
    /// connection that the server refuses is refused here too, and one that is refused here replaces nobody.
    /// Where the server counts by namespace the stricter of the two holds. It holds for the namespace: two gateways
    /// that say different things cannot share one. A public namespace, in which nobody has a name, cannot say
    /// it ([`BuildError::PublicConnections`](crate::BuildError::PublicConnections)). The default is any number.
    ///
    /// # Examples
    /// ```
    /// use doorward::{PerUser, prelude::*};
    ///
    /// let game: Gateway<Claims> = Gateway::at("/game").connections(PerUser::ReplaceOldest(1));
    /// # drop(game);
    /// ```
    pub fn connections(self, policy: PerUser) -> Self {
        Self { connections: Some(policy), ..self }
    }

    /// Runs once before the first client is looked at. If it fails, [`Doorward::serve`] does not
    /// start; a mounted server tries again at the next handshake.
    ///
    /// [`Doorward::serve`]: crate::Doorward::serve
    ///
    /// A later call replaces the hook.
    pub fn on_init<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Hub<P>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.hooks.init = Some(Box::new(move |hub| Box::pin(hook(hub))));
        self
    }

    /// Runs for every client that was authenticated and that the guards let through, before it is
    /// told that it is in. It may still refuse: return `Result<(), Refusal>`, or nothing.
    ///
    /// A later call replaces the hook. It is dropped when the client leaves while it runs; then
    /// `on_disconnect` does not run either.
    pub fn on_connect<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Connection<P>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Entry> + Send + 'static,
    {
        self.hooks.connect = Some(Box::new(move |connection| {
            let hook = hook(connection);
            Box::pin(async move { hook.await.into_result() })
        }));
        self
    }

    /// Runs exactly once for every client whose `on_connect` succeeded, whatever ended it.
    ///
    /// The client has left every room, and says nothing any more; to tell others, use
    /// [`Connection::hub`]. A handler that was running may finish behind it: one that registers the client
    /// somewhere looks at [`Connection::is_closed`] afterwards.
    ///
    /// A later call replaces the hook.
    pub fn on_disconnect<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Connection<P>, DisconnectReason) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hooks.disconnect =
            Some(Box::new(move |connection, reason| Box::pin(hook(connection, reason))));
        self
    }

    /// Listens to every event of a client of this namespace that the guards let through, also to
    /// those that nobody handles, before its handler runs.
    pub fn on_any<F>(mut self, listener: F) -> Self
    where
        F: Fn(&EventContext<'_, P>) + Send + Sync + 'static,
    {
        self.listeners.push(Box::new(listener));
        self
    }

    /// Listens to every event that is emitted in this namespace, once, however many clients get it.
    /// Answers, and what handlers return, are not among them.
    pub fn on_any_outgoing<F>(mut self, listener: F) -> Self
    where
        F: Fn(&Outgoing<'_>) + Send + Sync + 'static,
    {
        self.outgoing.push(Box::new(listener));
        self
    }

    /// Listens to an event that a server of this namespace sends with
    /// [`Hub::server_side_emit`](crate::Hub::server_side_emit). What is no `T` is logged and ignored.
    pub fn on_server_event<T, F, Fut>(mut self, event: impl Into<Arc<str>>, listener: F) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(Hub<P>, T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let event = event.into();
        let name = Arc::clone(&event);
        let listener: ServerListener<P> = Box::new(move |hub, arguments: RawArguments| {
            match arguments.decode() {
                Ok(value) => Box::pin(listener(hub, value)),
                Err(error) => {
                    let cause = &error as &dyn std::error::Error;
                    tracing::error!(event = ?name, error = cause, "A server event is not understood.");
                    Box::pin(async {})
                }
            }
        });
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

/// What a connect hook may return.
///
/// # Examples
/// ```
/// use doorward::{Entry, Refusal};
///
/// assert!(().into_result().is_ok());
/// assert!(Err::<(), _>(Refusal::forbidden()).into_result().is_err());
/// ```
#[diagnostic::on_unimplemented(
    message = "a connect hook cannot return `{Self}`",
    note = "return nothing, or `Result<(), Refusal>`"
)]
pub trait Entry {
    /// Whether the client may come in after all.
    ///
    /// # Errors
    /// Why not.
    fn into_result(self) -> Result<(), Refusal>;
}

impl Entry for () {
    fn into_result(self) -> Result<(), Refusal> {
        Ok(())
    }
}

impl Entry for Result<(), Refusal> {
    fn into_result(self) -> Self {
        self
    }
}
