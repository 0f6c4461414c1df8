//! Types of the hook with which an application rejects a sign-in, or adds data to the session. Start reading at
//! [`Hook`].

use doorward::{BoxError, session::SessionData, store::BoxFuture};
use doorward_core::{Account, PasskeyRecord};

/// User who has just proved their identity. The hook of
/// [`IdentityBuilder::on_sign_in`](crate::IdentityBuilder::on_sign_in) receives it.
///
/// # Examples
/// ```
/// use doorward_identity::SigningIn;
///
/// fn greet(who: &SigningIn) -> String {
///     format!("{} is back", who.account.display_name)
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SigningIn {
    /// Account of the user.
    pub account: Account,
    /// Method with which the user has proved their identity.
    pub method: SignInMethod,
}

/// Method with which a user proves their identity.
///
/// # Examples
/// ```
/// assert_ne!(doorward_identity::SignInMethod::Passkey, doorward_identity::SignInMethod::SignUp);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignInMethod {
    /// The user has used a passkey of the account.
    Passkey,
    /// The user has used a recovery code of the account. The code is used up if the sign-in succeeds.
    RecoveryCode,
    /// The user creates the account with its first passkey. The account is stored after the hook has succeeded.
    SignUp,
}

/// Error with which an application rejects a sign-in.
///
/// # Examples
/// ```
/// use doorward_identity::SignInError;
///
/// assert_eq!(SignInError::Refused.to_string(), "the application refused");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// The user may not sign in. The client receives `forbidden`.
    #[error("the application refused")]
    Refused,
    /// A dependency of the application did not answer. The client receives `unavailable`.
    #[error("the application could not decide")]
    Unavailable(#[source] BoxError),
}

/// Hook of [`IdentityBuilder::on_sign_in`](crate::IdentityBuilder::on_sign_in).
pub(crate) type Hook =
    Box<dyn Fn(SigningIn) -> BoxFuture<'static, Result<SessionData, SignInError>> + Send + Sync>;

/// Valid proof of a user's identity, with the data that the rest of the sign-in must store.
#[derive(Clone, Copy)]
pub(crate) enum Proof<'a> {
    /// A passkey, whose use is already stored.
    Passkey,
    /// The recovery code with this hash, which must be used up.
    RecoveryCode(&'a [u8; 32]),
    /// The first passkey of a new account. The account must be stored with this passkey.
    SignUp(&'a PasskeyRecord),
}

impl Proof<'_> {
    pub(crate) fn method(self) -> SignInMethod {
        match self {
            Self::Passkey => SignInMethod::Passkey,
            Self::RecoveryCode(_) => SignInMethod::RecoveryCode,
            Self::SignUp(_) => SignInMethod::SignUp,
        }
    }
}
