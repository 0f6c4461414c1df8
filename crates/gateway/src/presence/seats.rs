//! Seats in memory, which count the connections of each user on one server.
//!
//! `replacing` decides which sockets are replaced, and which new sockets are refused. The admission
//! probes the links that hold seats before it refuses a client, and ends the sockets that are
//! replaced.

pub(crate) mod replacing;

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use doorward_core::{
    BoxFuture, Reservation, Seat, SeatError, SeatRequest, SeatStore, Seated, Unlimited, UserId,
    lock,
};

use crate::presence::seats::replacing::{Limits, Table};

/// Store that keeps the seats of users in memory. A seat is the right to one of the connections
/// that a user may have.
///
/// The seats are exact for one server, and are lost when the server stops. Clones share the seats.
///
/// A builder uses a `MemorySeats` unless [`Builder::seats`](crate::Builder::seats) sets another
/// store. A server cannot probe the sockets of another server, so each server needs a `MemorySeats`
/// of its own.
///
/// # Examples
/// ```
/// let seats = doorward::store::MemorySeats::new();
/// assert_eq!(seats.taken(), 0);
/// ```
#[derive(Clone)]
pub struct MemorySeats {
    /// Table of all seats. The lock is held for one decision.
    table: Arc<Mutex<Table>>,
}

/// Row of one socket in the table. Dropping it removes the row.
struct Hold {
    table: Arc<Mutex<Table>>,
    user: UserId,
    limits: Limits,
    number: u64,
}

type Reserved = Result<Box<dyn Reservation>, SeatError>;

impl MemorySeats {
    /// Creates a store in which all seats are free.
    #[must_use]
    pub fn new() -> Self {
        Self { table: Arc::new(Mutex::new(Table::new())) }
    }

    /// Returns the number of sockets that are counted, for all users together.
    ///
    /// A socket is counted from the moment at which its admission reserves a seat until it has
    /// closed, even if it was replaced earlier. Sockets without a limit are not counted.
    #[must_use]
    pub fn taken(&self) -> usize {
        lock(&self.table).count()
    }

    fn reserve_now(&self, request: SeatRequest<'_>) -> Reserved {
        let SeatRequest { user, links, sockets, .. } = request;
        if request.is_unlimited() {
            return Ok(Box::new(Unlimited));
        }
        let number = lock(&self.table).reserve(request)?;
        let table = Arc::clone(&self.table);
        let limits = Limits { links, sockets };
        Ok(Box::new(Hold { table, user: user.clone(), limits, number }))
    }
}

impl Default for MemorySeats {
    fn default() -> Self {
        Self::new()
    }
}

impl SeatStore for MemorySeats {
    fn reserve<'a>(&'a self, request: SeatRequest<'a>) -> BoxFuture<'a, Reserved> {
        Box::pin(std::future::ready(self.reserve_now(request)))
    }
}

impl Reservation for Hold {
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Seated, SeatError>> {
        let taken = lock(&self.table).take(&self.user, self.number, self.limits);
        Box::pin(std::future::ready(taken.map(|replaced| Seated { seat: self, replaced })))
    }
}

impl Seat for Hold {}

impl Drop for Hold {
    fn drop(&mut self) {
        lock(&self.table).give_back(&self.user, self.number);
    }
}

impl fmt::Debug for MemorySeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySeats").field("taken", &self.taken()).finish_non_exhaustive()
    }
}
