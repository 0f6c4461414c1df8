//! Sign-in with passkeys for the users of a Doorward server, and management of their accounts and sessions.
//!
//! [`Identity`] is one service with two interfaces. [`Identity::gateway`] signs users in over a socket.
//! [`Identity::routes`] signs users in over HTTP, and also manages their passkeys and sessions. A page that signs its
//! user in receives a ticket, and exchanges it for the session cookie at one of the routes. [`RequireSession`] protects
//! the routes of an application. [`Identity::cookie`] is the authenticator for browsers. An [`AccountStore`] keeps the
//! accounts, and [`doorward::session::Sessions`] keeps the sessions. Start reading at [`Identity`].
//!
//! # Examples
//! ```no_run
//! use std::sync::Arc;
//! use doorward::{
//!     Doorward, prelude::*, server::{Entropy, OsEntropy, SystemClock}, session::Sessions,
//! };
//! use doorward_identity::{AccountStore, Identity, RequireSession};
//! use doorward_sql::SqlStore;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Arc::new(SqlStore::open("doorward.db").await?);
//! let sessions = Arc::new(Sessions::new(
//!     store.clone(),
//!     store.clone(),
//!     Arc::new(SystemClock),
//!     Arc::new(OsEntropy),
//! ));
//! let mut drawn = [0; 32];
//! OsEntropy.fill(&mut drawn);
//! let identity = Identity::builder("http://localhost:3000", store.clone(), sessions, store.clone())
//!     .decoy_secret(store.decoy_secret(&drawn).await?)
//!     .build()?;
//!
//! let doorward = Doorward::builder()
//!     .authenticate(identity.cookie())
//!     .revocations(store)
//!     .gateway(Gateway::at("/").on("echo", |Payload(text): Payload<String>| async move { text }))
//!     .public(identity.gateway())
//!     .build()?;
//! let app = axum::Router::new()
//!     .route("/private", axum::routing::get(|| async { "Only for you" }))
//!     .layer(RequireSession::new(identity.clone()))
//!     .merge(identity.routes(doorward.principals()))
//!     .route_service("/socket.io/", doorward.service());
//! # Ok(())
//! # }
//! ```

mod accounts;
mod attempts;
mod build_error;
mod builder;
mod ceremony;
mod client;
mod device;
mod farewell;
mod gateway;
mod hook;
mod http;
mod identity;
mod records;
mod recovery_codes;
mod require_session;
mod service;
mod turns;
mod username;
mod wire;

pub use accounts::{AccountError, Accounts};
pub use build_error::BuildError;
pub use builder::IdentityBuilder;
pub use device::describe_device;
pub use doorward_core::AccountStore;
pub use hook::{SignInError, SignInMethod, SigningIn};
pub use identity::Identity;
pub use require_session::{BehindSession, CurrentSession, RequireSession};
pub use username::{Username, UsernameError, shown_id, shown_name, shown_name_of_issuer};
pub use wire::SignInCode;
