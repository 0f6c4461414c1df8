//! The arguments that handlers can take.

pub(crate) mod ack;
pub(crate) mod payload;
pub(crate) mod socket;
