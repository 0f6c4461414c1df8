//! Types for building, serving and stopping a server.
//!
//! These types are errors, listeners, limits by name, and the tower service that mounts a server
//! into an application.

// `builder` builds a server, `serve` accepts its connections, `shutdown` ends it. Start reading at `serve`.

pub(crate) mod builder;
pub(crate) mod doorward;
pub(crate) mod forgotten;
pub(crate) mod serve;
mod shutdown;
pub(crate) mod stage;

pub use doorward_core::{Clock, Entropy};

pub use crate::{
    error::{BuildError, HubError, ServeError, tls::TlsError},
    http::{
        app::HttpService,
        connection_error::ConnectionError,
        listeners::Listeners,
        request_body::{RequestBody, RequestBodyError},
        response_body::{ResponseBody, ResponseBodyError},
        service::DoorwardService,
        tls::Tls,
    },
    limits::{
        Limit,
        value::{LimitError, LimitValue},
    },
    namespace::policy_table::PolicyTable,
    peer::{
        addr::PeerAddr,
        proxies::{TrustedProxies, TrustedProxyError},
    },
    runtime::{
        outage_log::{CurrentOutage, Outage},
        shutdown_signal::ShutdownSignal,
        system::{OsEntropy, SystemClock},
    },
    server::stage::{NoAuthenticator, WithAuthenticator},
};
