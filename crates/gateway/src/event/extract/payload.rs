//! Pipes: decode the payload of an event, and validate it if the handler asks for that.

use std::borrow::Cow;

use doorward_core::{Detail, Exception};
use doorward_protocol::{
    Args, DecodeError, FieldNames, RawArguments, check_binary, decode_all, decode_event,
};
use garde::Validate;
use serde::de::DeserializeOwned;

use crate::event::context::{EventContext, FromEvent};

/// The payload of the event, decoded.
///
/// A single argument is read as a `T`. Several arguments are read as a list, so a tuple, an array
/// `[T; N]` or a `Vec` takes them. No argument is read as `null`. If the payload is not a `T`, the
/// client receives `bad_payload` with the path of the error, and the handler does not run.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// // socket.emit("add", 1, 2), or socket.emit("add", [1, 2])
/// let gateway: Gateway<Claims> = Gateway::at("/")
///     .on("add", |Payload((a, b)): Payload<(i64, i64)>| async move { a.saturating_add(b) });
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Payload<T>(pub T);

impl<P, T: DeserializeOwned> FromEvent<P> for Payload<T> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        decode_event(context.data(), context.attachments()).map(Payload).map_err(bad_payload)
    }
}

/// The payload of the event, decoded and validated by the rules of [`garde`].
///
/// Each broken rule is one entry of `details`. Its path is in the client's spelling: `kickUserId` if
/// serde renames the field `kick_user_id` to camel case. A field that is renamed to an unrelated
/// word, such as by `rename = "uid"`, keeps the name that it has in the program.
///
/// The derive macro of garde expands to paths that begin with `::garde`. A program that uses it
/// needs `garde` among its own dependencies, with the feature `derive`.
///
/// # Examples
/// ```
/// use doorward::{garde, prelude::*};
///
/// #[derive(serde::Deserialize, garde::Validate)]
/// struct SignUp {
///     #[garde(length(min = 3, max = 20))]
///     name: String,
/// }
///
/// let gateway: Gateway<Claims> =
///     Gateway::at("/").on("sign-up", |Valid(form): Valid<SignUp>| async move { form.name });
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Valid<T>(pub T);

impl<P, T: DeserializeOwned + Validate<Context: Default>> FromEvent<P> for Valid<T> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        let Payload(value) = Payload::<T>::from_event(context)?;
        match value.validate() {
            Ok(()) => Ok(Self(value)),
            Err(report) => {
                let names = FieldNames::of::<T>(context.data(), context.attachments());
                let rules = report.iter().take(MOST_DETAILS);
                let details = rules.map(|(path, error)| broken_rule(&names, path, error));
                Err(Exception::bad_payload(details.collect()))
            }
        }
    }
}

/// Takes the list of arguments as it is: a tuple for a fixed number of them, a `Vec` for any number.
impl<P, T: DeserializeOwned> FromEvent<P> for Args<T> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        decode_all(context.data(), context.attachments()).map(Args).map_err(bad_payload)
    }
}

fn broken_rule(names: &FieldNames, path: &garde::Path, error: &garde::Error) -> Detail {
    Detail { path: own_path(names.path(&path.to_string())), message: error.message().to_owned() }
}

/// Explains where the payload is wrong and what was expected, without repeating the payload.
///
/// serde's messages quote the payload first and end with what the type expects. Only that end is
/// shown, and only for messages that begin as serde's own do: a `Deserialize` of the application may
/// word its messages as it likes and quote the payload at their end.
pub(crate) fn bad_payload(error: DecodeError) -> Exception {
    let text = error.source.to_string();
    let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
    let is_serdes = SERDE.iter().any(|start| text.starts_with(start));
    // The path of serde ends at the object that lacks the member. The path of the member itself is
    // more useful: a form shows the message beside that field.
    if let Some(name) = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'))
    {
        let dot = if error.path.is_empty() { "" } else { "." };
        let path = own_path(format!("{}{dot}{name}", error.path));
        return Exception::bad_payload(vec![Detail { path, message: "missing".to_owned() }]);
    }
    let message = match text.rsplit_once("expected ") {
        // These two messages end with the client's words: "unknown field `..`, there are no fields".
        _ if text.ends_with("there are no fields") || text.ends_with("there are no variants") => {
            Cow::Borrowed("not what this event takes")
        }
        Some((_, expected)) if is_serdes => Cow::Owned(format!("expected {}", in_json(expected))),
        _ => Cow::Borrowed("not what this event takes"),
    };
    let message = message.into_owned();
    Exception::bad_payload(vec![Detail { path: own_path(error.path), message }])
}

/// Replaces the name of a Rust type with the JSON type, because clients do not know the name.
fn in_json(expected: &str) -> Cow<'_, str> {
    let (what, rest) = expected.split_once(", not ").unwrap_or((expected, ""));
    let what = match what.split_once(' ') {
        Some(("struct", _)) => "an object",
        Some(("tuple", kind)) if kind.starts_with("struct ") => "an array",
        Some(("unit", kind)) if kind.starts_with("struct ") => "null",
        _ => return Cow::Borrowed(expected),
    };
    if rest.is_empty() { Cow::Borrowed(what) } else { Cow::Owned(format!("{what}, not {rest}")) }
}

/// Returns the path if it looks like names of fields and indices, and an empty one otherwise. The keys
/// of a map are words of the client, so a path can hold any text.
fn own_path(path: String) -> String {
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte);
    if path.len() <= LONGEST_PATH && path.bytes().all(is_ours) { path } else { String::new() }
}

/// Beginnings of the messages of serde and of `doorward_protocol`. Any other message may repeat the
/// client's words.
const SERDE: [&str; 7] = [
    "duplicate field ",
    "expected ",
    "invalid length ",
    "invalid type: ",
    "invalid value: ",
    "unknown field ",
    "unknown variant ",
];

/// Largest number of broken rules in one answer; a client that breaks more of them learns of the
/// rest after it has fixed these.
const MOST_DETAILS: usize = 16;

/// Longest path that is shown, in bytes.
const LONGEST_PATH: usize = 128;

/// Takes the arguments as they were sent. The placeholders of a binary event are checked, because
/// arguments that are passed on must be readable for the clients that receive them.
impl<P> FromEvent<P> for RawArguments {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        check_binary(context.data, context.attachments).map_err(bad_payload)?;
        Ok(Self::from_event(context.data, context.attachments.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug)]
    #[expect(dead_code, reason = "only its decoding is tested")]
    struct Order {
        amount: u8,
    }

    fn detail(json: &str) -> (String, String) {
        let exception = bad_payload(decode_event::<Order>(json, &[]).unwrap_err());
        let detail = &exception.details()[0];
        (detail.path.clone(), detail.message.clone())
    }

    fn expected(path: &str, message: &str) -> (String, String) {
        (path.into(), message.into())
    }

    #[test]
    fn a_wrong_payload_is_explained_without_being_repeated() {
        assert_eq!(detail(r#"["o",{"amount":"canary"}]"#), expected("amount", "expected u8"));
        assert_eq!(
            detail(r#"["o",{"amount":", expected canary"}]"#),
            expected("amount", "expected u8")
        );
        assert_eq!(detail(r#"["o",{}]"#), expected("amount", "missing"));
        assert_eq!(detail(r#"["o"]"#), expected("", "expected an object"));
    }

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}

    #[test]
    fn words_of_the_client_at_the_end_of_a_message_are_not_repeated() {
        let sent = r#"["n",{"expected canary":1}]"#;

        let exception = bad_payload(decode_event::<Nothing>(sent, &[]).unwrap_err());

        assert_eq!(exception.details()[0].message, "not what this event takes");
        assert!(!format!("{exception:?}").contains("canary"));
    }
}
