//! The handle of a service that signs people in: what an application gets from it.

use std::{fmt, sync::Arc};

use doorward::{Anonymous, Gateway, IntoGateway as _, Principals, auth::SessionCookie};

use crate::{accounts::Accounts, gateway::SignInGateway, http, service::Service};

/// Signs people in with passkeys; begin with [`Identity::builder`].
///
/// It is cheap to clone; clones are one service.
///
/// # Examples
/// See the [crate](crate).
/// ```
/// use doorward_identity::Identity;
///
/// fn share(identity: &Identity) -> Identity {
///     identity.clone()
/// }
/// # drop(share);
/// ```
///
/// # Security
/// Ceremonies that were begun are in the memory of this process: with several processes behind one address, a
/// client must be led back to the one where it began. Sockets are by themselves.
#[derive(Clone)]
pub struct Identity(pub(crate) Arc<Service>);

impl Identity {
    /// Returns the gateway `/auth`, for [`Builder::public`](doorward::Builder::public): sign-up and sign-in
    /// over the socket.
    pub fn gateway(&self) -> Gateway<Anonymous> {
        SignInGateway(Arc::clone(&self.0)).into_gateway()
    }

    /// Returns the routes below `/auth/`. What they end, they end with `principals`.
    pub fn routes(&self, principals: Principals) -> axum::Router {
        http::router(Arc::clone(&self.0), principals)
    }

    /// Returns the authenticator of browsers that have signed in here.
    pub fn cookie(&self) -> SessionCookie {
        self.0.cookie.clone()
    }

    /// Returns what an operator may do with accounts; what it ends, it ends with `principals`.
    #[must_use]
    pub fn accounts(&self, principals: Principals) -> Accounts {
        Accounts::new(Arc::clone(&self.0), principals)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}
