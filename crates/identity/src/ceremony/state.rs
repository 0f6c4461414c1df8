//! What is remembered of a ceremony until its answer arrives.

use doorward::UserId;
use doorward_core::Account;
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use crate::client::Handover;

/// A ceremony that waits for a new passkey.
pub(crate) struct Registration {
    pub(crate) state: PasskeyRegistration,
    pub(crate) purpose: Purpose,
}

/// What the new passkey is for.
pub(crate) enum Purpose {
    /// One more for the account of this session's user.
    Add(UserId),
    /// The first one of this account.
    SignUp(Box<Account>, Handover),
}

/// A ceremony that waits for a passkey.
pub(crate) struct Authentication {
    pub(crate) state: DiscoverableAuthentication,
    pub(crate) wanted: Wanted,
    pub(crate) handover: Handover,
}

/// The user whose passkey will do.
pub(crate) enum Wanted {
    AnyUser,
    /// A name was given that no account has.
    NoUser,
    User(UserId),
}
