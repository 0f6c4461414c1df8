//! State of a cluster: Redis, the nodes, and what a caller of `revoke` knows.

/// State of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cluster {
    /// Ticks since the beginning.
    pub time: u8,
    /// Data in Redis.
    pub redis: Redis,
    /// Earlier state of Redis, which it has again after it has lost the tail of its data.
    pub replica: Redis,
    /// The server processes.
    pub nodes: Vec<Node>,
    /// The revocation of the user, once it was ordered.
    pub revocation: Option<Revocation>,
    /// Number of sockets so far, which numbers them.
    pub sockets: u8,
    /// Number of faults so far.
    pub faults: u8,
}

/// Data in Redis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Redis {
    /// Changes when Redis may have lost writes.
    pub era: u8,
    /// Generation of the user's credentials.
    pub generation: u8,
    /// The log of orders. The position of an order is its place plus one.
    pub orders: Vec<Entry>,
    /// Members of the cluster.
    pub members: Vec<Lease>,
    /// Rows of the seats of the user.
    pub seats: Vec<Seat>,
    /// Time before which no seat is given away.
    pub seats_from: u8,
}

/// Order in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Time at which it was written.
    pub at: u8,
    /// Task of the order.
    pub order: Order,
}

/// Task of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// End the sockets whose credential is older than this generation.
    User {
        /// Generation after the revocation.
        generation: u8,
    },
    /// End a socket that has lost its seat.
    Replaced {
        /// Number of the socket.
        socket: u8,
    },
}

/// Lease of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// Node of the member.
    pub node: usize,
    /// Number of its membership.
    pub incarnation: u8,
    /// End of the lease.
    pub until: u8,
    /// Position up to which it has read the log.
    pub read: u8,
}

/// Row of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seat {
    /// Node of the socket.
    pub node: usize,
    /// Membership of the node.
    pub incarnation: u8,
    /// Number of the socket.
    pub socket: u8,
    /// Standing of the socket.
    pub standing: Standing,
}

/// Standing of a socket in the table of seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The socket is being admitted.
    Reserved,
    /// The socket has the seat.
    Taken,
    /// The socket was replaced and has not closed yet.
    Lost,
}

/// One server process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Node {
    /// Number of its membership, and of the term of its links. 0 before it has joined.
    pub incarnation: u8,
    /// Era in which it has joined.
    pub era: u8,
    /// Time at which it stops serving.
    pub until: u8,
    /// Position of the last order that it has carried out.
    pub read: u8,
    /// Time at which a request for its lease was sent, whose answer it waits for.
    pub renewing: Option<Renewing>,
    /// Its admitted sockets.
    pub sockets: Vec<Socket>,
    /// The admission that it has under way.
    pub admission: Option<Admission>,
    /// Rows that it has to release.
    pub owed: Vec<u8>,
    /// `true` while it does not reach Redis.
    pub is_cut: bool,
    /// `true` while the process is stopped.
    pub is_stopped: bool,
    /// Number of times that it has joined.
    pub joins: u8,
}

/// Request for an extension of the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Renewing {
    /// Time at which it was sent.
    pub sent: u8,
    /// Answer of Redis: the time that is left, or `None` for a node that is not a member. Not there before the
    /// request has arrived.
    pub answer: Option<Option<u8>>,
}

/// Socket that was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Socket {
    /// Number of the socket.
    pub number: u8,
    /// Generation of its credential.
    pub generation: u8,
    /// Incarnation of the node at its admission.
    pub term: u8,
}

/// Admission that is not decided yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Admission {
    /// The socket, if it is admitted.
    pub socket: Socket,
    /// Last step that is done.
    pub stage: Stage,
    /// Sockets that must close first: they were replaced, by this one or by an earlier one.
    pub waits_for: Vec<u8>,
}

/// Last step of an admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The credential was compared with the revocations.
    Vetted,
    /// A seat is reserved, and the socket is registered.
    Registered,
    /// The revocations were read again.
    ReadAgain,
    /// The seat is taken. The socket waits until replaced ones have closed.
    Committed,
}

/// Revocation, as its caller knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revocation {
    /// Time of the order.
    pub at: u8,
    /// Generation after it. Credentials of earlier ones are revoked.
    pub generation: u8,
    /// Era of the log.
    pub era: u8,
    /// Position in the log.
    pub position: u8,
    /// Members at the time of the order.
    pub members: Vec<(usize, u8)>,
}

impl Redis {
    /// Returns the position of the last order.
    #[must_use]
    pub fn last(&self) -> u8 {
        u8::try_from(self.orders.len()).unwrap_or(u8::MAX)
    }

    /// Returns `true` if the lease of a member and its margin have not ended.
    #[must_use]
    pub fn is_member(&self, node: usize, incarnation: u8, time: u8) -> bool {
        let own = self.members.iter().find(|it| (it.node, it.incarnation) == (node, incarnation));
        own.is_some_and(|lease| lease.until + crate::checked::MARGIN > time)
    }
}

impl Node {
    /// Returns `true` if its links start events and deliver packets.
    #[must_use]
    pub fn serves(&self, time: u8) -> bool {
        !self.is_stopped && time < self.until
    }

    /// Returns the sockets to which something may be delivered now.
    pub fn served(&self, time: u8) -> impl Iterator<Item = &Socket> {
        let serves = self.serves(time);
        self.sockets.iter().filter(move |socket| serves && socket.term == self.incarnation)
    }

    /// Returns `true` if it reaches Redis.
    #[must_use]
    pub fn reaches(&self) -> bool {
        !self.is_cut && !self.is_stopped
    }
}
