//! A socket with its seat, its registry entry, and the disconnect hooks that must run.

use std::sync::Arc;

use doorward_core::{Action, BoxFuture, Decision, DisconnectReason, Handshake, Seat};
use doorward_protocol::{RawArguments, Trust};
use tracing::Instrument as _;

use crate::{
    admission::{door::Door, refresh},
    event::{
        failure::{Explained, Failure},
        incoming::Incoming,
        invocation::Started,
        trace::{Trace, hook_span},
    },
    link::seam::{AnySocket, NotAdmitted},
    presence::{
        expiry::Lifetime,
        registry::SocketEntry,
        services::{Services, Subject},
    },
    room::socket::Socket,
    runtime::catch::Caught,
};

/// A registered socket. When it ends, for any reason, its seat and its registry entry are released.
/// The disconnect hook of a gateway runs if the connect hook of the same gateway has succeeded, or
/// if the gateway has none.
pub(crate) struct Entered<P: Send + Sync + 'static> {
    pub(crate) door: Arc<Door<P>>,
    pub(crate) socket: Socket<P>,
    /// Number of gateways whose connect hook has succeeded, or that have none. They are the first
    /// ones in the order of the hooks.
    pub(crate) greeted: usize,
    /// Entry in the registry. `None` after the socket has ended.
    pub(crate) entry: Option<SocketEntry>,
    /// Committed seat. `None` before the commit, and after the socket has ended.
    pub(crate) seat: Option<Box<dyn Seat>>,
    /// Reason that the disconnect hooks receive if the socket is dropped without
    /// [`AnySocket::end`].
    pub(crate) otherwise: DisconnectReason,
    /// `true` if the admission is already in the audit, because the audit must keep its record
    /// first. Dropping the socket then records its end. After [`AnySocket::end`] the link records
    /// the end instead.
    pub(crate) is_recorded: bool,
    pub(crate) services: Arc<Services>,
}

impl<P: Send + Sync + 'static> Entered<P> {
    /// Releases the seat and the registry entry. Returns a future that runs the disconnect hooks,
    /// or `None` if there is no hook to run. A second call does nothing.
    fn leave(&mut self, reason: DisconnectReason) -> Option<BoxFuture<'static, ()>> {
        // The socket ends before its seat becomes free, so that it never overlaps with the next
        // holder of the seat.
        self.socket.end();
        self.seat = None;
        if self.entry.take().is_some() {
            self.services.metrics.sockets.decrement(1.0);
        }
        let greeted = std::mem::take(&mut self.greeted);
        let hooks = self.door.rules.hooks.get(..greeted)?;
        if hooks.iter().all(|hooks| hooks.disconnect.is_none()) {
            return None;
        }
        let door = Arc::clone(&self.door);
        let socket = self.socket.clone();
        let services = Arc::clone(&self.services);
        let under_way = services.farewells.subscribe();
        Some(Box::pin(async move {
            let hooks = door.rules.hooks.iter().take(greeted);
            for hook in hooks.filter_map(|hooks| hooks.disconnect.as_ref()) {
                let span = hook_span(&socket, "on_disconnect");
                let farewell = async { hook(socket.clone(), reason).await }.instrument(span);
                let farewell = Caught::new(farewell);
                match services.within(services.limits.handler_timeout, farewell).await {
                    Some(Ok(())) => {}
                    Some(Err(_)) => {
                        tracing::error!(socket = %socket.id(), "A disconnect hook panicked.");
                    }
                    None => {
                        tracing::error!(socket = %socket.id(), "A disconnect hook timed out.");
                    }
                }
            }
            // The shutdown waits until all receivers of `farewells` are dropped.
            drop(under_way);
        }))
    }
}

impl<P: Send + Sync + 'static> AnySocket for Entered<P> {
    fn subject<'a>(&'a self, action: Option<Action<'a>>) -> Subject<'a> {
        self.socket.subject(action)
    }

    fn has_credential(&self) -> bool {
        self.door.rules.trust == Trust::Known
    }

    fn refresh(&self, handshake: Handshake) -> BoxFuture<'static, Result<Lifetime, NotAdmitted>> {
        let (door, socket) = (Arc::clone(&self.door), self.socket.clone());
        Box::pin(async move { refresh::refresh(&door.rules.policy, &socket, handshake).await })
    }

    fn start(&self, incoming: Incoming<'_>) -> Started {
        self.door.rules.routes.start(&self.socket, incoming)
    }

    fn trace(&self, event: &str) -> Trace {
        Trace::begin(&self.socket, || self.door.rules.routes.known(event), &*self.services.entropy)
    }

    fn explain(&self, event: &str, failure: Failure, trace: &Trace) -> Explained {
        let id = trace.id(&*self.services.entropy);
        trace.run(|| self.door.rules.routes.explain(&self.socket, event, failure, id))
    }

    fn acknowledge(&self, id: u64, arguments: RawArguments) {
        self.socket.acknowledge(id, arguments);
    }

    fn end(mut self: Box<Self>, reason: DisconnectReason) -> Option<BoxFuture<'static, ()>> {
        self.is_recorded = false;
        self.leave(reason)
    }
}

/// Ends a socket that is dropped without [`AnySocket::end`]. Such a socket never reached its link,
/// because a later hook refused it or the client disconnected during admission.
impl<P: Send + Sync + 'static> Drop for Entered<P> {
    fn drop(&mut self) {
        let reason =
            if self.services.is_draining() { DisconnectReason::Shutdown } else { self.otherwise };
        if self.is_recorded {
            self.services.decided(Decision::Ended(reason), self.socket.subject(None));
        }
        if let Some(farewell) = self.leave(reason)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(farewell);
        }
    }
}
