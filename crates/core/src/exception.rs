//! Why an event could not be answered with a value.

use std::{borrow::Cow, fmt, time::Duration};

use crate::{Code, Refusal, RefusalCode};

/// One fault of a payload, for the program that sent it.
///
/// # Examples
/// ```
/// let detail = doorward_core::Detail { path: "age".into(), message: "expected a number".into() };
/// # assert_eq!(detail.path, "age");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Where in the payload, as `items[2].name`; empty for the payload itself.
    pub path: String,
    /// What was expected. It never repeats what was sent.
    pub message: String,
}

/// An event answered with an error.
///
/// With an ack the client reads it as `{ "status": "error", "code", "message", "id" }`; without one
/// the same object comes as the event `exception`.
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
#[derive(Clone, Debug)]
pub struct Exception {
    code: Code,
    message: Cow<'static, str>,
    details: Vec<Detail>,
    retry_after: Option<Duration>,
}

impl Exception {
    /// The codes of the framework's own.
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

    /// Answers with a code and a message of the application's own. A text that is no [`Code`] reads
    /// `invalid_code`.
    #[must_use]
    pub fn new(code: impl Into<Code>, message: impl Into<Cow<'static, str>>) -> Self {
        let code = code.into();
        Self { code, message: message.into(), details: Vec::new(), retry_after: None }
    }

    /// The payload is not what the handler takes.
    #[must_use]
    pub fn bad_payload(details: Vec<Detail>) -> Self {
        Self { details, ..Self::new(BAD_PAYLOAD, "Bad payload") }
    }

    /// A guard said no.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(FORBIDDEN, "Forbidden")
    }

    /// Something on our side went wrong. What it was is for the log.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(INTERNAL, "Internal error")
    }

    /// Too many of them in too short a time; `after` is rounded up to whole seconds.
    #[must_use]
    pub fn rate_limited(after: Duration) -> Self {
        Self::new(RATE_LIMITED, "Too many requests").retry_after(after)
    }

    /// The user is to prove once more who they are.
    #[must_use]
    pub fn reauthentication_required() -> Self {
        Self::new(REAUTHENTICATION_REQUIRED, "Reauthentication required")
    }

    /// The handler took too long.
    #[must_use]
    pub fn timeout() -> Self {
        Self::new(TIMEOUT, "Timeout")
    }

    /// The client is in as many rooms as it may be.
    #[must_use]
    pub fn too_many_rooms() -> Self {
        Self::new(TOO_MANY_ROOMS, "Too many rooms")
    }

    /// No handler takes this event.
    #[must_use]
    pub fn unknown_event() -> Self {
        Self::new(UNKNOWN_EVENT, "Unknown event")
    }

    /// Tells the client when to try again (rounded up to whole seconds).
    #[must_use]
    pub fn retry_after(self, after: Duration) -> Self {
        Self { retry_after: Some(after), ..self }
    }

    /// The code a program reads.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code.as_str()
    }

    /// The message a person reads.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What is wrong with the payload, field by field.
    #[must_use]
    pub fn details(&self) -> &[Detail] {
        &self.details
    }

    /// How long to wait, when that is known.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Exception {}

/// What a guard says no with, as the answer to an event or a room.
impl From<Refusal> for Exception {
    fn from(refusal: Refusal) -> Self {
        let wait = refusal.retry_after();
        let exception = match refusal.code() {
            RefusalCode::Application(code) => Self::new(code, refusal.into_message()),
            RefusalCode::ReauthenticationRequired => Self::reauthentication_required(),
            RefusalCode::TooManyRooms => Self::too_many_rooms(),
            RefusalCode::TooManyAttempts => Self::new(RATE_LIMITED, "Too many requests"),
            // Whoever is in is known, so nothing else can be meant.
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
