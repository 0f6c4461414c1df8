//! Why a client may not come in.

use std::{borrow::Cow, fmt, time::Duration};

use crate::{Code, Fault, Part, Problem, RefusalReason};

/// What a refused client should do next.
///
/// # Examples
/// ```
/// assert_eq!(doorward_core::Retry::AfterRefresh.as_str(), "after_refresh");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Retry {
    /// Sign in again.
    AfterLogin,
    /// Get a new token, then connect again.
    AfterRefresh,
    /// Try again after a while.
    Later,
    /// Do not come back with this credential.
    Never,
}

impl Retry {
    /// Returns the word a client reads.
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

/// The codes of a refused CONNECT.
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
    /// A code of the application's own.
    Application(Code),
    /// The `auth` payload is not what it must be.
    BadHandshake,
    /// Known, but not allowed.
    Forbidden,
    /// The namespace is not mounted.
    InvalidNamespace,
    /// The user is to prove once more who they are.
    ReauthenticationRequired,
    /// The session existed and has ended.
    SessionExpired,
    /// The token was good and is over its time.
    TokenExpired,
    /// The budget of this link, address or user is used up. A client that has nothing else on its link does not read
    /// it: its transport ends, and it comes back by itself.
    TooManyAttempts,
    /// The link has as many namespaces as it may.
    TooManyNamespaces,
    /// A connect hook would have put the client into more rooms than it may be in.
    TooManyRooms,
    /// Not known: one code for every reason, so that nothing can be probed.
    Unauthenticated,
}

impl RefusalCode {
    /// All codes of the framework's own.
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

    /// Returns the code a client reads in `data.code`.
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
}

/// A CONNECT that is answered with "no", once, before the link closes.
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
#[derive(Clone, Debug)]
pub struct Refusal {
    code: RefusalCode,
    message: Cow<'static, str>,
    retry: Option<Retry>,
    retry_after: Option<Duration>,
    reason: RefusalReason,
    fault: Option<Fault>,
}

impl Refusal {
    /// Refuses with a code and a message of the application's own.
    ///
    /// The client reads both, as `connect_error.message` and `connect_error.data.code`. A text that is no [`Code`]
    /// reads `invalid_code`.
    #[must_use]
    pub fn new(code: impl Into<Code>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::build(
            RefusalCode::Application(code.into()),
            message.into(),
            None,
            RefusalReason::Application,
        )
    }

    /// Refuses somebody whose connection policy allows no further connection.
    #[must_use]
    pub fn already_connected() -> Self {
        Self::build(
            RefusalCode::AlreadyConnected,
            "Already connected".into(),
            Some(Retry::Later),
            RefusalReason::SeatTaken,
        )
    }

    /// Refuses a handshake that is malformed.
    #[must_use]
    pub fn bad_handshake() -> Self {
        Self::build(
            RefusalCode::BadHandshake,
            "Bad handshake".into(),
            Some(Retry::Never),
            RefusalReason::AuthMalformed,
        )
        .about(Fault::new(Part::Member, "auth", Problem::Malformed))
    }

    /// Refuses somebody who is known and not allowed.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::build(
            RefusalCode::Forbidden,
            "Forbidden".into(),
            Some(Retry::Never),
            RefusalReason::GuardDenied,
        )
    }

    /// Refuses a namespace that is not mounted.
    #[must_use]
    pub fn invalid_namespace() -> Self {
        Self::build(
            RefusalCode::InvalidNamespace,
            "Invalid namespace".into(),
            None,
            RefusalReason::NamespaceUnknown,
        )
    }

    /// Refuses somebody who is to prove once more who they are, because it was too long ago.
    #[must_use]
    pub fn reauthentication_required() -> Self {
        Self::build(
            RefusalCode::ReauthenticationRequired,
            "Reauthentication required".into(),
            Some(Retry::AfterLogin),
            RefusalReason::ReauthenticationRequired,
        )
    }

    /// Refuses a session that existed and has ended.
    #[must_use]
    pub fn session_expired() -> Self {
        Self::build(
            RefusalCode::SessionExpired,
            "Unauthorized".into(),
            Some(Retry::AfterLogin),
            RefusalReason::SessionExpired,
        )
    }

    /// Refuses a token whose signature is good and whose time is over. Nothing else may use it: a
    /// client that reads it fetches a new token and tries again.
    #[must_use]
    pub fn token_expired() -> Self {
        Self::build(
            RefusalCode::TokenExpired,
            "Unauthorized".into(),
            Some(Retry::AfterRefresh),
            RefusalReason::TokenExpired,
        )
    }

    /// Refuses a namespace beyond those that a link may have.
    #[must_use]
    pub fn too_many_namespaces() -> Self {
        Self::build(
            RefusalCode::TooManyNamespaces,
            "Too many namespaces".into(),
            Some(Retry::Never),
            RefusalReason::TooManyNamespaces,
        )
    }

    /// Refuses a client that would be in more rooms than it may be in.
    #[must_use]
    pub fn too_many_rooms() -> Self {
        Self::build(
            RefusalCode::TooManyRooms,
            "Too many rooms".into(),
            Some(Retry::Never),
            RefusalReason::RoomDenied,
        )
    }

    /// Refuses a client that has used up a budget, for `retry_after` (rounded up to whole seconds).
    ///
    /// A wait mends it, so the client is to come back by itself: at a CONNECT its transport ends without a packet,
    /// unless another of its sockets lives on the link. Then it reads the code, and the link stays.
    #[must_use]
    pub fn too_many_attempts(retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::build(
                RefusalCode::TooManyAttempts,
                "Too many attempts".into(),
                Some(Retry::Later),
                RefusalReason::TooManyAttempts,
            )
        }
    }

    /// Refuses somebody who is not known. The client reads the same for every reason; the audit
    /// record has the one given.
    #[must_use]
    pub fn unauthenticated(reason: RefusalReason) -> Self {
        Self::build(
            RefusalCode::Unauthenticated,
            "Unauthorized".into(),
            Some(Retry::AfterLogin),
            reason,
        )
    }

    /// Tells the client what to do next.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry: Some(retry), ..self }
    }

    /// Tells the client how long to wait (rounded up to whole seconds).
    #[must_use]
    pub fn after(self, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..self }
    }

    /// Gives the audit record a finer reason; the client does not see it.
    #[must_use]
    pub fn because(self, reason: RefusalReason) -> Self {
        Self { reason, ..self }
    }

    /// Gives the audit record the part of what the client sent that was at fault; the client does not see it.
    #[must_use]
    pub fn about(self, fault: impl Into<Option<Fault>>) -> Self {
        Self { fault: fault.into(), ..self }
    }

    /// The code a client reads.
    #[must_use]
    pub fn code(&self) -> RefusalCode {
        self.code
    }

    /// The message a person reads.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn into_message(self) -> Cow<'static, str> {
        self.message
    }

    /// The hint for the client's program.
    #[must_use]
    pub fn retry_hint(&self) -> Option<Retry> {
        self.retry
    }

    /// How long to wait, when that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The reason for the audit record.
    #[must_use]
    pub fn reason(&self) -> RefusalReason {
        self.reason
    }

    /// What was at fault, for the audit record.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    fn build(
        code: RefusalCode,
        message: Cow<'static, str>,
        retry: Option<Retry>,
        reason: RefusalReason,
    ) -> Self {
        Self { code, message, retry, retry_after: None, reason, fault: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

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
