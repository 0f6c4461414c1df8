//! Finds the address of the client behind a request, and recognises requests from pages of other
//! hosts.
//!
//! Limits, budgets and audit records use both results. No request is refused here.
//! `cookie/origins.rs` in `doorward-auth` decides from which pages a cookie is accepted. Start
//! reading at [`proxies`].

pub(crate) mod addr;
pub(crate) mod foreign_page;
pub(crate) mod proxies;
pub(crate) mod proxy_header;
