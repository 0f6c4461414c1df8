//! Principal of a client, as an argument of handlers.

use std::{ops::Deref, sync::Arc};

/// Principal of the client that sent an event. Handlers take it as an argument.
///
/// It dereferences to `P`, the principal type of the namespace's authenticator. Its value is the
/// principal at the moment at which the arguments of the handler are created. If the rights of the
/// user change while the handler runs, [`Socket::principal`](crate::Socket::principal) returns the
/// new principal, and this value does not change.
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
/// A handler that takes another principal than that of its namespace does not compile:
/// ```compile_fail
/// use doorward::prelude::*;
///
/// struct User { name: String }
///
/// let gateway: Gateway<Anonymous> =
///     Gateway::at("/").on("whoami", |me: Principal<User>| async move { me.name.clone() });
/// ```
#[derive(Debug)]
pub struct Principal<P>(pub(crate) Arc<P>);

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
