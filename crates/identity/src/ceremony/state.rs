//! State of a ceremony until its answer arrives.

use doorward::UserId;
use doorward_core::Account;
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use crate::client::Handover;

/// State of a ceremony that creates a passkey.
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

/// State of a ceremony that uses a passkey.
pub(crate) struct Authentication {
    pub(crate) state: DiscoverableAuthentication,
    pub(crate) wanted: Wanted,
    pub(crate) handover: Handover,
}

/// User whose passkey a sign-in accepts.
pub(crate) enum Wanted {
    /// The client named no user, so a passkey of any user is accepted.
    AnyUser,
    /// The client named a user without an account, so no passkey is accepted.
    NoUser,
    /// The client named this user.
    User(UserId),
}
