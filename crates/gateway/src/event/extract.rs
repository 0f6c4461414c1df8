//! What a handler may ask for.

pub(crate) mod ack;
pub(crate) mod payload;
pub(crate) mod principal;
pub(crate) mod socket;
