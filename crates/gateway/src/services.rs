//! What every part of a running server shares.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use doorward_core::{Audit, AuditRecord, Clock, DecisionId, Entropy, Outcome, SocketId, UserId};
use doorward_protocol::LinkConfig;

use crate::{addresses::Addresses, limits::Limits, registry::Registry, timers::Timers};

/// Clock, randomness, limits, lists and audit.
pub(crate) struct Services {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) limits: Limits,
    pub(crate) link_config: Arc<LinkConfig>,
    pub(crate) timers: Arc<Timers>,
    pub(crate) addresses: Arc<Addresses>,
    pub(crate) registry: Arc<Registry>,
    audit: Arc<dyn Audit>,
    draining: AtomicBool,
}

/// What a decision was about, as far as it is known.
#[derive(Clone, Copy, Default)]
pub(crate) struct Subject<'a> {
    pub(crate) namespace: Option<&'a str>,
    pub(crate) user: Option<&'a UserId>,
    pub(crate) socket: Option<SocketId>,
    pub(crate) peer: Option<IpAddr>,
}

impl Services {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        limits: Limits,
        audit: Arc<dyn Audit>,
    ) -> Self {
        Self {
            timers: Timers::new(Arc::clone(&clock)),
            addresses: Addresses::new(limits.max_unauthenticated_links),
            registry: Arc::default(),
            link_config: Arc::new(limits.link()),
            draining: AtomicBool::new(false),
            clock,
            entropy,
            limits,
            audit,
        }
    }

    /// Writes the audit record of a decision and returns its id.
    pub(crate) fn decided(&self, outcome: Outcome, subject: Subject<'_>) -> DecisionId {
        let id = DecisionId::generate(&*self.entropy);
        self.audit.record(&AuditRecord {
            id,
            at: self.clock.wall(),
            outcome,
            namespace: subject.namespace,
            user: subject.user,
            socket: subject.socket,
            peer: subject.peer,
        });
        id
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }
}
