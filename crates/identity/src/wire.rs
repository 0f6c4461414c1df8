//! What a client reads of a sign-in: the only place of this crate that decides so.
//!
//! Socket and HTTP say the same: a [`SignInCode`] with its message, and over HTTP the status that goes with
//! it. A cause never gets here. Start reading at [`SignInCode`].

use std::time::{Duration, SystemTime};

use doorward_core::wire::timestamp;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

/// Declares the codes with their messages and their status.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $message:literal, $status:ident;)+) => {
        /// Why a request of a sign-in, or about an account, was not granted.
        ///
        /// # Examples
        /// ```
        /// use doorward_identity::SignInCode;
        ///
        /// assert_eq!(SignInCode::AuthenticationFailed.as_str(), "authentication_failed");
        /// assert_eq!(SignInCode::AuthenticationFailed.message(), "Sign-in failed");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum SignInCode {
            $($(#[$doc])* $variant,)+
        }

        impl SignInCode {
            /// All of them, in the order of their names.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns what programs read.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// Returns what people read.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)+ }
            }

            /// Returns the status over HTTP.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }
        }
    };
}

codes! {
    /// The passkey or the code is not good, or not of this user.
    AuthenticationFailed = "authentication_failed", "Sign-in failed", UNAUTHORIZED;
    /// What was sent is not what is expected.
    BadRequest = "bad_request", "Bad request", BAD_REQUEST;
    /// There is no ceremony that this could answer.
    CeremonyOver = "ceremony_over", "Start again", CONFLICT;
    /// The page's origin is not allowed, or the application said no.
    Forbidden = "forbidden", "Forbidden", FORBIDDEN;
    /// Not a name that others could read.
    InvalidDisplayName = "invalid_display_name", "This name cannot be used", BAD_REQUEST;
    /// Not a [`Username`](crate::Username).
    InvalidUsername = "invalid_username", "This user name cannot be used", BAD_REQUEST;
    /// Without it, its owner could not come back.
    LastPasskey = "last_passkey", "This is the last passkey", CONFLICT;
    /// There is no such thing, or it is somebody else's.
    NotFound = "not_found", "Not found", NOT_FOUND;
    /// The last sign-in was too long ago for this.
    ReauthenticationRequired = "reauthentication_required", "Sign in again", FORBIDDEN;
    /// The new passkey is not good.
    RegistrationFailed = "registration_failed", "The passkey was not accepted", BAD_REQUEST;
    /// There is no session.
    SessionRequired = "session_required", "Sign in first", UNAUTHORIZED;
    /// There is no room to keep what was asked for. Nothing was changed.
    StorageFull = "storage_full", "There is no room to keep this", INSUFFICIENT_STORAGE;
    /// The ticket opens nothing, or not for this browser.
    TicketInvalid = "ticket_invalid", "Sign in again", BAD_REQUEST;
    /// The budget of the address or of the account is used up.
    TooManyAttempts = "too_many_attempts", "Too many attempts", TOO_MANY_REQUESTS;
    /// The account has as many as it may have.
    TooManyPasskeys = "too_many_passkeys", "Too many passkeys", CONFLICT;
    /// Something that must be asked does not answer.
    Unavailable = "unavailable", "Try again later", SERVICE_UNAVAILABLE;
    /// The name belongs to an account.
    UsernameTaken = "username_taken", "This user name is taken", CONFLICT;
}

/// What a client is told in place of what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: SignInCode,
    pub(crate) retry_after: Option<Duration>,
}

impl From<SignInCode> for Failure {
    fn from(code: SignInCode) -> Self {
        Self { code, retry_after: None }
    }
}

impl Failure {
    pub(crate) fn too_many(wait: Duration) -> Self {
        Self { code: SignInCode::TooManyAttempts, retry_after: Some(wait) }
    }

    /// Whole seconds: rounding down would send clients back too early.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after.map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }
}

/// The answer to one step of a ceremony, over a socket and over HTTP.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Reply {
    /// What an authenticator is to be asked.
    Options { success: bool, options: Value },
    /// There is a session behind this ticket.
    #[serde(rename_all = "camelCase")]
    Ticket { success: bool, message: &'static str, ticket: String, expires_at: String },
    /// There is a session, for a client that keeps no cookies.
    #[serde(rename_all = "camelCase")]
    Session { success: bool, message: &'static str, session_token: String },
    /// Not granted.
    #[serde(rename_all = "camelCase")]
    Failed {
        success: bool,
        code: &'static str,
        message: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
}

impl Reply {
    pub(crate) fn options(options: Value) -> Self {
        Self::Options { success: true, options }
    }

    pub(crate) fn ticket(ticket: String, expires_at: SystemTime) -> Self {
        Self::Ticket {
            success: true,
            message: SIGNED_IN,
            ticket,
            expires_at: timestamp(expires_at),
        }
    }

    pub(crate) fn session(session_token: String) -> Self {
        Self::Session { success: true, message: SIGNED_IN, session_token }
    }
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Self {
        let retry_after = failure.retry_after_seconds();
        let Failure { code, .. } = failure;
        Self::Failed { success: false, code: code.as_str(), message: code.message(), retry_after }
    }
}

impl From<Result<Self, Failure>> for Reply {
    fn from(result: Result<Self, Failure>) -> Self {
        result.unwrap_or_else(Self::from)
    }
}

const SIGNED_IN: &str = "Signed in";
