//! Namespaces and sockets as a link sees them: the types of their principals are forgotten here.
//!
//! The sockets of one link may have different principals. The link knows the two traits
//! [`Namespace`] and [`Socket`]; above it everything is typed again.

use std::{any::Any, borrow::Cow, collections::HashMap, sync::Arc};

use doorward_core::{
    BoxError, BoxFuture, DisconnectReason, Handshake, Refusal, RefusalReason, SessionId, SocketId,
    UserId,
};
use doorward_protocol::{RawArguments, Trust};

use crate::{
    event::{
        failure::{Explained, Failure},
        incoming::Incoming,
        invocation::Invocation,
        trace::Trace,
    },
    presence::{access::Lifetime, mailbox::LinkHandle, services::Services},
};

/// A namespace as a link sees it.
pub(crate) trait Namespace: Send + Sync {
    fn trust(&self) -> Trust;
    /// The [`Hub`] of its principal's type.
    fn hub(&self) -> Box<dyn Any>;
    /// The name of its principal's type.
    fn principal(&self) -> Cow<'static, str>;
    fn admit(
        self: Arc<Self>,
        candidate: Candidate,
    ) -> BoxFuture<'static, Result<Admitted, NotAdmitted>>;
    fn init(&self) -> BoxFuture<'_, Result<(), BoxError>>;
}

/// Who asks to come in.
pub(crate) struct Candidate {
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
    /// Ends the socket at once and returns the hooks that want to be told, if any. The caller
    /// records the end.
    fn end(self: Box<Self>, reason: DisconnectReason) -> Option<BoxFuture<'static, ()>>;
}

/// The namespaces of a server, by name.
pub(crate) type Namespaces = HashMap<Arc<str>, Arc<dyn Namespace>>;
