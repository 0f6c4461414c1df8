//! Finds the address of the client behind a request, and recognises requests of pages of other
//! hosts.
//!
//! Limits, budgets and records use both; no request is refused here. `cookie/origins.rs` in
//! `doorward-auth` decides from which pages a cookie counts. Start reading at [`proxies`].

pub(crate) mod addr;
pub(crate) mod foreign_page;
pub(crate) mod proxies;
