//! Names that this node owns. One node of a cluster owns a name at a time, and extends its ownership while the
//! program holds it.
//!
//! Start reading at [`Ownerships::own`].

mod held;
mod keeping;

use std::{
    fmt,
    sync::{Arc, Weak, atomic::Ordering},
};

use doorward_core::{
    Incarnation, NodeId, StoreError,
    cluster::{Cluster, Owned},
};

use self::{
    held::{Held, InUse, Names},
    keeping::{ANSWERED_WITHIN, Keeping, end_of},
};
use crate::{
    presence::{services::Services, standing::Until},
    runtime::outage_log::NoAnswer,
};

/// Node that owns a name, as [`Hub::own`](crate::Hub::own) finds it.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward::{cluster::Owner, prelude::*};
///
/// async fn run_lottery(hub: &Hub<Claims>) -> Result<(), BoxError> {
///     match hub.own("lottery").await? {
///         Owner::Here(ownership) => {
///             while ownership.is_current() {
///                 hub.emit("drawn", 42)?;
///                 tokio::time::sleep(Duration::from_secs(60)).await;
///             }
///         }
///         Owner::Node(node) => tracing::info!(%node, "Another node draws."),
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub enum Owner {
    /// This node.
    Here(Ownership),
    /// Another node, with its name.
    Node(NodeId),
}

/// Ownership of a name by this node.
///
/// The server extends the ownership while a clone of this value exists, and gives the name back after the last one
/// was dropped. See [`Hub::own`](crate::Hub::own).
#[derive(Clone)]
pub struct Ownership {
    services: Weak<Services>,
    used: InUse,
}

impl Ownership {
    fn new(services: &Arc<Services>, used: InUse) -> Self {
        Self { services: Arc::downgrade(services), used }
    }

    /// Returns the number of the ownership. A later ownership of the same name has a greater one. The number is 0
    /// if the server is the only node.
    ///
    /// A process that was stopped and continued may act for a moment after another node has become the owner. A
    /// store that compares the number with the greatest one that it has seen can refuse such writes.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.used.held.number.load(Ordering::Acquire)
    }

    /// Returns `true` if this node owns the name now, by its own clocks. Once it is `false`, it stays so. Call it
    /// before each step that only the owner may take.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.services.upgrade().is_some_and(|services| self.used.held.is_current(&services))
    }

    /// Waits until this node does not own the name any more: it was cut off from the cluster, it shuts down, or
    /// the process was stopped for too long. The last one is noticed when the process continues.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn ended(&self) {
        self.used.held.ended().await;
    }
}

impl fmt::Debug for Ownership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ownership").field("number", &self.number()).finish_non_exhaustive()
    }
}

/// Names that this node owns in the namespaces of one gateway.
pub(crate) struct Ownerships {
    names: Arc<Names>,
}

impl Ownerships {
    pub(crate) fn new() -> Self {
        Self { names: Arc::new(Names::new()) }
    }

    /// Makes this node the owner of a name, unless another node owns it. `key` is the name in the cluster.
    pub(crate) async fn own(
        &self,
        services: &Arc<Services>,
        key: &Arc<str>,
    ) -> Result<Owner, StoreError> {
        while let Some(held) = self.names.get(key) {
            if held.is_returning() {
                // An answer to the return must not end the next ownership.
                held.ended().await;
            } else if let Some(used) = self.names.share(services, &held) {
                return Ok(Owner::Here(Ownership::new(services, used)));
            } else {
                break;
            }
        }
        if services.is_draining() {
            return Err(unavailable("the server shuts down"));
        }
        if !self.names.has_room(key) {
            return Err(StoreError::Full);
        }
        let Some(cluster) = services.cluster.clone() else {
            let held = Held::new(None, 0, Until::now(&*services.clock));
            return Ok(Owner::Here(self.begin(services, key, None, held)));
        };
        let no_member = || unavailable("this node is not a member of its cluster");
        let member = services.standing.incarnation().ok_or_else(no_member)?;
        let sent = Until::now(&*services.clock);
        let answer = services.within(ANSWERED_WITHIN, cluster.own(member, key)).await;
        let answer = answer.unwrap_or_else(|| Err(StoreError::Unavailable(Box::new(NoAnswer))));
        let Owned { owner, number } = answer?.ok_or_else(no_member)?;
        if owner.incarnation != member {
            if owner.node == services.node {
                // A question to the node of this name would come back here.
                return Err(unavailable("another run of a node with this name owns it"));
            }
            return Ok(Owner::Node(owner.node));
        }
        let held = Held::new(Some(member), number, end_of(sent));
        Ok(Owner::Here(self.begin(services, key, Some((cluster, member)), held)))
    }

    fn begin(
        &self,
        services: &Arc<Services>,
        key: &Arc<str>,
        membership: Option<(Arc<dyn Cluster>, Incarnation)>,
        held: Held,
    ) -> Ownership {
        let used = self.names.add(services, key, held);
        if let Ok(InUse { held, .. }) = &used {
            let (key, held) = (Arc::clone(key), Arc::clone(held));
            let keeping = Keeping { key, held, names: Arc::clone(&self.names) };
            tokio::spawn(keeping.run(Arc::downgrade(services), membership));
        }
        let (Ok(used) | Err(used)) = used;
        Ownership::new(services, used)
    }
}

fn unavailable(cause: &str) -> StoreError {
    StoreError::Unavailable(cause.into())
}
