//! Types of the hook that lets an application reject a sign-in, or add data to its session. Start reading at
//! [`Hook`].

use doorward::{BoxError, session::SessionData, store::BoxFuture};
use doorward_core::{Account, PasskeyRecord};

/// A user who has just proved its identity, as passed to the hook of
/// [`IdentityBuilder::on_sign_in`](crate::IdentityBuilder::on_sign_in).
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
    /// Kind of proof.
    pub method: SignInMethod,
}

/// Kinds of proof.
///
/// # Examples
/// ```
/// assert_ne!(doorward_identity::SignInMethod::Passkey, doorward_identity::SignInMethod::SignUp);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignInMethod {
    /// A passkey of the account.
    Passkey,
    /// One of its recovery codes, which is used up.
    RecoveryCode,
    /// The account is new, and its first passkey too.
    SignUp,
}

/// Reasons for which an application rejects a sign-in.
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
    /// The user may not sign in: the client receives `forbidden`.
    #[error("the application refused")]
    Refused,
    /// A dependency did not answer: the client receives `unavailable`.
    #[error("the application could not decide")]
    Unavailable(#[source] BoxError),
}

/// The hook of an application.
pub(crate) type Hook =
    Box<dyn Fn(SigningIn) -> BoxFuture<'static, Result<SessionData, SignInError>> + Send + Sync>;

/// A valid proof, and what remains to be done with it.
#[derive(Clone, Copy)]
pub(crate) enum Proof<'a> {
    /// Its use is already stored.
    Passkey,
    /// The code with this hash is valid, and must be used up.
    RecoveryCode(&'a [u8; 32]),
    /// The account must be stored, with this passkey.
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
