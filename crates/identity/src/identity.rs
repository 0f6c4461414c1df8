//! The handle of a sign-in service, which gives an application its gateway, routes and authenticator. Start reading
//! at [`Identity`].

use std::sync::Arc;

use doorward::{
    Gateway, Principals,
    auth::{Anonymous, SessionCookie},
    event::IntoGateway as _,
};

use crate::{accounts::Accounts, gateway::SignInGateway, http, service::Service};

/// Signs users in with passkeys; start with [`Identity::builder`].
///
/// Cheap to clone; clones share one service.
///
/// # Examples
/// See the [crate](crate).
/// ```
/// use doorward_identity::Identity;
///
/// fn share(identity: &Identity) -> Identity {
///     identity.clone()
/// }
/// ```
///
/// # Security
/// Started ceremonies are in the memory of this process. With several processes behind one address, a client must
/// reach the same one until its ceremony ends. A socket does so by itself.
#[derive(Clone)]
pub struct Identity(pub(crate) Arc<Service>);

impl Identity {
    /// Returns the gateway `/auth` for [`Builder::public`](doorward::Builder::public): sign-up and sign-in over the
    /// socket.
    pub fn gateway(&self) -> Gateway<Anonymous> {
        SignInGateway(Arc::clone(&self.0)).into_gateway()
    }

    /// Returns the routes below `/auth/`. They end sockets through `principals`.
    pub fn routes(&self, principals: Principals) -> axum::Router {
        http::router(Arc::clone(&self.0), principals)
    }

    /// Returns the authenticator for browsers with the cookie of this service.
    pub fn cookie(&self) -> SessionCookie {
        self.0.cookie.clone()
    }

    /// Returns the management of accounts for operators. It ends sockets through `principals`.
    #[must_use]
    pub fn accounts(&self, principals: Principals) -> Accounts {
        Accounts::new(Arc::clone(&self.0), principals)
    }
}

doorward_core::debug_fields!(Identity {});
