//! Defines where a handshake contains credentials, and which of them counts.
//!
//! Explicit credentials are put into `auth` by the client's program. The cookie is ambient: the
//! browser adds it on its own. `first_of` chooses between them, and `denied` decides what a refused
//! client receives. Start reading at [`ShowsCredential`](shown::ShowsCredential).

pub(crate) mod denied;
pub(crate) mod explicit;
pub(crate) mod first_of;
pub(crate) mod shown;
