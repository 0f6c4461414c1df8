//! Loads the application's own user for a verified credential.
//!
//! The lookup runs only after the credential was verified, so an unauthenticated client cannot
//! trigger it. Results are not cached. The lookup runs for every CONNECT and after every change of
//! the user's rights. Start reading at [`UserLoader`](loader::UserLoader).

pub(crate) mod by_id;
pub(crate) mod loaded;
pub(crate) mod loader;
mod methods;
