//! The principal of a client, as applications take it.

use std::{fmt, ops::Deref, sync::Arc};

/// Whom the server acts for: it derefs to the application's own type.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// struct User { name: String }
///
/// let gateway: Gateway<User> =
///     Gateway::at("/").on("whoami", |me: Principal<User>| async move { me.name.clone() });
/// # drop(gateway);
/// ```
///
/// In a namespace of another principal it does not compile:
/// ```compile_fail
/// use doorward::prelude::*;
///
/// struct User { name: String }
///
/// let gateway: Gateway<Anonymous> =
///     Gateway::at("/").on("whoami", |me: Principal<User>| async move { me.name.clone() });
/// ```
///
/// It is the one of the moment at which the event was started, also when the user's rights change
/// meanwhile.
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
