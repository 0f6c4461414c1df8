//! Traits for stores of sessions, tickets, revocations and seats, for those who write one.
//!
//! [`MemoryStore`](crate::session::MemoryStore) and [`MemorySeats`] keep everything in memory; `doorward-sql` and `doorward-redis` have stores that
//! outlive the process.

pub use doorward_core::{
    BoxFuture, CredentialRef, Holder, LinkId, Reservation, RevocationState, RevocationStore, Seat,
    SeatError, SeatRequest, SeatStore, Seated, SessionKey, SessionStore, StoreError, TicketKey,
    TicketRecord, TicketStore, Unlimited,
};

pub use crate::presence::seats::MemorySeats;
