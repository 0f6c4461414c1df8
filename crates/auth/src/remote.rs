//! Asks identity providers over HTTP for their keys.
//!
//! `reach` decides which addresses may be contacted, and `http` sends requests with bounds.
//! `discovery` reads the metadata of an issuer, and `keys` holds its key set and keeps it fresh.
//! Start reading at [`RemoteKeys`](keys::RemoteKeys).

pub(crate) mod discovery;
pub(crate) mod error;
pub(crate) mod http;
pub(crate) mod keys;
pub(crate) mod level;
pub(crate) mod reach;
pub(crate) mod setting;
pub(crate) mod since;
