//! Errors that are sent as the answer to an event, in place of a value.

use std::{borrow::Cow, time::Duration};

use crate::{Code, Refusal, RefusalCode};

/// Error in one field of the payload of an event. The client program that sent the payload receives
/// it.
///
/// # Examples
/// ```
/// let detail = doorward_core::Detail { path: "age".into(), message: "expected a number".into() };
/// # assert_eq!(detail.path, "age");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Path of the field in the payload, such as `items[2].name`. The path is empty if the error
    /// concerns the whole payload.
    pub path: String,
    /// Description of the expected value. Do not repeat the input of the client.
    pub message: String,
}

/// Error answer to an event.
///
/// If the client asked for an ack, it receives `{ "status": "error", "code", "message", "id" }`.
/// Otherwise the same object arrives as the event `exception`.
///
/// # Examples
/// ```
/// use doorward_core::Exception;
///
/// async fn withdraw(amount: u32) -> Result<u32, Exception> {
///     if amount > 100 {
///         return Err(Exception::new("not_covered", "There is not enough money"));
///     }
///     Ok(amount)
/// }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Exception {
    code: Code,
    message: Cow<'static, str>,
    details: Vec<Detail>,
    retry_after: Option<Duration>,
}

impl Exception {
    /// All exception codes that the framework itself uses.
    pub const CODES: [&'static str; 8] = [
        BAD_PAYLOAD,
        FORBIDDEN,
        INTERNAL,
        RATE_LIMITED,
        REAUTHENTICATION_REQUIRED,
        TIMEOUT,
        TOO_MANY_ROOMS,
        UNKNOWN_EVENT,
    ];

    /// Creates an exception with a code and a message of the application. An invalid [`Code`] is
    /// replaced by `invalid_code`.
    #[must_use]
    pub fn new(code: impl Into<Code>, message: impl Into<Cow<'static, str>>) -> Self {
        let code = code.into();
        Self { code, message: message.into(), details: Vec::new(), retry_after: None }
    }

    /// Creates a `bad_payload` exception, for a payload that the handler cannot accept.
    #[must_use]
    pub fn bad_payload(details: Vec<Detail>) -> Self {
        Self { details, ..Self::new(BAD_PAYLOAD, "Bad payload") }
    }

    /// Creates a `forbidden` exception, for an action that a guard has denied.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(FORBIDDEN, "Forbidden")
    }

    /// Creates an `internal` exception, for a failure of the server. The exception does not contain
    /// the cause. Log the cause instead.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(INTERNAL, "Internal error")
    }

    /// Creates a `rate_limited` exception, for an event that exceeds a rate limit. The client
    /// should wait for `after`, which is rounded up to whole seconds.
    #[must_use]
    pub fn rate_limited(after: Duration) -> Self {
        Self::new(RATE_LIMITED, "Too many requests").retry_after(after)
    }

    /// Creates a `reauthentication_required` exception, for a user who must authenticate again.
    #[must_use]
    pub fn reauthentication_required() -> Self {
        Self::new(REAUTHENTICATION_REQUIRED, "Reauthentication required")
    }

    /// Creates a `timeout` exception, for a handler that exceeded its time limit.
    #[must_use]
    pub fn timeout() -> Self {
        Self::new(TIMEOUT, "Timeout")
    }

    /// Creates a `too_many_rooms` exception, for a join beyond the number of rooms that a client
    /// may be in.
    #[must_use]
    pub fn too_many_rooms() -> Self {
        Self::new(TOO_MANY_ROOMS, "Too many rooms")
    }

    /// Creates an `unknown_event` exception, for an event without a handler.
    #[must_use]
    pub fn unknown_event() -> Self {
        Self::new(UNKNOWN_EVENT, "Unknown event")
    }

    /// Sets the time that the client should wait before it retries. The client receives the time
    /// rounded up to whole seconds.
    #[must_use]
    pub fn retry_after(self, after: Duration) -> Self {
        Self { retry_after: Some(after), ..self }
    }

    /// Returns the code, which client programs compare.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code.as_str()
    }

    /// Returns the message, which is for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the errors in the payload, one for each invalid field. The list is empty for an
    /// exception that does not concern the payload.
    #[must_use]
    pub fn details(&self) -> &[Detail] {
        &self.details
    }

    /// Returns the time that the client should wait before it retries. Returns `None` if no time is
    /// set.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// Converts the refusal of a guard or a policy into the answer to an event or to a join.
impl From<Refusal> for Exception {
    fn from(refusal: Refusal) -> Self {
        let wait = refusal.retry_after();
        let exception = match refusal.code() {
            RefusalCode::Application(code) => Self::new(code, refusal.into_message()),
            RefusalCode::ReauthenticationRequired => Self::reauthentication_required(),
            RefusalCode::TooManyRooms => Self::too_many_rooms(),
            // The rate limit of an event and of a handshake have different codes on the wire.
            RefusalCode::TooManyAttempts => Self::new(RATE_LIMITED, "Too many requests"),
            // The socket is authenticated, so the other codes of a handshake cannot apply.
            _ => Self::forbidden(),
        };
        Self { retry_after: wait, ..exception }
    }
}

const BAD_PAYLOAD: &str = "bad_payload";
const FORBIDDEN: &str = "forbidden";
const INTERNAL: &str = "internal";
const RATE_LIMITED: &str = "rate_limited";
const REAUTHENTICATION_REQUIRED: &str = "reauthentication_required";
const TIMEOUT: &str = "timeout";
const TOO_MANY_ROOMS: &str = "too_many_rooms";
const UNKNOWN_EVENT: &str = "unknown_event";
