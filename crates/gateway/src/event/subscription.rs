//! A handler with guards, interceptors and filters of its own.

use std::{fmt, sync::Arc};

use doorward_core::Guard;

use crate::{
    event::{
        context::EventContext,
        filter::{Filters, IntoExceptionFilter},
        handler::{AnyHandler, Handler, erase},
        interceptor::{AnyInterceptor, Interceptor},
    },
    guard::authorise::AnyGuard,
};

/// A handler and what stands around it alone; see [`handle`].
///
/// # Examples
/// ```
/// use doorward::{Subscription, handle, prelude::*};
///
/// let delete: Subscription<Claims> = handle(|Payload(_): Payload<u64>| async {})
///     .guard(Role::new("admin"));
/// # drop(delete);
/// ```
#[must_use]
pub struct Subscription<P> {
    pub(crate) handler: Arc<dyn AnyHandler<P>>,
    pub(crate) layers: Layers<P>,
}

/// What stands around handlers, on one level.
pub(crate) struct Layers<P> {
    pub(crate) guards: Vec<Arc<dyn AnyGuard<P>>>,
    pub(crate) interceptors: Vec<Arc<dyn AnyInterceptor<P>>>,
    pub(crate) filters: Filters<P>,
}

impl<P> Default for Layers<P> {
    fn default() -> Self {
        Self { guards: Vec::new(), interceptors: Vec::new(), filters: Vec::new() }
    }
}

impl<P> Clone for Layers<P> {
    fn clone(&self) -> Self {
        Self {
            guards: self.guards.clone(),
            interceptors: self.interceptors.clone(),
            filters: self.filters.clone(),
        }
    }
}

impl<P> Layers<P> {
    /// Puts `inner` inside of this level: guards and interceptors from outside to inside, filters
    /// from inside to outside.
    pub(crate) fn around(&self, inner: &Self) -> Self {
        Self {
            guards: [&self.guards[..], &inner.guards].concat(),
            interceptors: [&self.interceptors[..], &inner.interceptors].concat(),
            filters: [&inner.filters[..], &self.filters].concat(),
        }
    }
}

/// Begins a [`Subscription`]: a handler that gets guards, interceptors or filters of its own.
///
/// # Examples
/// ```
/// use doorward::{handle, prelude::*};
///
/// let gateway: Gateway<Claims> = Gateway::at("/").on(
///     "delete",
///     handle(|Payload(_): Payload<u64>| async {}).guard(Role::new("admin")),
/// );
/// # drop(gateway);
/// ```
pub fn handle<P: Send + Sync + 'static, M: 'static>(
    handler: impl Handler<P, M>,
) -> Subscription<P> {
    Subscription { handler: erase(handler), layers: Layers::default() }
}

impl<P: Send + Sync + 'static> Subscription<P> {
    /// Asks a guard about this event, after those of the server and of the gateway.
    pub fn guard(mut self, guard: impl Guard<P>) -> Self {
        self.layers.guards.push(Arc::new(guard));
        self
    }

    /// Runs an interceptor around this handler, inside of those of the server and of the gateway.
    pub fn intercept(mut self, interceptor: impl Interceptor<P>) -> Self {
        self.layers.interceptors.push(Arc::new(interceptor));
        self
    }

    /// Translates errors of this event, before the filters of the gateway and of the server.
    pub fn filter<M>(mut self, filter: impl IntoExceptionFilter<P, M>) -> Self {
        self.layers.filters.push(filter.into_filter());
        self
    }
}

impl<P> fmt::Debug for Subscription<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

/// Whatever [`Gateway::on`](crate::Gateway::on) takes: a [`Handler`], or a [`Subscription`] made of
/// one.
///
/// # Examples
/// See [`handle`].
/// ```
/// use doorward::{IntoSubscription, prelude::*};
///
/// fn take<M>(_: impl IntoSubscription<Claims, M>) {}
/// take(|| async {});
/// ```
#[diagnostic::on_unimplemented(
    message = "this cannot handle an event in a namespace of `{P}`",
    note = "a handler is an async function of up to six extractors, such as `Payload<T>`, \
            `Principal<{P}>` and `Connection<{P}>`, that returns something that is `serde::Serialize`",
    note = "each argument must implement `FromEvent<{P}>` and the result `IntoReply`"
)]
pub trait IntoSubscription<P, M> {
    /// Makes the subscription.
    fn into_subscription(self) -> Subscription<P>;
}

impl<P: Send + Sync + 'static, M: 'static, H: Handler<P, M>> IntoSubscription<P, (M,)> for H {
    fn into_subscription(self) -> Subscription<P> {
        handle(self)
    }
}

impl<P> IntoSubscription<P, ()> for Subscription<P> {
    fn into_subscription(self) -> Self {
        self
    }
}

/// Told of every event that the guards let through.
pub(crate) type Listener<P> = Box<dyn Fn(&EventContext<'_, P>) + Send + Sync>;
