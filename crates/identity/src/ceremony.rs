//! Runs WebAuthn ceremonies. A ceremony registers or uses a passkey. The server sends a request, and verifies the
//! answer of the authenticator.
//!
//! `relying_party` creates requests and verifies answers. `table` keeps started ceremonies until they are answered.
//! `decoys` generates made-up passkeys for users that do not exist. This module does not use the stores. Start reading
//! at [`RelyingParty`].

mod client_data;
mod decoys;
mod relying_party;
mod state;
mod table;

pub(crate) use self::{
    client_data::CeremonyChallenge,
    decoys::Decoys,
    relying_party::{AnswerError, RelyingParty, Shown, Started},
    state::{Authentication, Purpose, Registration, Wanted},
    table::Ceremonies,
};
