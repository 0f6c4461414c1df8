//! Principal of a client, as an argument of handlers.

use std::{fmt, ops::Deref, sync::Arc};

/// The principal of the client that sent an event, as an argument of a handler.
///
/// It derefs to the type that the authenticator of the namespace returns. It is the principal at
/// the start of the event: if the rights of the user change while the handler runs,
/// [`Socket::principal`](crate::Socket::principal) returns the new one and this value does not
/// change.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// struct User { name: String }
///
/// let gateway: Gateway<User> =
///     Gateway::at("/").on("whoami", |me: Principal<User>| async move { me.name.clone() });
/// ```
///
/// In a namespace with another principal it does not compile:
/// ```compile_fail
/// use doorward::prelude::*;
///
/// struct User { name: String }
///
/// let gateway: Gateway<Anonymous> =
///     Gateway::at("/").on("whoami", |me: Principal<User>| async move { me.name.clone() });
/// ```
pub struct Principal<P>(Arc<P>);

impl<P> Principal<P> {
    pub(crate) fn new(principal: Arc<P>) -> Self {
        Self(principal)
    }
}

impl<P> Deref for Principal<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.0
    }
}

impl<P> Clone for Principal<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: fmt::Debug> fmt::Debug for Principal<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Principal").field(&self.0).finish()
    }
}
