//! WebAuthn ceremonies: what is asked of an authenticator, and whether its answer is good.
//!
//! `relying_party` asks and judges, `table` hands each ceremony out once, and `decoys` makes up passkeys for users that
//! do not exist. Nothing here knows accounts, sessions or clients that are signed in.

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
