//! Carries bytes from and to a client, and keeps the packets that wait to be sent.
//!
//! Start reading at [`wire`], which defines the trait of the connection that carries a link.
//! [`websocket`] implements this trait, and [`outbox`] is the queue of packets.

pub(crate) mod buffer;
pub(crate) mod outbox;
pub(crate) mod polled;
pub(crate) mod stream;
pub(crate) mod websocket;
pub(crate) mod wire;
