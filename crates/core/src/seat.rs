//! Seats: limit the number of live connections of a user.
//!
//! A seat is *reserved* before any other socket is affected, *committed* just before the socket
//! enters, and released when it is dropped. Dropping the reservation also releases it, for example
//! on disconnect, refusal or panic.
//!
//! The store of the seats only counts and names their holders. Admission checks whether the holders
//! are still alive, and closes the sockets that are replaced. Start reading at [`SeatStore`].

use std::{fmt, num::NonZeroUsize};

use crate::{BoxError, BoxFuture, LinkId, NodeId, SocketId, UserId};

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
    /// Node that asks; the link of the socket is connected to it.
    pub node: &'a NodeId,
    /// User who asks for the seat.
    pub user: &'a UserId,
    /// Socket that will hold the seat.
    pub socket: SocketId,
    /// Link of the socket. A user's sockets on one link share a seat, where links are counted.
    pub link: LinkId,
    /// Namespace that the socket enters.
    pub namespace: &'a str,
    /// Limit on the links of the user, in all namespaces together.
    pub links: PerUser,
    /// Limit on the sockets of the user in the namespace.
    pub sockets: PerUser,
}

impl<'a> SeatRequest<'a> {
    /// Creates a request without limits.
    #[must_use]
    pub fn new(
        node: &'a NodeId,
        user: &'a UserId,
        socket: SocketId,
        link: LinkId,
        namespace: &'a str,
    ) -> Self {
        let (links, sockets) = (PerUser::Unlimited, PerUser::Unlimited);
        Self { node, user, socket, link, namespace, links, sockets }
    }

    /// Limits the links of the user.
    #[must_use]
    pub fn with_links(self, links: PerUser) -> Self {
        Self { links, ..self }
    }

    /// Limits the sockets of the user in the namespace.
    #[must_use]
    pub fn with_sockets(self, sockets: PerUser) -> Self {
        Self { sockets, ..self }
    }

    /// Returns `true` if nothing has to be counted.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        self.links.seats().is_none() && self.sockets.seats().is_none()
    }
}

/// Holder of a seat.
///
/// # Examples
/// ```
/// # use doorward_core::{Entropy, Holder, LinkId, NodeId};
/// # struct Fixed;
/// # impl Entropy for Fixed { fn fill(&self, bytes: &mut [u8]) { bytes.fill(0) } }
/// let holder = Holder::new(NodeId::new("eu-1"), LinkId::generate(&Fixed));
/// assert!(holder.socket.is_none(), "the sockets of the link share the seat");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Holder {
    /// Node that the link is connected to.
    pub node: NodeId,
    /// Link of the holder.
    pub link: LinkId,
    /// Socket that holds the seat; `None` if the user's sockets on the link share it.
    pub socket: Option<SocketId>,
}

impl Holder {
    /// Creates a holder whose sockets share the seat of their link.
    #[must_use]
    pub fn new(node: NodeId, link: LinkId) -> Self {
        Self { node, link, socket: None }
    }

    /// Sets the socket that holds the seat, where sockets rather than links are counted.
    #[must_use]
    pub fn with_socket(self, socket: SocketId) -> Self {
        Self { socket: Some(socket), ..self }
    }
}

/// Limit on the connections of one user, and what happens beyond it.
///
/// On a server it limits links, whose sockets share a seat. On a gateway it limits the sockets in its
/// namespace.
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
    /// At most this many, but at least one. A further connection is refused with
    /// `already_connected`.
    RefuseNew(usize),
    /// At most this many, but at least one. A further connection closes the oldest, which reads
    /// `replaced`.
    ReplaceOldest(usize),
    /// No limit.
    #[default]
    Unlimited,
}

impl PerUser {
    /// Returns the number of seats of a user, at least one; `None` if there is no limit.
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

    /// Returns `true` if a connection beyond the limit closes the oldest one. Otherwise the new
    /// connection is refused.
    #[must_use]
    pub const fn replaces_oldest(self) -> bool {
        matches!(self, Self::ReplaceOldest(_))
    }

    /// Returns the policy with fewer seats; if both have as many, the one that refuses.
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
        // `false` sorts before `true`: with as many seats, refusing is stricter than replacing.
        let rank = |policy: Self| (policy.seats().unwrap_or(usize::MAX), policy.replaces_oldest());
        if rank(other) < rank(self) { other } else { self }
    }
}

/// Store of seats: decides whether an authenticated user may have one more connection.
///
/// An implementation alone enforces the limits of each request, on [links](SeatRequest::links) and on
/// [sockets](SeatRequest::sockets); no other code reads them. Its rules, with a test for each in the testkit:
/// - Both limits are checked in one atomic step, at the reservation and at the commit. With a step
///   for each, two clients could replace each other.
/// - A commit takes seats from the oldest connections until both limits hold, and takes no more
///   than necessary. A link that loses its seat loses those of all its sockets, and the
///   reservations that are pending on it fail.
/// - A replaced socket keeps counting until its own seat is dropped, because only then has it
///   closed. Until then it is [named](Seated::replaced) to every later commit that it blocks: to all
///   commits of the user if links are limited, otherwise to those in the same namespace.
///
/// A store counts the seats of one node or of many. A request names the node that asks, and a
/// [`Holder`] the node that its link is connected to. A holder is probed, and a replaced socket is
/// closed, by the node that it is connected to: admission does both for its own node. To admission,
/// holders on other nodes are alive. A store for many nodes therefore makes the other nodes close the
/// sockets that it has replaced, and completes a commit only after they have closed.
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
    /// Reserves a seat. Replaces no connection yet.
    ///
    /// # Errors
    /// - [`SeatError::Full`]: the policy refuses the connection; the client reads
    ///   `already_connected`.
    /// - [`SeatError::Unavailable`]: nothing was decided; the client reconnects.
    ///
    /// # Cancel safety
    /// Dropping the future leaves no reservation.
    fn reserve<'a>(
        &'a self,
        request: SeatRequest<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Reservation>, SeatError>>;
}

/// A reserved seat; dropping it frees the seat.
///
/// # Examples
/// ```
/// use doorward_core::{Reservation, Unlimited};
///
/// let reservation: Box<dyn Reservation> = Box::new(Unlimited);
/// ```
pub trait Reservation: Send {
    /// Takes the seat, and replaces older connections if the policy says so.
    ///
    /// # Errors
    /// The same as those of [`SeatStore::reserve`].
    ///
    /// # Cancel safety
    /// Dropping the future frees the seat.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Seated, SeatError>>;
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
    /// enters: those that this commit replaced, and those that earlier commits replaced and that
    /// are still closing.
    pub replaced: Vec<SocketId>,
}

impl fmt::Debug for Seated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seated").field("replaced", &self.replaced).finish_non_exhaustive()
    }
}

/// A seat in use; dropping it frees it.
///
/// # Examples
/// ```
/// use doorward_core::{Seat, Unlimited};
///
/// let seat: Box<dyn Seat> = Box::new(Unlimited);
/// ```
pub trait Seat: Send + Sync {}

/// Error of reserving or committing a seat.
///
/// # Examples
/// ```
/// let error = doorward_core::SeatError::Full(Vec::new());
/// assert_eq!(error.to_string(), "no seat is free for this user");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeatError {
    /// The user has as many connections as the policy allows, held by these holders. Before the
    /// client is refused, they are probed whether they are still alive.
    #[error("no seat is free for this user")]
    Full(Vec<Holder>),
    /// The seat store did not answer.
    #[error("seats cannot be counted now")]
    Unavailable(#[source] BoxError),
}

/// A seat store without limits: it counts nothing and ignores the limits of the request.
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
    fn reserve<'a>(
        &'a self,
        _: SeatRequest<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Reservation>, SeatError>> {
        Box::pin(async { Ok(Box::new(Self) as Box<dyn Reservation>) })
    }
}

impl Reservation for Unlimited {
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Seated, SeatError>> {
        Box::pin(async { Ok(Seated { seat: self, replaced: Vec::new() }) })
    }
}

impl Seat for Unlimited {}
