//! A gateway: the handlers and hooks of one namespace.

use std::{fmt, future::Future, sync::Arc};

use doorward_core::{BoxError, BoxFuture, DisconnectReason, Refusal};

use crate::{
    Connection, Handler,
    pipeline::{Route, erase},
};

/// Handlers and hooks for clients whose principal is `P`, in one namespace.
///
/// Several gateways may share a namespace; no event may have two handlers.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let chat: Gateway<Claims> = Gateway::at("/chat")
///     .on_connect(|connection: Connection<Claims>| async move {
///         connection.emit("welcome", connection.user().as_str())?;
///         Ok(())
///     })
///     .on("say", |Payload(text): Payload<String>| async move { text.len() })
///     .on_disconnect(|connection: Connection<Claims>, reason: DisconnectReason| async move {
///         println!("{connection:?} left: {reason}");
///     });
/// # drop(chat);
/// ```
#[must_use]
pub struct Gateway<P> {
    pub(crate) namespace: Arc<str>,
    pub(crate) routes: Vec<(Arc<str>, Arc<dyn Route<P>>)>,
    pub(crate) hooks: Hooks<P>,
}

/// What a gateway wants to be told.
pub(crate) struct Hooks<P> {
    pub(crate) init: Option<InitHook>,
    pub(crate) connect: Option<ConnectHook<P>>,
    pub(crate) disconnect: Option<DisconnectHook<P>>,
}

pub(crate) type InitHook = Box<dyn Fn() -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>;
pub(crate) type ConnectHook<P> =
    Box<dyn Fn(Connection<P>) -> BoxFuture<'static, Result<(), Refusal>> + Send + Sync>;
pub(crate) type DisconnectHook<P> =
    Box<dyn Fn(Connection<P>, DisconnectReason) -> BoxFuture<'static, ()> + Send + Sync>;

impl<P: Send + Sync + 'static> Gateway<P> {
    /// Begins a gateway in `namespace`, which starts with a slash.
    pub fn at(namespace: impl Into<Arc<str>>) -> Self {
        let hooks = Hooks { init: None, connect: None, disconnect: None };
        Self { namespace: namespace.into(), routes: Vec::new(), hooks }
    }

    /// Handles an event. See [`Handler`] for what a handler is.
    ///
    /// Events of one socket are handled one after the other, in the order in which they were sent. A
    /// handler that panics is answered with `internal`, one that takes longer than
    /// [`Limits::handler_timeout`](crate::Limits::handler_timeout) with `timeout`.
    pub fn on<M: 'static>(
        mut self,
        event: impl Into<Arc<str>>,
        handler: impl Handler<P, M>,
    ) -> Self {
        self.routes.push((event.into(), erase(handler)));
        self
    }

    /// Runs once before the first client is looked at. If it fails, [`Doorward::serve`] does not
    /// start; a mounted server tries again at the next handshake.
    ///
    /// [`Doorward::serve`]: crate::Doorward::serve
    ///
    /// A later call replaces the hook.
    pub fn on_init<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.hooks.init = Some(Box::new(move || Box::pin(hook())));
        self
    }

    /// Runs for every client that was authenticated and that the guards let through, before it is
    /// told that it is in. It may still refuse.
    ///
    /// A later call replaces the hook. It is dropped when the client leaves while it runs; then
    /// `on_disconnect` does not run either.
    pub fn on_connect<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Connection<P>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Refusal>> + Send + 'static,
    {
        self.hooks.connect = Some(Box::new(move |connection| Box::pin(hook(connection))));
        self
    }

    /// Runs exactly once for every client whose `on_connect` succeeded, whatever ended it.
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
}

impl<P> fmt::Debug for Gateway<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("namespace", &self.namespace)
            .field("events", &self.routes.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
