//! WebAuthn ceremonies: decides whether the answer of an authenticator is valid.
//!
//! `relying_party` creates requests and verifies answers, `table` returns each ceremony once, and `decoys` makes up
//! passkeys of users that do not exist. Nothing here depends on accounts, sessions or authenticated clients. Start
//! reading at [`RelyingParty`].

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
