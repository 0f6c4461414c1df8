//! Type-level states of a builder, with and without an authenticator.

use std::{marker::PhantomData, sync::Arc};

use crate::{
    admission::vetting::AnyAuthenticator,
    event::subscription::Layers,
    namespace::{gateway::Gateway, mount::Hubs},
};

/// Trait that no type implements. It makes a call without an authenticator fail with the message
/// below.
///
/// # Examples
/// ```compile_fail
/// doorward::Doorward::builder().guard(doorward::guard::Role::new("member"));
/// ```
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "no client is authenticated here yet",
    label = "needs an authenticator in front of it",
    note = "write `.authenticate(..)` before it, such as `.authenticate(Jwt::hs256(secret)?)`",
    note = "a gateway that every client may enter is mounted with `.public(..)`"
)]
pub trait BehindAuthenticator {}

/// State of a [`Builder`](crate::Builder) without an authenticator. Such a builder accepts only
/// public gateways.
///
/// # Examples
/// ```
/// use doorward::{Builder, Doorward, server::NoAuthenticator};
///
/// let builder: Builder<NoAuthenticator> = Doorward::builder();
/// ```
#[derive(Debug)]
pub struct NoAuthenticator(pub(super) PhantomData<()>);

/// State of a [`Builder`](crate::Builder) with an authenticator. `P` is the principal type of its
/// private gateways.
///
/// # Examples
/// ```
/// use doorward::{Builder, Doorward, auth::{Claims, Jwt}, server::WithAuthenticator};
///
/// let jwt = Jwt::hs256("a secret of at least 32 bytes ...")?;
/// let builder: Builder<WithAuthenticator<Claims>> = Doorward::builder().authenticate(jwt);
/// # Ok::<_, doorward::auth::KeyError>(())
/// ```
pub struct WithAuthenticator<P> {
    pub(super) authenticator: Arc<dyn AnyAuthenticator<P>>,
    pub(super) layers: Layers<P>,
    pub(super) gateways: Vec<Gateway<P>>,
    pub(super) hubs: Hubs<P>,
}

doorward_core::debug_fields!(WithAuthenticator<P> { gateways });
