//! Subscriptions, which are handlers with guards, interceptors and filters of their own.

use std::{marker::PhantomData, sync::Arc};

use doorward_core::Guard;

use crate::{
    event::{
        context::EventContext,
        filter::{Filters, IntoExceptionFilter},
        handler::{AnyHandler, Erased, Handler},
        interceptor::{AnyInterceptor, Interceptor},
        sealed::Sealed,
    },
    guard::authorise::AnyGuard,
};

/// A handler with its own guards, interceptors and filters. [`handle`] creates it.
///
/// # Examples
/// ```
/// use doorward::{event::{Subscription, handle}, prelude::*};
///
/// let delete: Subscription<Claims> = handle(|Payload(_): Payload<u64>| async {})
///     .guard(Role::new("admin"));
/// ```
#[must_use]
pub struct Subscription<P> {
    pub(crate) handler: Arc<dyn AnyHandler<P>>,
    pub(crate) layers: Layers<P>,
}

/// Guards, interceptors and filters of a server, a gateway or a handler, or of several of these
/// levels combined.
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

impl<P> Layers<P> {
    /// Combines this level with `inner`, which is the next level inside of it, such as a gateway
    /// inside of the server.
    ///
    /// Each list is in call order. Guards and interceptors go from outside to inside, so that a
    /// server can deny what a gateway would allow. Filters go from inside to outside, so that a
    /// handler can translate an error before the server does.
    pub(crate) fn around(&self, inner: &Self) -> Self {
        Self {
            guards: [&self.guards[..], &inner.guards].concat(),
            interceptors: [&self.interceptors[..], &inner.interceptors].concat(),
            filters: [&inner.filters[..], &self.filters].concat(),
        }
    }
}

/// Creates a [`Subscription`] from a handler, to add guards, interceptors and filters for this
/// handler.
///
/// # Examples
/// ```
/// use doorward::{event::handle, prelude::*};
///
/// let gateway: Gateway<Claims> = Gateway::at("/").on(
///     "delete",
///     handle(|Payload(_): Payload<u64>| async {}).guard(Role::new("admin")),
/// );
/// ```
pub fn handle<P: Send + Sync + 'static, M: 'static>(
    handler: impl Handler<P, M>,
) -> Subscription<P> {
    Subscription { handler: Arc::new(Erased(handler, PhantomData)), layers: Layers::default() }
}

impl<P: Send + Sync + 'static> Subscription<P> {
    /// Adds a guard, which is called after the guards of the server and of the gateway.
    pub fn guard(mut self, guard: impl Guard<P>) -> Self {
        self.layers.guards.push(Arc::new(guard));
        self
    }

    /// Adds an interceptor, which runs inside of the interceptors of the server and of the gateway.
    pub fn intercept(mut self, interceptor: impl Interceptor<P>) -> Self {
        self.layers.interceptors.push(Arc::new(interceptor));
        self
    }

    /// Adds an exception filter, which is called before the filters of the gateway and of the
    /// server.
    pub fn filter<M>(mut self, filter: impl IntoExceptionFilter<P, M>) -> Self {
        self.layers.filters.push(filter.into_filter());
        self
    }
}

doorward_core::debug_fields!(Subscription<P> {});

/// Argument of [`Gateway::on`](crate::Gateway::on): a [`Handler`] or a [`Subscription`].
///
/// # Examples
/// ```
/// use doorward::{event::{IntoSubscription, Subscription}, prelude::*};
///
/// /// Restricts a handler to administrators.
/// fn admin<M>(handler: impl IntoSubscription<Claims, M>) -> Subscription<Claims> {
///     handler.into_subscription().guard(Role::new("admin"))
/// }
///
/// let gateway: Gateway<Claims> = Gateway::at("/").on("shut-down", admin(|| async {}));
/// ```
#[diagnostic::on_unimplemented(
    message = "this cannot handle an event in a namespace of `{P}`",
    note = "a handler is an async function of up to six extractors, such as `Payload<T>`, \
            `Principal<{P}>` and `Socket<{P}>`, that returns something that is `serde::Serialize`",
    note = "each argument must implement `FromEvent<{P}>` and the result `IntoReply`"
)]
pub trait IntoSubscription<P, M> {
    /// Prevents other crates from implementing the trait, so that methods can be added later.
    #[doc(hidden)]
    const SEALED: Sealed;

    /// Converts the argument into a subscription.
    fn into_subscription(self) -> Subscription<P>;
}

impl<P: Send + Sync + 'static, M: 'static, H: Handler<P, M>> IntoSubscription<P, (M,)> for H {
    const SEALED: Sealed = Sealed;

    fn into_subscription(self) -> Subscription<P> {
        handle(self)
    }
}

impl<P> IntoSubscription<P, ()> for Subscription<P> {
    const SEALED: Sealed = Sealed;

    fn into_subscription(self) -> Self {
        self
    }
}

/// Listener that is called for every event that the guards have allowed.
pub(crate) type Listener<P> = Box<dyn Fn(&EventContext<'_, P>) + Send + Sync>;
