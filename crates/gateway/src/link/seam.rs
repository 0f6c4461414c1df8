//! Namespaces and sockets as a link sees them, with the types of their principals erased.
//!
//! The sockets of one link may have different principals. The link knows only the traits
//! [`Namespace`] and [`Socket`]. The code above it is typed again.

use std::{any::Any, borrow::Cow, collections::HashMap, sync::Arc};

use doorward_core::{
    Action, BoxError, BoxFuture, DisconnectReason, Handshake, Refusal, RefusalReason, SocketId,
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
    presence::{
        expiry::Lifetime,
        mailbox::LinkHandle,
        services::{Services, Subject},
    },
};

/// A namespace as a link sees it.
pub(crate) trait Namespace: Send + Sync {
    fn trust(&self) -> Trust;
    /// Returns the `Hub` for the type of its principal.
    fn hub(&self) -> Box<dyn Any>;
    /// The name of its principal's type.
    fn principal(&self) -> Cow<'static, str>;
    fn admit(
        self: Arc<Self>,
        candidate: Candidate,
    ) -> BoxFuture<'static, Result<Admitted, NotAdmitted>>;
    fn init(&self) -> BoxFuture<'_, Result<(), BoxError>>;
}

/// A client that asks to be admitted.
pub(crate) struct Candidate {
    pub(crate) handshake: Handshake,
    pub(crate) socket: SocketId,
    pub(crate) link: Arc<LinkHandle>,
    pub(crate) services: Arc<Services>,
}

/// A client that was admitted.
pub(crate) struct Admitted {
    pub(crate) socket: Box<dyn AnySocket>,
    pub(crate) lifetime: Lifetime,
    /// Maximum number of its events that are handled concurrently.
    pub(crate) concurrency: usize,
    /// `true` if its admission is already recorded.
    pub(crate) is_recorded: bool,
}

/// Reason why a client was not admitted.
pub(crate) enum NotAdmitted {
    Refused { refusal: Refusal, user: Option<UserId> },
    Undecided { reason: RefusalReason, cause: Option<BoxError> },
}

impl NotAdmitted {
    /// Nothing was decided, because a dependency did not answer.
    pub(crate) fn unavailable(cause: Option<BoxError>) -> Self {
        Self::Undecided { reason: RefusalReason::Unavailable, cause }
    }
}

/// A socket as its link sees it.
pub(crate) trait AnySocket: Send + Sync {
    /// Returns the subject of a decision about it, for the audit record.
    fn subject<'a>(&'a self, action: Option<Action<'a>>) -> Subject<'a>;
    /// Returns `true` if it was admitted with a credential, which can be refreshed.
    fn has_credential(&self) -> bool;
    /// Checks another credential. If it is accepted, the socket continues with it; otherwise
    /// nothing changes.
    fn refresh(&self, handshake: Handshake) -> BoxFuture<'static, Result<Lifetime, NotAdmitted>>;
    /// Starts an event.
    fn start(&self, incoming: Incoming<'_>) -> Result<Invocation, Failure>;
    /// Begins the trace of an event.
    fn trace(&self, event: &str) -> Trace;
    /// Returns what the client reads about a failed event.
    fn explain(&self, event: &str, failure: Failure, trace: &Trace) -> Explained;
    /// Passes on an ack of the client.
    fn acknowledge(&self, id: u64, arguments: RawArguments);
    /// Ends the socket at once, and returns its disconnect hooks as a future, if it has any. The
    /// caller records the end.
    fn end(self: Box<Self>, reason: DisconnectReason) -> Option<BoxFuture<'static, ()>>;
}

/// The namespaces of a server, by name.
pub(crate) type Namespaces = HashMap<Arc<str>, Arc<dyn Namespace>>;
