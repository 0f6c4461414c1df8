//! Calls guards, and the guards that most applications need.

pub(crate) mod authorise;
pub(crate) mod combine;
pub(crate) mod fresh;
pub(crate) mod rate_limit;
pub(crate) mod role;
