//! Transport of bytes from and to a client.

pub(crate) mod buffer;
pub(crate) mod outbox;
pub(crate) mod stream;
pub(crate) mod websocket;
pub(crate) mod wire;
