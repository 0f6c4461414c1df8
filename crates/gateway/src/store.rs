//! Traits for stores of sessions, tickets, revocations and seats. Implement these traits to add a
//! backend.
//!
//! [`MemoryStore`](crate::session::MemoryStore) and [`MemorySeats`] keep everything in memory. The
//! stores of `doorward-sql` and `doorward-redis` keep their data after the process has ended.

pub use doorward_core::{
    BoxFuture, CredentialRef, Holder, LinkNumber, Reservation, RevocationState, RevocationStore,
    Seat, SeatError, SeatRequest, SeatStore, Seated, SessionKey, SessionStore, StoreError,
    StoreFuture, TicketKey, TicketRecord, TicketStore, Unlimited,
};

pub use crate::presence::seats::MemorySeats;
