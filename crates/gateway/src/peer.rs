//! The address and the page that a request comes from.

pub(crate) mod page;
pub(crate) mod proxies;
