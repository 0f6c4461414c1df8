//! The right to be connected: how many live connections a user may have.
//!
//! A seat is *reserved* before anybody else is disturbed, *committed* when the socket is about to
//! enter, and released by dropping. Whatever happens in between, a client that leaves half-way, a
//! later step that refuses, a panic, drops the reservation and thereby frees it.

use crate::{BoxError, BoxFuture, SocketId, UserId};

/// Who asks for a seat.
///
/// # Examples
/// ```
/// use doorward_core::SeatRequest;
///
/// fn describe(request: &SeatRequest<'_>) -> String {
///     format!("{:?} in {}", request.user, request.namespace)
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
    /// The namespace it enters.
    pub namespace: &'a str,
}

impl<'a> SeatRequest<'a> {
    /// Describes a request.
    #[must_use]
    pub fn new(user: &'a UserId, socket: SocketId, namespace: &'a str) -> Self {
        Self { user, socket, namespace }
    }
}

/// Decides whether an authenticated user gets one more connection.
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
///         Box::pin(async { Err(SeatError::Taken) })
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
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Box<dyn Seat>, SeatError>>;
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
/// assert_eq!(doorward_core::SeatError::Taken.to_string(), "no seat is free for this user");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeatError {
    /// The user has as many connections as the policy allows.
    #[error("no seat is free for this user")]
    Taken,
    /// Whoever keeps the seats did not answer.
    #[error("seats cannot be counted now")]
    Unavailable(#[source] BoxError),
}

/// Any number of connections for every user: the default.
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
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Box<dyn Seat>, SeatError>> {
        Box::pin(async { Ok(self as Box<dyn Seat>) })
    }
}

impl Seat for Unlimited {}
