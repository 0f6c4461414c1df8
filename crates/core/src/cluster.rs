//! Cluster: nodes that share their users, sessions and limits.
//!
//! Nodes give each other *orders*, such as to end the sockets of a user. An order is appended to a
//! log that all nodes read, so no node can miss it. A node is a *member* of the cluster while it
//! holds a lease. The cluster extends the lease of a member only as far as the member has read the
//! log: a lease ends at most [`LEASE`] after the oldest order that its member has not read. A
//! member whose lease is about to end stops serving clients by its own clock. An order is therefore
//! settled on every node after [`SETTLED_AFTER`], even on a node that cannot be reached.
//!
//! Start reading at [`Cluster`].

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    Incarnation, LinkNumber, NodeId, RevocationState, RevocationStore, SeatStore, SessionId,
    SocketId, StoreFuture, TokenId, UserId, bus::Bus,
};

/// Duration of the lease of a member.
pub const LEASE: Duration = Duration::from_secs(25);

/// Time by which a member stops serving clients before its lease ends, and time after the end of a
/// lease from which other nodes treat its member as gone. It covers the differences between clocks
/// and the time that the last answers of a member take.
pub const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// Time after which an order is settled on every node: each node has carried it out, or has stopped
/// serving clients.
pub const SETTLED_AFTER: Duration = LEASE.saturating_add(LEASE_MARGIN);

/// Time for which a member owns a name, unless it extends that. See [`Cluster::own`].
pub const OWNED: Duration = Duration::from_secs(10);

/// One run of a node, from joining the cluster until leaving it. A node that joins again is another
/// member with the same name.
///
/// # Examples
/// ```
/// # use doorward_core::{Entropy, Incarnation, NodeId};
/// # struct Fixed;
/// # impl Entropy for Fixed { fn fill(&self, bytes: &mut [u8]) { bytes.fill(0) } }
/// use doorward_core::cluster::Member;
///
/// let member = Member { node: NodeId::new("eu-1"), incarnation: Incarnation::generate(&Fixed) };
/// assert_eq!(member.to_string(), "eu-1/AAAAAAAAAAAAAAAA");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member {
    /// Name of the node.
    pub node: NodeId,
    /// Random id of this run of the node.
    pub incarnation: Incarnation,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.node, self.incarnation)
    }
}

/// Number of an order in the log. The first order has the number 1, and no number is left out.
///
/// # Examples
/// ```
/// use doorward_core::cluster::Position;
///
/// assert!(Position(7) > Position::START);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position(pub u64);

impl Position {
    /// Position before the first order.
    pub const START: Self = Self(0);

    /// Returns the position of the next order.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Order that all nodes carry out.
///
/// # Examples
/// ```
/// use doorward_core::{UserId, cluster::Order};
///
/// assert_eq!(Order::User(UserId::new("alice")).kind(), "user");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// End the sockets of a user who was revoked, unless their credential is younger.
    User(UserId),
    /// End the sockets of a session that was revoked.
    Session(SessionId),
    /// End the sockets of a token that was revoked.
    Token(TokenId),
    /// Check that the client of a link is alive, on the node with this incarnation. The link ends if it
    /// is not.
    Probe {
        /// Incarnation of the node that the link is connected to.
        incarnation: Incarnation,
        /// Number of the link on that node.
        link: LinkNumber,
    },
    /// End one socket.
    Socket(SocketId),
    /// End a socket that has lost its seat to another one.
    Replaced(SocketId),
    /// Load the principal of a user again, because the rights of the user have changed.
    Rights(UserId),
}

impl Order {
    /// Returns the name of the kind of the order, for logs and metrics.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Probe { .. } => "probe",
            Self::User(_) => "user",
            Self::Session(_) => "session",
            Self::Token(_) => "token",
            Self::Socket(_) => "socket",
            Self::Replaced(_) => "replaced",
            Self::Rights(_) => "rights",
        }
    }
}

/// Order as it stands in the log.
///
/// # Examples
/// ```
/// use doorward_core::{RevocationState, UserId, cluster::{LogEntry, Order, Position}};
///
/// let order = Order::User(UserId::new("alice"));
/// let state = RevocationState { generation: 7, ..RevocationState::default() };
/// let entry = LogEntry { position: Position(1), order, state };
/// assert_eq!(entry.state.generation, 7);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Number of the order.
    pub position: Position,
    /// Order to carry out.
    pub order: Order,
    /// Revocation state that the order has made. A socket whose credential holds against it stays,
    /// because its client has signed in after the revocation.
    pub state: RevocationState,
}

/// Result of an order on one node.
///
/// # Examples
/// ```
/// use doorward_core::cluster::Outcome;
///
/// assert!(!Outcome { ended: 2, stuck: 1, ..Outcome::default() }.is_complete());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Number of sockets that have ended. For a probe, 1 if the link has ended.
    pub ended: u64,
    /// Number of sockets without a result yet, such as those whose handler blocks its thread. Sockets
    /// that must end start no event and receive no packet.
    pub stuck: u64,
    /// Number of sockets that continue with new rights. For a probe, 1 if the client is alive.
    pub kept: u64,
    /// Number of sockets whose new rights could not be loaded.
    pub undecided: u64,
}

impl Outcome {
    /// Returns `true` if every socket has a result.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.stuck == 0
    }
}

/// Proof that an order is in the log, and the members that have to carry it out.
///
/// # Examples
/// ```
/// use doorward_core::cluster::{Position, Receipt};
///
/// let (log, unknown_for) = ("7d1f".into(), std::time::Duration::ZERO);
/// let receipt = Receipt { position: Position(1), log, members: Vec::new(), unknown_for };
/// assert_eq!(receipt.position, Position(1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Number of the order.
    pub position: Position,
    /// Identity of the log. It changes when the log may have lost orders.
    pub log: Arc<str>,
    /// Members of the cluster at the time of the order. A node that joins later reads the stored
    /// revocation when it admits a client.
    pub members: Vec<Member>,
    /// Time for which nodes that are not listed may still serve clients, because the cluster has lost
    /// its members. It is zero otherwise.
    pub unknown_for: Duration,
}

/// State of an order on one member.
///
/// # Examples
/// ```
/// use doorward_core::cluster::{Answer, Outcome};
///
/// assert_ne!(Answer::Done(Outcome::default()), Answer::Waiting);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has carried the order out, with this result.
    Done(Outcome),
    /// Its lease has ended, or it has left the cluster. It serves no clients.
    Lapsed,
    /// It has not answered yet.
    Waiting,
}

/// Result of joining a cluster.
///
/// # Examples
/// ```
/// use doorward_core::cluster::{Joined, Position};
///
/// let joined = Joined { log: "7d1f".into(), position: Position::START, members: Vec::new() };
/// assert!(joined.members.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Identity of the log.
    pub log: Arc<str>,
    /// Position of the last order in the log. The member carries out the orders after it.
    pub position: Position,
    /// Members of the cluster, with the new one.
    pub members: Vec<Member>,
}

/// Result of extending the lease of a member.
///
/// # Examples
/// ```
/// use doorward_core::cluster::{LEASE, Renewed};
///
/// let renewed = Renewed { lease: LEASE, members: Vec::new() };
/// assert_eq!(renewed.lease.as_secs(), 25);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// Time until the lease ends, counted from before the request was sent.
    pub lease: Duration,
    /// Members of the cluster.
    pub members: Vec<Member>,
}

/// Ownership of a name. One member of a cluster owns a name at a time.
///
/// # Examples
/// ```
/// # use doorward_core::{Entropy, Incarnation, NodeId};
/// # struct Fixed;
/// # impl Entropy for Fixed { fn fill(&self, bytes: &mut [u8]) { bytes.fill(0) } }
/// use doorward_core::cluster::{Member, Owned};
///
/// let owner = Member { node: NodeId::new("eu-1"), incarnation: Incarnation::generate(&Fixed) };
/// let (first, next) = (Owned { owner: owner.clone(), number: 1 }, Owned { owner, number: 2 });
/// assert!(next.number > first.number);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// Member that owns the name.
    pub owner: Member,
    /// Number of the ownership. A later one has a greater number. A store that the owner writes to
    /// can refuse writes with a smaller number than it has seen.
    pub number: u64,
}

/// Connection of one node to its cluster: the log of orders, the membership, and the stores that
/// all nodes share.
///
/// An order and the revocation that it makes known are written in one step. All writes of the
/// [store of revocations](Cluster::revocations) append an order too.
///
/// The server runs one task that joins the cluster, carries out orders and extends the lease. When
/// the lease is about to end, the server ends its authenticated sockets and joins again with
/// another [`Incarnation`].
///
/// Every implementation passes the same conformance tests (`doorward_testkit::conformance`).
///
/// # Errors
/// All methods fail with [`StoreError::Unavailable`](crate::StoreError::Unavailable) when the
/// cluster does not answer. After a failed write, the caller cannot know if the change has happened.
///
/// # Cancel safety
/// If a future is dropped, its change is made completely or not at all.
///
/// # Examples
/// ```
/// use std::time::SystemTime;
/// use doorward_core::{StoreError, UserId, cluster::{Cluster, Order, Receipt}};
///
/// async fn reload_rights(cluster: &dyn Cluster, user: UserId) -> Result<Receipt, StoreError> {
///     cluster.order(&Order::Rights(user), SystemTime::UNIX_EPOCH).await
/// }
/// ```
pub trait Cluster: Send + Sync + 'static {
    /// Returns the name of this node.
    fn node(&self) -> &NodeId;

    /// Returns the store of revocations that all nodes share.
    fn revocations(&self) -> Arc<dyn RevocationStore>;

    /// Returns the seats of the users on all nodes.
    fn seats(&self) -> Arc<dyn SeatStore>;

    /// Returns the bus for messages between the nodes. The server is its only user.
    fn bus(&self) -> Arc<dyn Bus>;

    /// Makes this node a member, with a lease of [`LEASE`] from before the request was sent. A seat that an earlier incarnation of this process holds is free
    /// afterwards.
    fn join(&self, incarnation: Incarnation) -> StoreFuture<'_, Joined>;

    /// Extends the lease of this node, which has read the log up to `read`. Yields `None` if the
    /// node is no longer a member. It must then end its authenticated sockets and join again.
    ///
    /// The lease ends [`LEASE`] after now, or [`LEASE`] after the oldest order after `read` was
    /// written, if that is earlier.
    fn renew(&self, incarnation: Incarnation, read: Position) -> StoreFuture<'_, Option<Renewed>>;

    /// Returns the orders after `after`, in the order of the log. If there is none, waits for one for
    /// about 2 s, and then returns an empty list.
    ///
    /// If the first order is not `after.next()`, the log has lost orders. The node must then end its
    /// authenticated sockets and join again.
    fn orders(&self, after: Position) -> StoreFuture<'_, Vec<LogEntry>>;

    /// Reports that this node has read the log up to `read`, with the results of orders on it. An
    /// order without a result has ended no socket.
    fn confirm<'a>(
        &'a self,
        incarnation: Incarnation,
        read: Position,
        outcomes: &'a [(Position, Outcome)],
    ) -> StoreFuture<'a, ()>;

    /// Stores the revocation of an order, if it has one, and appends the order to the log. `at` is
    /// the time of the revocation.
    fn order<'a>(&'a self, order: &'a Order, at: SystemTime) -> StoreFuture<'a, Receipt>;

    /// Returns what each member of a receipt has done about its order.
    fn answers<'a>(&'a self, receipt: &'a Receipt) -> StoreFuture<'a, Vec<(Member, Answer)>>;

    /// Makes this node the owner of a name for [`OWNED`], unless another member owns it. Yields the
    /// owner. Yields `None` if the node is no member, or if the cluster has lost its data and an
    /// earlier owner may not have noticed.
    ///
    /// The cluster counts the time from the request. The caller counts it from before it has sent
    /// the request. If the member already owns the name, it gets a new number, and the ownership
    /// with the earlier number ends.
    ///
    /// A name is free when its time is over, when it was [disowned](Cluster::disown), and when its
    /// owner is not a member any more.
    fn own<'a>(&'a self, incarnation: Incarnation, name: &'a str)
    -> StoreFuture<'a, Option<Owned>>;

    /// Extends the ownership of a name to [`OWNED`] from now. Yields the ownership with its number,
    /// or `None` if this member does not own the name.
    fn keep<'a>(
        &'a self,
        incarnation: Incarnation,
        name: &'a str,
    ) -> StoreFuture<'a, Option<Owned>>;

    /// Ends the ownership of this number. Does nothing if it has ended.
    fn disown<'a>(
        &'a self,
        incarnation: Incarnation,
        name: &'a str,
        number: u64,
    ) -> StoreFuture<'a, ()>;

    /// Ends the membership of this node, which serves no clients any more.
    fn leave(&self, incarnation: Incarnation) -> StoreFuture<'_, ()>;
}
