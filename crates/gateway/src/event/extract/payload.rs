//! Extractors that decode the payload of an event. [`Valid`] also validates the payload.

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
/// A single argument is read as a `T`. Several arguments are read as one list, so `T` may be a
/// tuple, an array or a `Vec`. No argument is read as `null`. If the payload is not a `T`, the
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
/// If a rule is broken, the client receives `bad_payload`, and the handler does not run. Each
/// broken rule is one entry of `details`, up to 16 entries. The path of an entry has the field
/// names that the client uses: `kickUserId` if serde renames the field `kick_user_id` to camel
/// case. If serde renames a field to an unrelated word, such as by `rename = "uid"`, the path has
/// the name of the field in the program.
///
/// A program that uses the derive macro of garde needs `garde` among its own dependencies, with the
/// feature `derive`. The macro expands to paths that begin with `::garde`.
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

/// Decodes the list of arguments. A tuple takes a fixed number of arguments, a `Vec` any number.
impl<P, T: DeserializeOwned> FromEvent<P> for Args<T> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        decode_all(context.data(), context.attachments()).map(Args).map_err(bad_payload)
    }
}

fn broken_rule(names: &FieldNames, path: &garde::Path, error: &garde::Error) -> Detail {
    Detail { path: own_path(names.path(&path.to_string())), message: error.message().to_owned() }
}

/// Returns an exception that says where the payload is wrong and what was expected, without
/// repeating the payload.
///
/// A message of serde quotes the payload first and ends with what the type expects. Only that end
/// is shown, and only if the message begins like a message of serde. A `Deserialize` implementation
/// of the application may use other messages and quote the payload at their end.
pub(crate) fn bad_payload(error: DecodeError) -> Exception {
    let text = error.source.to_string();
    let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
    let is_serdes = SERDE.iter().any(|start| text.starts_with(start));
    // The path of serde ends at the object that lacks the member. The path of the member itself is
    // more useful, because a form shows the message beside that field.
    if let Some(name) = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'))
    {
        let dot = if error.path.is_empty() { "" } else { "." };
        let path = own_path(format!("{}{dot}{name}", error.path));
        return Exception::bad_payload(vec![Detail { path, message: "missing".to_owned() }]);
    }
    let message = match text.rsplit_once("expected ") {
        // These two messages name no expectation and may repeat words of the client, as in "unknown
        // field `..`, there are no fields".
        _ if text.ends_with("there are no fields") || text.ends_with("there are no variants") => {
            Cow::Borrowed("not what this event takes")
        }
        Some((_, expected)) if is_serdes => Cow::Owned(format!("expected {}", in_json(expected))),
        _ => Cow::Borrowed("not what this event takes"),
    };
    let message = message.into_owned();
    Exception::bad_payload(vec![Detail { path: own_path(error.path), message }])
}

/// Replaces the name of a Rust type in `expected` with the JSON type, because clients do not know
/// the Rust type. `expected` is the end of a message of serde.
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

/// Returns the path if it looks like field names and indices, and an empty path otherwise. The
/// client chooses the keys of a map, so a path can contain any text.
fn own_path(path: String) -> String {
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte);
    if path.len() <= LONGEST_PATH && path.bytes().all(is_ours) { path } else { String::new() }
}

/// Beginnings of the messages of serde and of `doorward_protocol`. Any other message may repeat
/// words of the client.
const SERDE: [&str; 7] = [
    "duplicate field ",
    "expected ",
    "invalid length ",
    "invalid type: ",
    "invalid value: ",
    "unknown field ",
    "unknown variant ",
];

/// Maximum number of broken rules in one answer. A client that breaks more rules learns of the
/// others after it has fixed these.
const MOST_DETAILS: usize = 16;

/// Maximum length of a path that is shown, in bytes. A longer path is replaced by an empty one.
const LONGEST_PATH: usize = 128;

/// Extracts the arguments as they were sent. The placeholders of a binary event are checked,
/// because an application may send the arguments on to other clients, which must be able to read
/// them.
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
