//! A mounted namespace, and a socket in it, with the type of its principal forgotten.
//!
//! The sockets of one link may have different principals: the link sees only the two traits here.
//! Behind them everything is typed again.

use std::{any::Any, sync::Arc};

use doorward_core::{
    Action, BoxError, BoxFuture, Decision, DisconnectReason, Handshake, Refusal, RefusalReason,
    Seat, SessionId, SocketId, UserId,
};
use doorward_protocol::{RawArguments, Trust};
use tracing::Instrument as _;

use crate::{
    admission::{admit as admission, admit::Policy, renewal},
    event::{
        invocation::Invocation,
        pipeline::{Explained, Failure, Incoming, Routes},
        trace::{Trace, hook_span},
    },
    namespace::{gateway::Hooks, policy_table::NamespacePolicy},
    presence::{
        access::Lifetime,
        mailbox::LinkHandle,
        registry::SocketEntry,
        services::{Services, Subject},
    },
    room::{connection::Connection, hub::Hub},
    runtime::catch::Caught,
};

/// A namespace as a link sees it.
pub(crate) trait Namespace: Send + Sync {
    fn trust(&self) -> Trust;
    /// The [`Hub`] of its principal's type.
    fn hub(&self) -> Box<dyn Any>;
    fn describe(&self) -> NamespacePolicy;
    fn admit(self: Arc<Self>, entry: Entry) -> BoxFuture<'static, Result<Admitted, NotAdmitted>>;
    fn init(&self) -> BoxFuture<'_, Result<(), BoxError>>;
}

/// Who asks to come in.
pub(crate) struct Entry {
    pub(crate) handshake: Handshake,
    pub(crate) socket: SocketId,
    pub(crate) link: Arc<LinkHandle>,
    pub(crate) services: Arc<Services>,
}

/// Who is in.
pub(crate) struct Admitted {
    pub(crate) socket: Box<dyn Socket>,
    pub(crate) lifetime: Lifetime,
    /// How many events of it are handled at the same time.
    pub(crate) concurrency: usize,
    /// The decision is written down already.
    pub(crate) is_recorded: bool,
}

/// Why somebody is not.
pub(crate) enum NotAdmitted {
    Refused { refusal: Refusal, user: Option<UserId> },
    Undecided { reason: RefusalReason, cause: Option<BoxError> },
}

/// A socket as its link sees it.
pub(crate) trait Socket: Send + Sync {
    fn user(&self) -> &UserId;
    /// The session behind its credential.
    fn session(&self) -> Option<SessionId>;
    /// Whether it was let in with a credential, which can be refreshed.
    fn has_credential(&self) -> bool;
    /// Judges another credential and goes on with it, or changes nothing.
    fn refresh(&self, handshake: Handshake) -> BoxFuture<'static, Result<Lifetime, NotAdmitted>>;
    /// Starts an event.
    fn start(&self, incoming: Incoming<'_>) -> Result<Invocation, Failure>;
    /// Begins the trace of an event.
    fn trace(&self, event: &str) -> Trace;
    /// Says what the client reads of a failed event.
    fn explain(&self, event: &str, failure: Failure, trace: &Trace) -> Explained;
    /// Takes the client's answer to a question.
    fn acknowledge(&self, id: u64, arguments: RawArguments);
    /// Ends the socket at once and returns the hooks that want to be told, if any. The caller records the end.
    fn end(self: Box<Self>, reason: DisconnectReason) -> Option<BoxFuture<'static, ()>>;
}

/// A namespace whose principal is `P`.
pub(crate) struct Mounted<P> {
    pub(crate) hub: Hub<P>,
    pub(crate) routes: Routes<P>,
    pub(crate) hooks: Vec<Hooks<P>>,
    pub(crate) policy: Policy<P>,
    pub(crate) trust: Trust,
    pub(crate) concurrency: usize,
}

impl<P: Send + Sync + 'static> Namespace for Mounted<P> {
    fn trust(&self) -> Trust {
        self.trust
    }

    fn hub(&self) -> Box<dyn Any> {
        Box::new(self.hub.clone())
    }

    fn describe(&self) -> NamespacePolicy {
        NamespacePolicy::of(self)
    }

    fn admit(self: Arc<Self>, entry: Entry) -> BoxFuture<'static, Result<Admitted, NotAdmitted>> {
        Box::pin(admission::admit(self, entry))
    }

    fn init(&self) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async {
            for hook in self.hooks.iter().filter_map(|hooks| hooks.init.as_ref()) {
                hook(self.hub.clone()).await?;
            }
            Ok(())
        })
    }
}

/// Somebody who has come past every check. Whatever happens to it, the hooks that saw the client
/// enter see it leave, and its seat and its entry are given back.
pub(crate) struct Entered<P: Send + Sync + 'static> {
    pub(crate) namespace: Arc<Mounted<P>>,
    pub(crate) connection: Connection<P>,
    /// How many gateways have seen the client enter.
    pub(crate) greeted: usize,
    pub(crate) entry: Option<SocketEntry>,
    pub(crate) seat: Option<Box<dyn Seat>>,
    /// What the hooks are told when nobody ends the socket properly.
    pub(crate) otherwise: DisconnectReason,
    /// Its admission is recorded. When no link records its end, dropping it does.
    pub(crate) is_recorded: bool,
    pub(crate) services: Arc<Services>,
}

impl<P: Send + Sync + 'static> Entered<P> {
    /// Records the admission.
    pub(crate) fn record(&mut self) {
        let subject = self.connection.subject(Action::Connect);
        self.services.decided(Decision::Admitted, subject);
        self.is_recorded = true;
    }

    /// Gives everything back and returns the farewell; a second call does nothing.
    fn leave(&mut self, reason: DisconnectReason) -> Option<BoxFuture<'static, ()>> {
        self.connection.end();
        self.seat = None;
        if self.entry.take().is_some() {
            self.services.metrics.sockets.decrement(1.0);
        }
        let greeted = std::mem::take(&mut self.greeted);
        let hooks = self.namespace.hooks.get(..greeted)?;
        if hooks.iter().all(|hooks| hooks.disconnect.is_none()) {
            return None;
        }
        let namespace = Arc::clone(&self.namespace);
        let connection = self.connection.clone();
        let services = Arc::clone(&self.services);
        let under_way = services.farewells.subscribe();
        Some(Box::pin(async move {
            let hooks = namespace.hooks.iter().take(greeted);
            for hook in hooks.filter_map(|hooks| hooks.disconnect.as_ref()) {
                let span = hook_span(&connection, "on_disconnect");
                let farewell = async { hook(connection.clone(), reason).await }.instrument(span);
                let farewell = Caught::new(farewell);
                match services.within(services.limits.handler_timeout, farewell).await {
                    Some(Ok(())) => {}
                    Some(Err(_)) => {
                        tracing::error!(socket = %connection.id(), "A disconnect hook panicked.");
                    }
                    None => {
                        tracing::error!(socket = %connection.id(), "A disconnect hook hangs.");
                    }
                }
            }
            drop(under_way);
        }))
    }
}

impl<P: Send + Sync + 'static> Socket for Entered<P> {
    fn user(&self) -> &UserId {
        self.connection.user()
    }

    fn session(&self) -> Option<SessionId> {
        self.connection.session()
    }

    fn has_credential(&self) -> bool {
        self.namespace.trust == Trust::Known
    }

    fn refresh(&self, handshake: Handshake) -> BoxFuture<'static, Result<Lifetime, NotAdmitted>> {
        let (namespace, connection) = (Arc::clone(&self.namespace), self.connection.clone());
        Box::pin(async move { renewal::refresh(&namespace.policy, &connection, handshake).await })
    }

    fn start(&self, incoming: Incoming<'_>) -> Result<Invocation, Failure> {
        self.namespace.routes.start(&self.connection, incoming)
    }

    fn trace(&self, event: &str) -> Trace {
        self.namespace.routes.trace(&self.connection, event, &*self.services.entropy)
    }

    fn explain(&self, event: &str, failure: Failure, trace: &Trace) -> Explained {
        let id = trace.id(&*self.services.entropy);
        trace.run(|| self.namespace.routes.explain(&self.connection, event, failure, id))
    }

    fn acknowledge(&self, id: u64, arguments: RawArguments) {
        self.connection.acknowledge(id, arguments);
    }

    fn end(mut self: Box<Self>, reason: DisconnectReason) -> Option<BoxFuture<'static, ()>> {
        self.is_recorded = false;
        self.leave(reason)
    }
}

/// Covers what has no other end: a later gateway that refuses, a client that leaves half-way.
impl<P: Send + Sync + 'static> Drop for Entered<P> {
    fn drop(&mut self) {
        let reason =
            if self.services.is_draining() { DisconnectReason::Shutdown } else { self.otherwise };
        if self.is_recorded {
            let subject = self.connection.subject(Action::Connect);
            let ended = Subject { action: None, ..subject };
            self.services.decided(Decision::Ended(reason), ended);
        }
        if let Some(farewell) = self.leave(reason)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(farewell);
        }
    }
}
