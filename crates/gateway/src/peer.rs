//! The address and the kind of page that a request comes from.

pub(crate) mod addr;
pub(crate) mod page;
pub(crate) mod proxies;
