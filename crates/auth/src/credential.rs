//! Finds the credentials in a handshake, and selects the one that authenticates the client.
//!
//! The client's program puts explicit credentials into `auth`. The cookie is ambient, because the
//! browser adds it automatically. `first_of` chooses one of several credentials, and `denied`
//! decides the answer to a refused client. Start reading at
//! [`ShowsCredential`](shown::ShowsCredential).

pub(crate) mod denied;
pub(crate) mod explicit;
pub(crate) mod first_of;
pub(crate) mod shown;
