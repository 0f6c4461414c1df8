//! Seats: limit the number of live connections of a user.
//!
//! A seat is *reserved* before any other socket is disturbed, *committed* when the socket is about
//! to enter, and released by dropping. Dropping the reservation frees it in every case in between:
//! the client disconnects, a later step refuses, code panics.
//!
//! The store of the seats only counts and names their holders. Admission checks whether the holders
//! are still alive, and closes the sockets that are replaced. Start reading at [`SeatStore`].

use std::{fmt, num::NonZeroUsize};

use crate::{BoxError, BoxFuture, LinkId, SocketId, UserId};

/// Request for a seat, with the limits that apply to it.
///
/// # Examples
/// ```
/// use doorward_core::SeatRequest;
///
/// fn describe(request: &SeatRequest<'_>) -> String {
///     format!("{:?} in {}: {:?}", request.user, request.namespace, request.limits)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SeatRequest<'a> {
    /// User who asks for the seat.
    pub user: &'a UserId,
    /// Socket that will hold the seat.
    pub socket: SocketId,
    /// Link of the socket. A user's sockets on one link share a seat, where links are counted.
    pub link: LinkId,
    /// Namespace that the socket enters.
    pub namespace: &'a str,
    /// Limits for the user.
    pub limits: SeatLimits,
}

impl<'a> SeatRequest<'a> {
    /// Creates a request.
    #[must_use]
    pub fn new(
        user: &'a UserId,
        socket: SocketId,
        link: LinkId,
        namespace: &'a str,
        limits: SeatLimits,
    ) -> Self {
        Self { user, socket, link, namespace, limits }
    }
}

/// Limits on the connections of a user; both apply at once.
///
/// # Examples
/// ```
/// use doorward_core::{PerUser, SeatLimits};
///
/// // Three links for all of the server, and in this namespace one socket.
/// let limits = SeatLimits::new(PerUser::RefuseNew(3), PerUser::ReplaceOldest(1));
/// assert_eq!(limits.links, PerUser::RefuseNew(3));
/// assert_eq!(limits.sockets, PerUser::ReplaceOldest(1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeatLimits {
    /// Limit on links.
    pub links: PerUser,
    /// Limit on sockets in the namespace of the request.
    pub sockets: PerUser,
}

impl SeatLimits {
    /// Combines the policy of the server with that of one namespace.
    ///
    /// If the server counts [`per_namespace`](PerUser::per_namespace), both policies limit the same
    /// sockets, and the one with fewer seats applies.
    #[must_use]
    pub fn new(server: PerUser, namespace: PerUser) -> Self {
        match server {
            PerUser::PerNamespace(..) => {
                Self { links: PerUser::Unlimited, sockets: stricter(server, namespace) }
            }
            server => Self { links: server, sockets: namespace },
        }
    }

    /// Returns `true` if nothing has to be counted.
    #[must_use]
    pub fn is_unlimited(self) -> bool {
        self.links.seats().is_none() && self.sockets.seats().is_none()
    }
}

/// Returns the policy with fewer seats; if both have as many, the one that refuses.
fn stricter(one: PerUser, other: PerUser) -> PerUser {
    let rank = |policy: PerUser| {
        // `false` sorts before `true`: with as many seats, refusing is stricter than replacing.
        (policy.seats().unwrap_or(usize::MAX), policy.on_excess() == OnExcess::ReplaceOldest)
    };
    if rank(other) < rank(one) { other } else { one }
}

/// Holder of a seat.
///
/// # Examples
/// ```
/// # use doorward_core::{Entropy, Holder, LinkId};
/// # struct Fixed;
/// # impl Entropy for Fixed { fn fill(&self, bytes: &mut [u8]) { bytes.fill(0) } }
/// let holder = Holder { link: LinkId::generate(&Fixed), socket: None };
/// assert!(holder.socket.is_none(), "the sockets of the link share the seat");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holder {
    /// Link of the holder.
    pub link: LinkId,
    /// Socket that holds the seat; `None` if the user's sockets on the link share it.
    pub socket: Option<SocketId>,
}

/// Limit on the connections of one user, and what happens beyond it.
///
/// On a server it limits links, whose sockets share a seat, or with
/// [`per_namespace`](PerUser::per_namespace) the sockets in each namespace. On a gateway it limits
/// the sockets in its namespace.
///
/// # Examples
/// ```
/// use doorward_core::{OnExcess, PerUser};
///
/// let policy = PerUser::ReplaceOldest(1).per_namespace();
/// assert_eq!(policy.seats(), Some(1));
/// assert_eq!(policy.on_excess(), OnExcess::ReplaceOldest);
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
    /// At most this many sockets in each namespace, with the given action beyond it.
    #[doc(hidden)]
    PerNamespace(OnExcess, usize),
    /// No limit.
    #[default]
    Unlimited,
}

/// Action when a connection exceeds the limit.
///
/// # Examples
/// ```
/// use doorward_core::{OnExcess, PerUser};
///
/// assert_eq!(PerUser::RefuseNew(2).on_excess(), OnExcess::RefuseNew);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExcess {
    /// Refuse the new connection.
    RefuseNew,
    /// Close the oldest connection.
    ReplaceOldest,
}

impl PerUser {
    /// Limits the sockets in each namespace instead of links.
    #[must_use]
    pub const fn per_namespace(self) -> Self {
        match self {
            Self::RefuseNew(seats) => Self::PerNamespace(OnExcess::RefuseNew, seats),
            Self::ReplaceOldest(seats) => Self::PerNamespace(OnExcess::ReplaceOldest, seats),
            other => other,
        }
    }

    /// Returns the number of seats of a user, at least one; `None` if there is no limit.
    #[must_use]
    pub fn seats(self) -> Option<usize> {
        match self {
            Self::Unlimited => None,
            Self::RefuseNew(seats) | Self::ReplaceOldest(seats) | Self::PerNamespace(_, seats) => {
                // A limit of zero would lock every user out.
                Some(seats.max(NonZeroUsize::MIN.get()))
            }
        }
    }

    /// Returns the action when a connection exceeds the limit.
    #[must_use]
    pub const fn on_excess(self) -> OnExcess {
        match self {
            Self::ReplaceOldest(_) => OnExcess::ReplaceOldest,
            Self::PerNamespace(on_excess, _) => on_excess,
            Self::RefuseNew(_) | Self::Unlimited => OnExcess::RefuseNew,
        }
    }

    /// Returns `true` if sockets are counted in each namespace.
    #[must_use]
    pub const fn is_per_namespace(self) -> bool {
        matches!(self, Self::PerNamespace(..))
    }
}

/// Store of seats: decides whether an authenticated user may have one more connection.
///
/// An implementation alone enforces the [limits](SeatRequest::limits) of each request; no other
/// code reads them. Its rules, with a test for each in the testkit:
/// - Both limits are checked in one atomic step, at the reservation and at the commit. With a step
///   for each, two clients could replace each other.
/// - A commit takes seats from the oldest connections until both limits hold, and takes no more
///   than necessary. A link that loses its seat loses those of all its sockets, and the
///   reservations that are pending on it fail.
/// - A replaced socket keeps counting until its own seat is dropped, because only then has it
///   closed. Until then it is [named](Seated::replaced) to every later commit that it blocks: to all
///   commits of the user if links are limited, otherwise to those in the same namespace.
///
/// Admission probes and closes sockets of its own server only. A store that counts seats across
/// servers must close the sockets of the others by itself.
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
        f.debug_struct("Taken").field("replaced", &self.replaced).finish_non_exhaustive()
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
