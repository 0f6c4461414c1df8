//! State of a ceremony until its answer arrives.

use doorward::UserId;
use doorward_core::Account;
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use crate::client::Handover;

/// A ceremony that creates a passkey.
pub(crate) struct Registration {
    pub(crate) state: PasskeyRegistration,
    pub(crate) purpose: Purpose,
}

/// Purpose of the new passkey.
pub(crate) enum Purpose {
    /// An additional passkey for the user of a session.
    Add(UserId),
    /// The first passkey of a new account.
    SignUp(Box<Account>, Handover),
}

/// A ceremony that uses a passkey.
pub(crate) struct Authentication {
    pub(crate) state: DiscoverableAuthentication,
    pub(crate) wanted: Wanted,
    pub(crate) handover: Handover,
}

/// The user whose passkey is accepted.
pub(crate) enum Wanted {
    AnyUser,
    /// A name without an account was given.
    NoUser,
    User(UserId),
}
