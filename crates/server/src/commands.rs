//! Implements all commands except `doorward serve`. Each command has a module with a function `run`, and
//! `main.rs` chooses the module.

pub(crate) mod accounts;
pub(crate) mod backup;
pub(crate) mod bots;
pub(crate) mod connections;
pub(crate) mod doctor;
pub(crate) mod keys;
pub(crate) mod nodes;
pub(crate) mod revoke;
pub(crate) mod routes;
mod runtime;
pub(crate) mod sessions;
pub(crate) mod token;
