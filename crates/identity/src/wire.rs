//! Defines the codes, messages and replies of a sign-in. No other module of this crate defines them.
//!
//! Answers over a socket and over HTTP have the same [`SignInCode`] and message. HTTP adds a status. The causes of
//! errors are never sent to clients. Start reading at [`SignInCode`].

use std::time::{Duration, SystemTime};

use doorward_core::wire::timestamp;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

/// Declares the codes, with their messages and HTTP statuses.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $message:literal, $status:ident;)+) => {
        /// Code of a request that has failed to sign a user in or to manage an account.
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
            /// All codes, sorted by name.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the code as text, which client programs compare.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// Returns the message, which is for people.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)+ }
            }

            /// Returns the HTTP status of responses with this code.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }
        }
    };
}

codes! {
    /// The passkey or the recovery code is invalid, or belongs to another user.
    AuthenticationFailed = "authentication_failed", "Sign-in failed", UNAUTHORIZED;
    /// The request is malformed.
    BadRequest = "bad_request", "Bad request", BAD_REQUEST;
    /// The answer of the client belongs to no passkey ceremony that the client has started, or the ceremony has
    /// expired.
    CeremonyOver = "ceremony_over", "Start again", CONFLICT;
    /// The origin of the page is not allowed, or the application has rejected the user.
    Forbidden = "forbidden", "Forbidden", FORBIDDEN;
    /// The display name or the name of the passkey is invalid, or looks like the user name of another account.
    InvalidDisplayName = "invalid_display_name", "This name cannot be used", BAD_REQUEST;
    /// The text is not a valid [`Username`](crate::Username).
    InvalidUsername = "invalid_username", "This user name cannot be used", BAD_REQUEST;
    /// The last passkey cannot be removed while there is no recovery code, because the user could not sign in again.
    LastPasskey = "last_passkey", "This is the last passkey", CONFLICT;
    /// The resource does not exist, or belongs to another user.
    NotFound = "not_found", "Not found", NOT_FOUND;
    /// The last sign-in is too old for this request.
    ReauthenticationRequired = "reauthentication_required", "Sign in again", FORBIDDEN;
    /// The new passkey is invalid.
    RegistrationFailed = "registration_failed", "The passkey was not accepted", BAD_REQUEST;
    /// The request has no active session.
    SessionRequired = "session_required", "Sign in first", UNAUTHORIZED;
    /// New accounts are not accepted.
    SignUpClosed = "sign_up_closed", "New accounts are not accepted", FORBIDDEN;
    /// A store is full. Nothing was changed.
    StorageFull = "storage_full", "There is no room to keep this", INSUFFICIENT_STORAGE;
    /// The ticket is invalid, has expired, was used, or was issued to another browser.
    TicketInvalid = "ticket_invalid", "Sign in again", BAD_REQUEST;
    /// The network of the client or the user has used up its budget of attempts.
    TooManyAttempts = "too_many_attempts", "Too many attempts", TOO_MANY_REQUESTS;
    /// The account has the maximum number of passkeys.
    TooManyPasskeys = "too_many_passkeys", "Too many passkeys", CONFLICT;
    /// A dependency, such as a store, does not answer.
    Unavailable = "unavailable", "Try again later", SERVICE_UNAVAILABLE;
    /// Another account has the user name.
    UsernameTaken = "username_taken", "This user name is taken", CONFLICT;
}

/// Failure of a request, with the code and the wait that the client receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: SignInCode,
    pub(crate) retry_after: Option<Duration>,
}

/// Result of a request. Its error is the failure that the client receives.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl From<SignInCode> for Failure {
    fn from(code: SignInCode) -> Self {
        Self { code, retry_after: None }
    }
}

impl Failure {
    pub(crate) fn too_many(wait: Duration) -> Self {
        Self { code: SignInCode::TooManyAttempts, retry_after: Some(wait) }
    }

    /// Returns the time after which the client may retry, rounded up to whole seconds. Returns `None` if no time is
    /// known.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after.map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }
}

/// Reply to one step of a ceremony, over a socket and over HTTP.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Reply {
    /// Options that the page passes to the authenticator of the user.
    Options { success: bool, options: Value },
    /// A ticket for the new session.
    #[serde(rename_all = "camelCase")]
    Ticket { success: bool, message: &'static str, ticket: String, expires_at: String },
    /// A session token, for a client without cookies.
    #[serde(rename_all = "camelCase")]
    Session { success: bool, message: &'static str, session_token: String },
    /// Failure of the step.
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

impl From<Result<Self>> for Reply {
    fn from(result: Result<Self>) -> Self {
        result.unwrap_or_else(Self::from)
    }
}

const SIGNED_IN: &str = "Signed in";
