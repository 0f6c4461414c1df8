//! Seats, which limit the number of live connections of a user.
//!
//! The admission of a socket *reserves* a seat before it affects any other socket. It *commits* the
//! reservation just before the socket enters its namespace. When the reservation or the seat is
//! dropped, for example after a disconnect, a refusal or a panic, the seat is free again.
//!
//! The seat store only counts seats and names their holders. The server checks if the holders are
//! still alive, and closes the sockets that are replaced. Start reading at [`SeatStore`].

use std::num::NonZeroUsize;

use crate::{BoxError, BoxFuture, Incarnation, LinkNumber, NodeId, SocketId, UserId};

/// Request for a seat, with the limits that apply to it.
///
/// # Examples
/// ```
/// use doorward_core::SeatRequest;
///
/// fn describe(request: &SeatRequest<'_>) -> String {
///     let SeatRequest { node, user, namespace, links, sockets, .. } = request;
///     format!("{node}: {user:?} in {namespace}: {links:?} links, {sockets:?} sockets")
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SeatRequest<'a> {
    /// Node (server process) that requests the seat. The link of the socket is connected to this
    /// node.
    pub node: &'a NodeId,
    /// User who asks for the seat.
    pub user: &'a UserId,
    /// Socket that will hold the seat.
    pub socket: SocketId,
    /// Link of the socket. If links are counted, all sockets of a user on one link share a seat.
    pub link: LinkNumber,
    /// Namespace that the socket enters.
    pub namespace: &'a str,
    /// Limit on the links of the user, in all namespaces together.
    pub links: PerUser,
    /// Limit on the sockets of the user in the namespace.
    pub sockets: PerUser,
}

impl<'a> SeatRequest<'a> {
    /// Creates a request without limits. Set them with [`with_links`](Self::with_links) and
    /// [`with_sockets`](Self::with_sockets).
    #[must_use]
    pub fn new(
        node: &'a NodeId,
        user: &'a UserId,
        socket: SocketId,
        link: LinkNumber,
        namespace: &'a str,
    ) -> Self {
        let (links, sockets) = (PerUser::Unlimited, PerUser::Unlimited);
        Self { node, user, socket, link, namespace, links, sockets }
    }

    /// Sets the limit on the links of the user.
    #[must_use]
    pub fn with_links(self, links: PerUser) -> Self {
        Self { links, ..self }
    }

    /// Sets the limit on the sockets of the user in the namespace.
    #[must_use]
    pub fn with_sockets(self, sockets: PerUser) -> Self {
        Self { sockets, ..self }
    }

    /// Returns `true` if neither links nor sockets of the user are limited, so the store has
    /// nothing to count.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        self.links.seats().is_none() && self.sockets.seats().is_none()
    }
}

/// Holder of a seat. It is one socket, or all sockets of a user on one link.
///
/// # Examples
/// ```
/// use doorward_core::{Holder, LinkNumber, NodeId};
///
/// let holder = Holder::new(NodeId::new("eu-1"), LinkNumber::new(7));
/// assert!(holder.socket.is_none(), "the sockets of the link share the seat");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Holder {
    /// Node that the link is connected to.
    pub node: NodeId,
    /// Link of the socket or sockets that hold the seat.
    pub link: LinkNumber,
    /// Run of the node, if the store counts the seats of several nodes.
    pub incarnation: Option<Incarnation>,
    /// Socket that holds the seat; `None` if the user's sockets on the link share it.
    pub socket: Option<SocketId>,
}

impl Holder {
    /// Creates the holder of the seat of a link, which all sockets of a user on the link share.
    #[must_use]
    pub fn new(node: NodeId, link: LinkNumber) -> Self {
        Self { node, link, incarnation: None, socket: None }
    }

    /// Sets the run of the node that holds the seat.
    #[must_use]
    pub fn with_incarnation(self, incarnation: Incarnation) -> Self {
        Self { incarnation: Some(incarnation), ..self }
    }

    /// Sets the socket that holds the seat alone. Use it for the seat of a socket, and not for the
    /// seat of a link.
    #[must_use]
    pub fn with_socket(self, socket: SocketId) -> Self {
        Self { socket: Some(socket), ..self }
    }
}

/// Limit on the connections of one user, and the policy for further connections.
///
/// A server uses this type to limit the links of a user. All sockets of the user on one link then
/// share a seat. A gateway uses it to limit the sockets of a user in its namespace.
///
/// # Examples
/// ```
/// use doorward_core::PerUser;
///
/// let policy = PerUser::ReplaceOldest(1);
/// assert_eq!(policy.seats(), Some(1));
/// assert!(policy.replaces_oldest());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PerUser {
    /// At most this many connections; 0 counts as 1. A further connection is refused with
    /// `already_connected`.
    RefuseNew(usize),
    /// At most this many connections; 0 counts as 1. A further connection closes the oldest
    /// connection, and the client of that connection reads `replaced`.
    ReplaceOldest(usize),
    /// No limit on connections.
    #[default]
    Unlimited,
}

impl PerUser {
    /// Returns the maximum number of seats of a user, at least 1; `None` if there is no limit.
    #[must_use]
    pub fn seats(self) -> Option<usize> {
        match self {
            Self::Unlimited => None,
            // A limit of zero would lock every user out.
            Self::RefuseNew(seats) | Self::ReplaceOldest(seats) => {
                Some(seats.max(NonZeroUsize::MIN.get()))
            }
        }
    }

    /// Returns `true` if a connection beyond the limit closes the oldest connection. Returns
    /// `false` if the new connection is refused, or if there is no limit.
    #[must_use]
    pub const fn replaces_oldest(self) -> bool {
        matches!(self, Self::ReplaceOldest(_))
    }

    /// Returns the policy with fewer seats. If both policies have the same number of seats, returns
    /// the policy that refuses new connections.
    ///
    /// # Examples
    /// ```
    /// use doorward_core::PerUser;
    ///
    /// let (one, two) = (PerUser::ReplaceOldest(1), PerUser::RefuseNew(2));
    /// assert_eq!(one.stricter(two), one);
    /// assert_eq!(one.stricter(PerUser::RefuseNew(1)), PerUser::RefuseNew(1));
    /// assert_eq!(PerUser::Unlimited.stricter(two), two);
    /// ```
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        // `false` sorts before `true`: with the same number of seats, refusing is stricter than
        // replacing.
        let rank = |policy: Self| (policy.seats().unwrap_or(usize::MAX), policy.replaces_oldest());
        if rank(other) < rank(self) { other } else { self }
    }
}

/// Store of seats, which decides if an authenticated user may have one more connection.
///
/// Only the store enforces the limits of a request, on [links](SeatRequest::links) and on
/// [sockets](SeatRequest::sockets). Its rules, each of which has a test in the testkit, are:
/// - Both limits are checked in one atomic step, at the reservation and at the commit. If each
///   limit had its own step, two clients could replace each other.
/// - A commit takes seats from the oldest connections until both limits hold, and takes no more
///   than necessary. If a link loses its seat, all its sockets lose their seats, and the
///   reservations that are pending on the link fail.
/// - A replaced socket counts until its own seat is dropped, because the socket has closed only
///   then. Until then, each later commit that has to wait for the socket [names
///   it](Seated::replaced). If links are limited, all commits of the user have to wait. Otherwise
///   only the commits in the same namespace have to wait.
///
/// A store counts the seats of one node or of many. A request names the node that sends it, and a
/// [`Holder`] names the node that its link is connected to. The server probes if the holders are
/// alive: those of its own node directly, and those of other nodes with an order to the node that
/// [`Holder::incarnation`] names. It closes replaced sockets of its own node. A store for many nodes
/// must therefore make the other nodes close the sockets that it has replaced, and must complete a
/// commit only after these sockets have closed.
///
/// # Examples
/// ```
/// use doorward_core::{BoxFuture, Reservation, SeatError, SeatRequest, SeatStore};
///
/// /// Refuses every connection.
/// struct Closed;
///
/// impl SeatStore for Closed {
///     fn reserve<'a>(
///         &'a self,
///         _: SeatRequest<'a>,
///     ) -> BoxFuture<'a, Result<Box<dyn Reservation>, SeatError>> {
///         Box::pin(async { Err(SeatError::Full(Vec::new())) })
///     }
/// }
/// ```
pub trait SeatStore: Send + Sync + 'static {
    /// Reserves a seat for the socket of the request. No connection is replaced yet.
    ///
    /// # Errors
    /// - [`SeatError::Full`]: the policy refuses the connection, and the client reads
    ///   `already_connected`.
    /// - [`SeatError::Unavailable`]: nothing was decided, and the client reconnects.
    ///
    /// # Cancel safety
    /// Dropping the future leaves no reservation.
    fn reserve<'a>(&'a self, request: SeatRequest<'a>) -> SeatFuture<'a, Box<dyn Reservation>>;
}

/// Reservation of a seat. Dropping this value frees the seat.
///
/// # Examples
/// ```
/// use doorward_core::{Reservation, Unlimited};
///
/// let reservation: Box<dyn Reservation> = Box::new(Unlimited);
/// ```
pub trait Reservation: Send {
    /// Turns the reservation into a seat. If the policy of the request replaces the oldest
    /// connections and a limit is exceeded, takes the seats of the oldest connections.
    ///
    /// # Errors
    /// Same as for [`SeatStore::reserve`].
    ///
    /// # Cancel safety
    /// Dropping the future frees the seat.
    fn commit(self: Box<Self>) -> SeatFuture<'static, Seated>;
}

/// Result of a committed reservation.
///
/// # Examples
/// ```
/// use doorward_core::{Seated, Unlimited};
///
/// let taken = Seated { seat: Box::new(Unlimited), replaced: Vec::new() };
/// assert!(taken.replaced.is_empty());
/// ```
pub struct Seated {
    /// Seat of the socket.
    pub seat: Box<dyn Seat>,
    /// Sockets of the user that have lost their seats and must be closed before the new socket
    /// enters. This commit has replaced them, or an earlier commit has replaced them and they are
    /// still closing.
    pub replaced: Vec<SocketId>,
}

crate::debug_fields!(Seated { replaced });

/// Seat that a socket holds. Dropping this value frees the seat.
///
/// # Examples
/// ```
/// use doorward_core::{Seat, Unlimited};
///
/// let seat: Box<dyn Seat> = Box::new(Unlimited);
/// ```
pub trait Seat: Send + Sync {}

/// Error returned when a seat cannot be reserved or committed.
///
/// # Examples
/// ```
/// let error = doorward_core::SeatError::Full(Vec::new());
/// assert_eq!(error.to_string(), "no seat is free for this user");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeatError {
    /// The user has as many connections as the policy allows. The value lists the holders of the
    /// seats. Before the server refuses the client, it probes if the holders are still alive.
    #[error("no seat is free for this user")]
    Full(Vec<Holder>),
    /// The seat store did not answer.
    #[error("seats cannot be counted now")]
    Unavailable(#[source] BoxError),
}

/// Future that the methods of a seat store return.
pub(crate) type SeatFuture<'a, T> = BoxFuture<'a, Result<T, SeatError>>;

/// Seat store without limits. It counts nothing, and ignores the limits of a request.
///
/// # Examples
/// ```
/// use doorward_core::{SeatStore, Unlimited};
///
/// fn take(_: impl SeatStore) {}
/// take(Unlimited);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlimited;

impl SeatStore for Unlimited {
    fn reserve<'a>(&'a self, _: SeatRequest<'a>) -> SeatFuture<'a, Box<dyn Reservation>> {
        Box::pin(async { Ok(Box::new(Self) as Box<dyn Reservation>) })
    }
}

impl Reservation for Unlimited {
    fn commit(self: Box<Self>) -> SeatFuture<'static, Seated> {
        Box::pin(async { Ok(Seated { seat: self, replaced: Vec::new() }) })
    }
}

impl Seat for Unlimited {}
