//! What a handler may ask for.

use std::{borrow::Cow, fmt, ops::Deref, sync::Arc};

use doorward_core::{Detail, Exception};
use doorward_protocol::first_argument;
use serde::de::DeserializeOwned;

use crate::Connection;

/// One event, as extractors see it.
///
/// # Examples
/// ```
/// use doorward::{EventContext, Exception, FromEvent};
///
/// /// How many bytes the client sent.
/// struct Size(usize);
///
/// impl<P> FromEvent<P> for Size {
///     fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
///         Ok(Self(context.data().len()))
///     }
/// }
/// ```
pub struct EventContext<'a, P> {
    connection: &'a Connection<P>,
    name: &'a Arc<str>,
    data: &'a str,
}

impl<'a, P> EventContext<'a, P> {
    pub(crate) fn new(connection: &'a Connection<P>, name: &'a Arc<str>, data: &'a str) -> Self {
        Self { connection, name, data }
    }

    /// Who sent it.
    #[must_use]
    pub fn connection(&self) -> &'a Connection<P> {
        self.connection
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'a Arc<str> {
        self.name
    }

    /// The JSON array `["name", argument, ..]` as it was sent: well-formed, and not nested too deeply.
    #[must_use]
    pub fn data(&self) -> &'a str {
        self.data
    }
}

impl<P> fmt::Debug for EventContext<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventContext").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Something a handler takes as an argument, made from the event.
///
/// # Examples
/// See [`EventContext`].
/// ```
/// use doorward::{EventName, FromEvent, auth::Claims};
///
/// fn take<T: FromEvent<Claims>>() {}
/// take::<EventName>();
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler in a namespace of `{P}` cannot take `{Self}`",
    note = "handlers take `Payload<T>`, `Principal<{P}>`, `Connection<{P}>`, `Data<T>`, `EventName`, \
            or a type of yours that implements `FromEvent<{P}>`"
)]
pub trait FromEvent<P>: Sized {
    /// Makes the argument.
    ///
    /// # Errors
    /// What the client reads instead of the handler's answer; the handler does not run.
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception>;
}

/// The argument of the event, decoded.
///
/// An event without an argument is read as `null`. A payload that is not a `T` is answered with
/// `bad_payload`, and the handler does not run.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let gateway: Gateway<Claims> = Gateway::at("/")
///     .on("add", |Payload((a, b)): Payload<(i64, i64)>| async move { a.saturating_add(b) });
/// # drop(gateway);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Payload<T>(pub T);

impl<P, T: DeserializeOwned> FromEvent<P> for Payload<T> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        first_argument(context.data)
            .map(Payload)
            .map_err(|error| Exception::bad_payload(vec![detail(&error)]))
    }
}

/// Whom the server acts for: it derefs to the application's own type.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// struct User { name: String }
///
/// let gateway: Gateway<User> =
///     Gateway::at("/").on("whoami", |me: Principal<User>| async move { me.name.clone() });
/// # drop(gateway);
/// ```
///
/// In a namespace of another principal it does not compile:
/// ```compile_fail
/// use doorward::prelude::*;
///
/// struct User { name: String }
///
/// let gateway: Gateway<Anonymous> =
///     Gateway::at("/").on("whoami", |me: Principal<User>| async move { me.name.clone() });
/// ```
pub struct Principal<P>(Connection<P>);

impl<P> Deref for Principal<P> {
    type Target = P;

    fn deref(&self) -> &P {
        self.0.principal()
    }
}

impl<P: fmt::Debug> fmt::Debug for Principal<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Principal").field(self.0.principal()).finish()
    }
}

impl<P> FromEvent<P> for Principal<P> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        Ok(Self(context.connection.clone()))
    }
}

/// The name of the event, for handlers that take several.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let gateway: Gateway<Claims> =
///     Gateway::at("/").on("ping", |EventName(name): EventName| async move { name.to_string() });
/// # drop(gateway);
/// ```
#[derive(Clone, Debug)]
pub struct EventName(pub Arc<str>);

impl<P> FromEvent<P> for EventName {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        Ok(Self(Arc::clone(context.name)))
    }
}

/// Says what was expected without repeating what was sent.
///
/// serde's messages end in what the type expects, behind a part that quotes the payload; only the end
/// is ours to show.
fn detail(error: &serde_json::Error) -> Detail {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
    let message = match text.rsplit_once("expected ") {
        Some((_, expected)) => Cow::Owned(format!("expected {expected}")),
        None if text.starts_with("missing field ") => Cow::Borrowed(text),
        None => Cow::Borrowed("not what this event takes"),
    };
    Detail { path: String::new(), message: message.into_owned() }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug)]
    #[expect(dead_code, reason = "only its decoding is looked at")]
    struct Order {
        amount: u8,
    }

    fn message(json: &str) -> String {
        detail(&first_argument::<Order>(json).unwrap_err()).message
    }

    #[test]
    fn a_wrong_payload_is_explained_without_being_repeated() {
        assert_eq!(message(r#"["o",{"amount":"canary"}]"#), "expected u8");
        assert_eq!(message(r#"["o",{"amount":", expected canary"}]"#), "expected u8");
        assert_eq!(message(r#"["o",{}]"#), "missing field `amount`");
        assert_eq!(message(r#"["o",{"amount":1},2]"#), "expected one argument");
        assert_eq!(message(r#"["o"]"#), "expected struct Order");
    }
}
