//! The right to be connected: how many live connections a user may have.
//!
//! A seat is *reserved* before anybody else is disturbed, *committed* when the socket is about to
//! enter, and released by dropping. Whatever happens in between, a client that leaves half-way, a
//! later step that refuses, a panic, drops the reservation and thereby frees it. Who keeps the seats
//! only counts: it names who sits there, and whoever admits looks whether they are still alive, and ends
//! those that are replaced.

use std::{fmt, num::NonZeroUsize};

use crate::{BoxError, BoxFuture, LinkId, SocketId, UserId};

/// Who asks for a seat, and how many there are.
///
/// # Examples
/// ```
/// use doorward_core::SeatRequest;
///
/// fn describe(request: &SeatRequest<'_>) -> String {
///     format!("{:?} in {}: {:?}", request.user, request.namespace, request.limits)
/// }
/// # drop(describe);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SeatRequest<'a> {
    /// The user.
    pub user: &'a UserId,
    /// The socket that will sit there.
    pub socket: SocketId,
    /// The link it lives on: a user's sockets on one link share its seat.
    pub link: LinkId,
    /// The namespace it enters.
    pub namespace: &'a str,
    /// How many seats the user has.
    pub limits: SeatLimits,
}

impl<'a> SeatRequest<'a> {
    /// Describes a request.
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

/// How many seats a user has: both hold at once.
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
    /// How many links.
    pub links: PerUser,
    /// How many sockets in the namespace of the request.
    pub sockets: PerUser,
}

impl SeatLimits {
    /// Puts together what is said for the server and what one namespace says beside it.
    ///
    /// A server that counts [`per_namespace`](PerUser::per_namespace) counts sockets as well; of two
    /// policies for the same sockets the one with fewer seats holds.
    #[must_use]
    pub fn new(server: PerUser, namespace: PerUser) -> Self {
        match server {
            PerUser::PerNamespace(..) => {
                Self { links: PerUser::Unlimited, sockets: stricter(server, namespace) }
            }
            server => Self { links: server, sockets: namespace },
        }
    }

    /// Whether there is nothing to count.
    #[must_use]
    pub fn is_unlimited(self) -> bool {
        self.links.seats().is_none() && self.sockets.seats().is_none()
    }
}

/// The one with fewer seats; of two that have as many, the one that refuses.
fn stricter(one: PerUser, other: PerUser) -> PerUser {
    let rank = |policy: PerUser| {
        (policy.seats().unwrap_or(usize::MAX), policy.on_excess() == OnExcess::ReplaceOldest)
    };
    if rank(other) < rank(one) { other } else { one }
}

/// Who sits on a seat.
///
/// # Examples
/// ```
/// # use doorward_core::{Entropy, Holder, LinkId};
/// # struct Fixed;
/// # impl Entropy for Fixed { fn fill(&self, bytes: &mut [u8]) { bytes.fill(0) } }
/// let holder = Holder { link: LinkId::generate(&Fixed), socket: None };
/// # drop(holder);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holder {
    /// The link.
    pub link: LinkId,
    /// The one socket on it; `None` when the user's sockets on the link share the seat.
    pub socket: Option<SocketId>,
}

/// How many connections a user may have, and what happens to one too many.
///
/// A server counts links, whose sockets share a seat, or the sockets in each namespace where
/// [`per_namespace`](PerUser::per_namespace) is said. A gateway counts the sockets in its namespace.
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
    /// At most so many, one at least; one more is told `already_connected`.
    RefuseNew(usize),
    /// At most so many, one at least; one more ends the oldest, which is told `replaced`.
    ReplaceOldest(usize),
    /// At most so many sockets in each namespace, and what happens to one too many.
    #[doc(hidden)]
    PerNamespace(OnExcess, usize),
    /// Any number.
    #[default]
    Unlimited,
}

/// What happens to one connection too many.
///
/// # Examples
/// ```
/// use doorward_core::{OnExcess, PerUser};
///
/// assert_eq!(PerUser::RefuseNew(2).on_excess(), OnExcess::RefuseNew);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExcess {
    /// It is refused.
    RefuseNew,
    /// It takes the place of the oldest.
    ReplaceOldest,
}

impl PerUser {
    /// Counts sockets in each namespace in place of links.
    #[must_use]
    pub const fn per_namespace(self) -> Self {
        match self {
            Self::RefuseNew(seats) => Self::PerNamespace(OnExcess::RefuseNew, seats),
            Self::ReplaceOldest(seats) => Self::PerNamespace(OnExcess::ReplaceOldest, seats),
            other => other,
        }
    }

    /// Returns how many seats a user has; `None` for any number. Nobody has fewer than one.
    #[must_use]
    pub fn seats(self) -> Option<usize> {
        match self {
            Self::Unlimited => None,
            Self::RefuseNew(seats) | Self::ReplaceOldest(seats) | Self::PerNamespace(_, seats) => {
                Some(seats.max(NonZeroUsize::MIN.get()))
            }
        }
    }

    /// Returns what happens to one connection too many.
    #[must_use]
    pub const fn on_excess(self) -> OnExcess {
        match self {
            Self::ReplaceOldest(_) => OnExcess::ReplaceOldest,
            Self::PerNamespace(on_excess, _) => on_excess,
            Self::RefuseNew(_) | Self::Unlimited => OnExcess::RefuseNew,
        }
    }

    /// Whether sockets are counted in each namespace.
    #[must_use]
    pub const fn is_per_namespace(self) -> bool {
        matches!(self, Self::PerNamespace(..))
    }
}

/// Decides whether an authenticated user gets one more connection.
///
/// Whoever implements it keeps the [limits](SeatRequest::limits) of each request: nobody else looks at them. The
/// rules, with a test for each in the testkit:
/// - Both limits are one decision, at the reservation and when the seat is taken. Of two decisions, one after the
///   other, each of two clients could replace the other.
/// - When a seat is taken, the oldest lose theirs until both limits hold, and nobody loses one for nothing. With
///   its seat a link loses those of all its sockets; what is on its way in there does not arrive.
/// - Whoever has lost a seat counts until their own is dropped: only then have they ended. Until then they are
///   [named](Taken::replaced) to everybody in whose way they are: where links are limited to all who take a
///   seat, else to those who take one in the same namespace.
///
/// Whoever admits asks and ends sockets of its own server only: seats that count for several servers would have
/// to end the others by themselves.
///
/// # Examples
/// ```
/// use doorward_core::{BoxFuture, Reservation, SeatError, SeatRequest, Seats};
///
/// /// Nobody gets in.
/// struct Closed;
///
/// impl Seats for Closed {
///     fn reserve<'a>(
///         &'a self,
///         _: SeatRequest<'a>,
///     ) -> BoxFuture<'a, Result<Box<dyn Reservation>, SeatError>> {
///         Box::pin(async { Err(SeatError::Taken(Vec::new())) })
///     }
/// }
/// ```
pub trait Seats: Send + Sync + 'static {
    /// Reserves a seat. Nobody is replaced yet.
    ///
    /// # Errors
    /// - [`SeatError::Taken`]: the policy refuses; the client reads `already_connected`.
    /// - [`SeatError::Unavailable`]: nothing was decided; the client tries again.
    ///
    /// # Cancel safety
    /// A dropped future leaves no reservation behind.
    fn reserve<'a>(
        &'a self,
        request: SeatRequest<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Reservation>, SeatError>>;
}

/// A seat that is kept free; dropping it gives it back.
///
/// # Examples
/// ```
/// use doorward_core::{Reservation, Unlimited};
///
/// let reservation: Box<dyn Reservation> = Box::new(Unlimited);
/// # drop(reservation);
/// ```
pub trait Reservation: Send {
    /// Takes the seat, replacing an older connection if the policy says so.
    ///
    /// # Errors
    /// As [`Seats::reserve`].
    ///
    /// # Cancel safety
    /// A dropped future frees the seat.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Taken, SeatError>>;
}

/// A seat that was just taken.
///
/// # Examples
/// ```
/// use doorward_core::{Taken, Unlimited};
///
/// let taken = Taken { seat: Box::new(Unlimited), replaced: Vec::new() };
/// # drop(taken);
/// ```
pub struct Taken {
    /// The seat.
    pub seat: Box<dyn Seat>,
    /// Sockets of the user that have lost their seats, and that whoever admits ends before the new socket enters:
    /// those that it has replaced, and those that others have and that have not ended yet.
    pub replaced: Vec<SocketId>,
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taken").field("replaced", &self.replaced).finish_non_exhaustive()
    }
}

/// A seat that is taken; dropping it gives it back.
///
/// # Examples
/// ```
/// use doorward_core::{Seat, Unlimited};
///
/// let seat: Box<dyn Seat> = Box::new(Unlimited);
/// # drop(seat);
/// ```
pub trait Seat: Send + Sync {}

/// Why there is no seat.
///
/// # Examples
/// ```
/// let error = doorward_core::SeatError::Taken(Vec::new());
/// assert_eq!(error.to_string(), "no seat is free for this user");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeatError {
    /// The user has as many connections as the policy allows: these. Before the client is refused they
    /// are asked whether they are still there.
    #[error("no seat is free for this user")]
    Taken(Vec<Holder>),
    /// Whoever keeps the seats did not answer.
    #[error("seats cannot be counted now")]
    Unavailable(#[source] BoxError),
}

/// Any number of connections for every user, whatever the limits say: nobody is counted.
///
/// # Examples
/// ```
/// use doorward_core::{Seats, Unlimited};
///
/// fn take(_: impl Seats) {}
/// take(Unlimited);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlimited;

impl Seats for Unlimited {
    fn reserve<'a>(
        &'a self,
        _: SeatRequest<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Reservation>, SeatError>> {
        Box::pin(async { Ok(Box::new(Self) as Box<dyn Reservation>) })
    }
}

impl Reservation for Unlimited {
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Taken, SeatError>> {
        Box::pin(async { Ok(Taken { seat: self, replaced: Vec::new() }) })
    }
}

impl Seat for Unlimited {}
