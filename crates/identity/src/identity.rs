//! Handle of the sign-in service, from which an application gets the gateway, the routes and the authenticator. Start
//! reading at [`Identity`].

use std::sync::Arc;

use doorward::{
    Gateway, Principals,
    auth::{Anonymous, SessionCookie},
    event::IntoGateway as _,
};

use crate::{accounts::Accounts, gateway::SignInGateway, http, service::Service};

/// Sign-in service, which signs users in with passkeys. [`Identity::builder`] creates it.
///
/// Cloning is cheap, and clones share one service.
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
/// A ceremony is the registration or the use of a passkey, in two requests. Started ceremonies are kept in the memory
/// of this process. If several processes share an address, both requests of a client must reach the same process. Over
/// a socket, this is always the case.
#[derive(Clone)]
pub struct Identity(pub(crate) Arc<Service>);

impl Identity {
    /// Returns the gateway `/auth`, with which users sign up and sign in over a socket. Pass it to
    /// [`Builder::public`](doorward::Builder::public).
    pub fn gateway(&self) -> Gateway<Anonymous> {
        SignInGateway(Arc::clone(&self.0)).into_gateway()
    }

    /// Returns the routes below `/auth/`. The routes use `principals` to close the sockets of sessions that end.
    pub fn routes(&self, principals: Principals) -> axum::Router {
        http::router(Arc::clone(&self.0), principals)
    }

    /// Returns the authenticator for browsers that send the session cookie of this service.
    pub fn cookie(&self) -> SessionCookie {
        self.0.cookie.clone()
    }

    /// Returns the account management for operators. It uses `principals` to close the sockets of accounts that are
    /// disabled or removed.
    #[must_use]
    pub fn accounts(&self, principals: Principals) -> Accounts {
        Accounts::new(Arc::clone(&self.0), principals)
    }
}

doorward_core::debug_fields!(Identity {});
