//! Hooks of a gateway, which run at startup and when clients connect and disconnect.

use doorward_core::{BoxError, BoxFuture, DisconnectReason, Refusal};

use crate::room::{hub::Hub, socket::Socket};

/// Hooks of one gateway. Each is optional.
pub(crate) struct Hooks<P> {
    pub(crate) init: Option<InitHook<P>>,
    pub(crate) connect: Option<ConnectHook<P>>,
    pub(crate) disconnect: Option<DisconnectHook<P>>,
}

pub(crate) type InitHook<P> =
    Box<dyn Fn(Hub<P>) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>;

pub(crate) type ConnectHook<P> =
    Box<dyn Fn(Socket<P>) -> BoxFuture<'static, Result<(), Refusal>> + Send + Sync>;

pub(crate) type DisconnectHook<P> =
    Box<dyn Fn(Socket<P>, DisconnectReason) -> BoxFuture<'static, ()> + Send + Sync>;
