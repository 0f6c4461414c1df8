//! Refusals, which answer clients that are not admitted.

use std::{borrow::Cow, time::Duration};

use crate::{Code, Fault, Part, Problem, RefusalReason};

/// Hint to a refused client about its next step.
///
/// # Examples
/// ```
/// assert_eq!(doorward_core::Retry::AfterRefresh.as_str(), "after_refresh");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Retry {
    /// The user should sign in again.
    AfterLogin,
    /// The client should get a new token, then connect again.
    AfterRefresh,
    /// The client should try again after a while.
    Later,
    /// The client should not connect again with this credential.
    Never,
}

impl Retry {
    /// Returns the hint as it is sent to the client.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AfterLogin => "after_login",
            Self::AfterRefresh => "after_refresh",
            Self::Later => "later",
            Self::Never => "never",
        }
    }
}

/// Code that a client receives when its CONNECT is refused.
///
/// # Examples
/// ```
/// use doorward_core::RefusalCode;
///
/// assert_eq!(RefusalCode::Forbidden.as_str(), "forbidden");
/// assert_eq!(RefusalCode::Application("invalid_token".into()).as_str(), "invalid_token");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalCode {
    /// The connection policy of the user allows no further connection.
    AlreadyConnected,
    /// A code of the application.
    Application(Code),
    /// The `auth` payload is malformed.
    BadHandshake,
    /// The client is authenticated, but not authorised.
    Forbidden,
    /// The server does not have the namespace.
    InvalidNamespace,
    /// The user must authenticate again.
    ReauthenticationRequired,
    /// The session has expired.
    SessionExpired,
    /// The token was valid and has expired.
    TokenExpired,
    /// The link, the address or the user has used up its budget. A client without another socket on
    /// its link does not receive this code. Its transport closes, and the client reconnects
    /// automatically.
    TooManyAttempts,
    /// The link is already in as many namespaces as allowed.
    TooManyNamespaces,
    /// A connect hook would have put the client into more rooms than allowed.
    TooManyRooms,
    /// The client is not authenticated. All reasons share this code, so that a client cannot find
    /// out why it is not authenticated.
    Unauthenticated,
}

impl RefusalCode {
    /// All codes that the framework itself uses.
    pub const ALL: [Self; 11] = [
        Self::AlreadyConnected,
        Self::BadHandshake,
        Self::Forbidden,
        Self::InvalidNamespace,
        Self::ReauthenticationRequired,
        Self::SessionExpired,
        Self::TokenExpired,
        Self::TooManyAttempts,
        Self::TooManyNamespaces,
        Self::TooManyRooms,
        Self::Unauthenticated,
    ];

    /// Returns the code that a client receives in `data.code`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyConnected => "already_connected",
            Self::Application(code) => code.as_str(),
            Self::BadHandshake => "bad_handshake",
            Self::Forbidden => "forbidden",
            Self::InvalidNamespace => "invalid_namespace",
            Self::ReauthenticationRequired => "reauthentication_required",
            Self::SessionExpired => "session_expired",
            Self::TokenExpired => "token_expired",
            Self::TooManyAttempts => "too_many_attempts",
            Self::TooManyNamespaces => "too_many_namespaces",
            Self::TooManyRooms => "too_many_rooms",
            Self::Unauthenticated => "unauthenticated",
        }
    }

    /// Returns the default message for people. It is empty for a code of an application.
    #[must_use]
    pub const fn default_message(self) -> &'static str {
        self.message_and_hint().0
    }

    /// Returns the default message for people, and the default hint for the client's program.
    const fn message_and_hint(self) -> (&'static str, Option<Retry>) {
        match self {
            Self::AlreadyConnected => ("Already connected", Some(Retry::Later)),
            // An application has its own message ([`Refusal::new`]).
            Self::Application(_) => ("", None),
            Self::BadHandshake => ("Bad handshake", Some(Retry::Never)),
            Self::Forbidden => ("Forbidden", Some(Retry::Never)),
            Self::InvalidNamespace => ("Invalid namespace", None),
            Self::ReauthenticationRequired => {
                ("Reauthentication required", Some(Retry::AfterLogin))
            }
            Self::SessionExpired | Self::Unauthenticated => {
                ("Unauthorized", Some(Retry::AfterLogin))
            }
            Self::TokenExpired => ("Unauthorized", Some(Retry::AfterRefresh)),
            Self::TooManyAttempts => ("Too many attempts", Some(Retry::Later)),
            Self::TooManyNamespaces => ("Too many namespaces", Some(Retry::Never)),
            Self::TooManyRooms => ("Too many rooms", Some(Retry::Never)),
        }
    }
}

/// Rejection of a client, with a code and a message that the client reads.
///
/// # Examples
/// ```
/// use doorward_core::{Refusal, RefusalReason, Retry};
///
/// let plain = Refusal::unauthenticated(RefusalReason::TokenSignature);
/// assert_eq!(plain.code().as_str(), "unauthenticated");
///
/// let own = Refusal::new("invalid_token", "Invalid token").retry(Retry::AfterLogin);
/// assert_eq!(own.to_string(), "Invalid token");
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    code: RefusalCode,
    message: Cow<'static, str>,
    retry: Option<Retry>,
    retry_after: Option<Duration>,
    reason: RefusalReason,
    fault: Option<Fault>,
}

impl Refusal {
    /// Refuses with a code and a message of the application.
    ///
    /// The client receives the message as `connect_error.message` and the code as
    /// `connect_error.data.code`. An invalid [`Code`] is replaced by `invalid_code`.
    #[must_use]
    pub fn new(code: impl Into<Code>, message: impl Into<Cow<'static, str>>) -> Self {
        let code = RefusalCode::Application(code.into());
        Self { message: message.into(), ..Self::of(code, RefusalReason::Application) }
    }

    /// Refuses a user whose connection policy allows no further connection.
    #[must_use]
    pub fn already_connected() -> Self {
        Self::of(RefusalCode::AlreadyConnected, RefusalReason::SeatTaken)
    }

    /// Refuses a malformed handshake.
    #[must_use]
    pub fn bad_handshake() -> Self {
        Self::of(RefusalCode::BadHandshake, RefusalReason::AuthMalformed).about(Fault::new(
            Part::Member,
            "auth",
            Problem::Malformed,
        ))
    }

    /// Refuses an authenticated client that is not authorised.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::of(RefusalCode::Forbidden, RefusalReason::GuardDenied)
    }

    /// Refuses a CONNECT to a namespace that the server does not have.
    #[must_use]
    pub fn invalid_namespace() -> Self {
        Self::of(RefusalCode::InvalidNamespace, RefusalReason::NamespaceUnknown)
    }

    /// Refuses a user who must authenticate again, because the last authentication was too long
    /// ago.
    #[must_use]
    pub fn reauthentication_required() -> Self {
        Self::of(RefusalCode::ReauthenticationRequired, RefusalReason::ReauthenticationRequired)
    }

    /// Refuses a session that has expired.
    #[must_use]
    pub fn session_expired() -> Self {
        Self::of(RefusalCode::SessionExpired, RefusalReason::SessionExpired)
    }

    /// Refuses a token that has a valid signature and has expired.
    ///
    /// Use this refusal for no other reason, because a client that reads its code fetches a new
    /// token and connects again.
    #[must_use]
    pub fn token_expired() -> Self {
        Self::of(RefusalCode::TokenExpired, RefusalReason::TokenExpired)
    }

    /// Refuses a CONNECT that exceeds the maximum number of namespaces on a link.
    #[must_use]
    pub fn too_many_namespaces() -> Self {
        Self::of(RefusalCode::TooManyNamespaces, RefusalReason::TooManyNamespaces)
    }

    /// Refuses a client that would be in more rooms than allowed.
    #[must_use]
    pub fn too_many_rooms() -> Self {
        Self::of(RefusalCode::TooManyRooms, RefusalReason::RoomDenied)
    }

    /// Refuses a client that has used up a budget. `retry_after` is rounded up to whole seconds.
    ///
    /// A stock client reconnects automatically only if its transport closes. The server therefore
    /// answers the CONNECT by closing the transport without a packet. If another socket uses the
    /// link, the link stays open and the client receives the code.
    #[must_use]
    pub fn too_many_attempts(retry_after: Duration) -> Self {
        Self::of(RefusalCode::TooManyAttempts, RefusalReason::TooManyAttempts).after(retry_after)
    }

    /// Refuses a client that is not authenticated. The client receives the same answer for every
    /// reason, and the audit record contains `reason`.
    #[must_use]
    pub fn unauthenticated(reason: RefusalReason) -> Self {
        Self::of(RefusalCode::Unauthenticated, reason)
    }

    /// Replaces the message for people, for example by one in the language of the application. The
    /// code stays the same.
    #[must_use]
    pub fn with_message(self, message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// Replaces the hint about the client's next step.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry: Some(retry), ..self }
    }

    /// Sets the time that the client should wait before it connects again. The client receives the
    /// time rounded up to whole seconds.
    #[must_use]
    pub fn after(self, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..self }
    }

    /// Replaces the reason in the audit record by a more specific reason. The client does not see
    /// it.
    #[must_use]
    pub fn because(self, reason: RefusalReason) -> Self {
        Self { reason, ..self }
    }

    /// Sets the part of the client's input that was at fault. The audit record contains it, and the
    /// client does not see it.
    #[must_use]
    pub fn about(self, fault: impl Into<Option<Fault>>) -> Self {
        Self { fault: fault.into(), ..self }
    }

    /// Returns the code, which the client's program compares.
    #[must_use]
    pub fn code(&self) -> RefusalCode {
        self.code
    }

    /// Returns the message, which is for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn into_message(self) -> Cow<'static, str> {
        self.message
    }

    /// Returns the hint about the client's next step. Returns `None` if the refusal gives no hint.
    #[must_use]
    pub fn retry_hint(&self) -> Option<Retry> {
        self.retry
    }

    /// Returns the time that the client should wait before it connects again. Returns `None` if no
    /// time is set.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns the reason that the audit record contains.
    #[must_use]
    pub fn reason(&self) -> RefusalReason {
        self.reason
    }

    /// Returns the part of the client's input that was at fault. Returns `None` if none was set.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    fn of(code: RefusalCode, reason: RefusalReason) -> Self {
        let (message, retry) = code.message_and_hint();
        Self { code, message: message.into(), retry, retry_after: None, reason, fault: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unauthenticated_client_reads_the_same() {
        let wrong = Refusal::unauthenticated(RefusalReason::TokenSignature);
        let gone = Refusal::unauthenticated(RefusalReason::UserUnknown);

        assert_eq!(wrong.code(), gone.code());
        assert_eq!(wrong.message(), gone.message());
        assert_eq!(wrong.retry_hint(), gone.retry_hint());
    }
}
