//! Traits of namespaces and sockets without the types of their principals.
//!
//! The sockets of one link may have principals of different types, so a link uses only the traits
//! [`Namespace`] and [`AnySocket`]. The code that implements them knows the types again.

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
        invocation::Started,
        trace::Trace,
    },
    presence::{
        expiry::Lifetime,
        mailbox::LinkHandle,
        services::{Services, Subject},
        standing::Term,
    },
    relaying::LocalNamespaces,
    room::hub::serving::RemoteHub,
};

/// A namespace without the type of its principal.
pub(crate) trait Namespace: Send + Sync {
    fn trust(&self) -> Trust;
    /// Returns the `Hub<P>` of the namespace, where `P` is the type of its principal.
    fn hub(&self) -> Box<dyn Any>;
    /// Returns the hub for messages of other nodes.
    fn remote(&self) -> Box<dyn RemoteHub>;
    /// Returns the name of the principal's type.
    fn principal(&self) -> Cow<'static, str>;
    fn admit(self: Arc<Self>, candidate: Candidate) -> BoxFuture<'static, AdmitResult>;
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
    /// Maximum number of events of the socket that are handled concurrently.
    pub(crate) concurrency: usize,
    /// `true` if the audit already has a record of the admission.
    pub(crate) is_recorded: bool,
    /// Term of this node in its cluster in which the client was admitted. `None` in a public
    /// namespace, whose clients stay when the node loses its lease.
    pub(crate) term: Option<Term>,
}

/// Outcome of an admission.
pub(crate) type AdmitResult = Result<Admitted, NotAdmitted>;

/// Reason why a client was not admitted.
pub(crate) enum NotAdmitted {
    /// The client was refused. `user` is the authenticated user, if the client was refused after
    /// its authentication.
    Refused { refusal: Refusal, user: Option<UserId> },
    /// The admission could not be decided, so the client may try again. `cause` is the error that
    /// is logged, if there is one.
    Undecided { reason: RefusalReason, cause: Option<BoxError> },
}

impl NotAdmitted {
    /// Creates the outcome of an admission that could not be decided because a service did not
    /// answer.
    pub(crate) fn unavailable(cause: Option<BoxError>) -> Self {
        Self::Undecided { reason: RefusalReason::Unavailable, cause }
    }
}

/// A socket without the type of its principal.
pub(crate) trait AnySocket: Send + Sync {
    /// Returns the subject of a decision about the socket, for the audit record.
    fn subject<'a>(&'a self, action: Option<Action<'a>>) -> Subject<'a>;
    /// Returns `true` if the client was admitted with a credential, which it may refresh.
    fn has_credential(&self) -> bool;
    /// Checks a new credential of the client. If the credential is accepted, the socket continues
    /// with it, and its new lifetime is returned. Otherwise nothing changes.
    fn refresh(&self, handshake: Handshake) -> BoxFuture<'static, Result<Lifetime, NotAdmitted>>;
    /// Starts to handle an event.
    fn start(&self, incoming: Incoming<'_>) -> Started;
    /// Creates the tracing span of an event.
    fn trace(&self, event: &str) -> Trace;
    /// Returns the answer to a failed event, for the client.
    fn explain(&self, event: &str, failure: Failure, trace: &Trace) -> Explained;
    /// Passes an ack of the client to the caller that waits for it.
    fn acknowledge(&self, id: u64, arguments: RawArguments);
    /// Ends the socket at once. Returns the future of its disconnect hooks, or `None` if it has no
    /// such hooks. The caller runs this future, and records the end in the audit.
    fn end(self: Box<Self>, reason: DisconnectReason) -> Option<BoxFuture<'static, ()>>;
}

/// The namespaces of a pattern, without the type of their principal.
pub(crate) trait Family: Send + Sync {
    /// Returns the pattern.
    fn pattern(&self) -> &Arc<str>;
    /// Returns `true` if the pattern matches the name of a namespace.
    fn has(&self, name: &str) -> bool;
    /// Returns the namespace of this name, if the pattern matches the name. Opens it if it does not
    /// exist.
    fn find(&self, name: &str) -> Option<Found>;
    /// Returns the hub of a namespace that exists.
    fn existing(&self, name: &str) -> Option<Box<dyn RemoteHub>>;
}

/// A namespace and its name.
pub(crate) struct Found {
    pub(crate) name: Arc<str>,
    pub(crate) namespace: Arc<dyn Namespace>,
}

/// The namespaces of a server.
#[derive(Default)]
pub(crate) struct Namespaces {
    named: HashMap<Arc<str>, Arc<dyn Namespace>>,
    families: Vec<Box<dyn Family>>,
}

impl Namespaces {
    pub(crate) fn add(&mut self, name: Arc<str>, namespace: Arc<dyn Namespace>) {
        self.named.insert(name, namespace);
    }

    pub(crate) fn add_family(&mut self, family: Box<dyn Family>) {
        self.families.push(family);
    }

    /// Returns the namespace of this name. A name that several patterns match belongs to none of
    /// them, because they may have different rules.
    pub(crate) fn find(&self, name: &str) -> Option<Found> {
        if let Some((name, namespace)) = self.named.get_key_value(name) {
            return Some(Found { name: Arc::clone(name), namespace: Arc::clone(namespace) });
        }
        let mut matching = self.families.iter().filter(|family| family.has(name));
        let family = matching.next()?;
        if matching.next().is_some() { None } else { family.find(name) }
    }

    /// Returns the name of a namespace as it is recorded for a client that is not authenticated: a
    /// pattern in place of a name that the client has chosen. Returns `None` if there is no such
    /// namespace.
    pub(crate) fn known(&self, name: &str) -> Option<&str> {
        let named = self.named.get_key_value(name).map(|(name, _)| &**name);
        let family = || self.families.iter().find(|family| family.has(name));
        named.or_else(|| family().map(|family| &**family.pattern()))
    }

    /// Returns all namespaces that have a name of their own.
    pub(crate) fn named(&self) -> impl Iterator<Item = &Arc<dyn Namespace>> {
        self.named.values()
    }

    /// Returns the names and the patterns of all namespaces.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.named.keys().chain(self.families.iter().map(|family| family.pattern()))
    }
}

impl LocalNamespaces for Namespaces {
    fn existing(&self, name: &str) -> Option<Box<dyn RemoteHub>> {
        match self.named.get(name) {
            Some(namespace) => Some(namespace.remote()),
            None => self.families.iter().find_map(|family| family.existing(name)),
        }
    }

    fn named(&self) -> Vec<Arc<str>> {
        self.named.keys().cloned().collect()
    }
}
