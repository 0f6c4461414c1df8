//! Pipes: what a client sent, decoded and, if asked for, validated.

use std::borrow::Cow;

use doorward_core::{Detail, Exception};
use doorward_protocol::{
    Args, DecodeError, FieldNames, RawArguments, check_binary, decode_all, decode_event,
};
use garde::Validate;
use serde::de::DeserializeOwned;

use crate::event::context::{EventContext, FromEvent};

/// What the event carries, decoded.
///
/// One argument is read as a `T`; several are read as a list, so a tuple takes them; none is `null`.
/// What is not a `T` is answered with `bad_payload` and where it went wrong, and the handler does not
/// run.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// // socket.emit("add", 1, 2), or socket.emit("add", [1, 2])
/// let gateway: Gateway<Claims> = Gateway::at("/")
///     .on("add", |Payload((a, b)): Payload<(i64, i64)>| async move { a.saturating_add(b) });
/// # drop(gateway);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Payload<T>(pub T);

impl<P, T: DeserializeOwned> FromEvent<P> for Payload<T> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        decode_event(context.data(), context.attachments()).map(Payload).map_err(bad_payload)
    }
}

/// What the event carries, decoded and validated by the rules of [`garde`].
///
/// Each broken rule is one entry of `details`, and its path has the client's names: `kickUserId` where serde has
/// renamed `kick_user_id`. A field that serde was told quite another word for, by `rename = "uid"`, is named as in the
/// program. The derive macro writes paths that begin with `::garde`, so a program that uses it has `garde` among its
/// own dependencies, with the feature `derive`.
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
/// # drop(gateway);
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

/// Exactly the arguments, as a list: a tuple, or a `Vec` for any number of them.
impl<P, T: DeserializeOwned> FromEvent<P> for Args<T> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        decode_all(context.data(), context.attachments()).map(Args).map_err(bad_payload)
    }
}

fn broken_rule(names: &FieldNames, path: &garde::Path, error: &garde::Error) -> Detail {
    Detail { path: own_path(names.path(&path.to_string())), message: error.message().to_owned() }
}

/// Says where and what was expected without repeating what was sent.
///
/// serde's messages end in what the type expects, behind a part that quotes the payload; only the end
/// is ours to show.
pub(crate) fn bad_payload(error: DecodeError) -> Exception {
    let text = error.source.to_string();
    let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
    let is_serdes = SERDE.iter().any(|start| text.starts_with(start));
    // A member that is not there is at fault itself, and a form shows that beside it.
    if let Some(name) = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'))
    {
        let dot = if error.path.is_empty() { "" } else { "." };
        let path = own_path(format!("{}{dot}{name}", error.path));
        return Exception::bad_payload(vec![Detail { path, message: "missing".to_owned() }]);
    }
    let message = match text.rsplit_once("expected ") {
        // Here the client's words come last.
        _ if text.ends_with("there are no fields") || text.ends_with("there are no variants") => {
            Cow::Borrowed("not what this event takes")
        }
        Some((_, expected)) if is_serdes => Cow::Owned(format!("expected {}", in_json(expected))),
        _ => Cow::Borrowed("not what this event takes"),
    };
    let message = message.into_owned();
    Exception::bad_payload(vec![Detail { path: own_path(error.path), message }])
}

/// Says what a type of the program is in JSON: its name is of no use to a client.
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

/// The keys of a map are words of the client; a path that does not look like ours is not repeated.
fn own_path(path: String) -> String {
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte);
    if path.len() <= LONGEST_PATH && path.bytes().all(is_ours) { path } else { String::new() }
}

/// How serde's own messages begin, and ours. Any other may be made of the client's words.
const SERDE: [&str; 7] = [
    "duplicate field ",
    "expected ",
    "invalid length ",
    "invalid type: ",
    "invalid value: ",
    "unknown field ",
    "unknown variant ",
];

/// Broken rules that are told; who breaks more is told the rest later.
const MOST_DETAILS: usize = 16;

/// Bytes of a path that is shown.
const LONGEST_PATH: usize = 128;

/// The arguments as they were sent. Those of a binary event are looked through: what is passed on must be something
/// that its receivers can read.
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
    #[expect(dead_code, reason = "only its decoding is looked at")]
    struct Order {
        amount: u8,
    }

    fn detail(json: &str) -> (String, String) {
        let exception = bad_payload(decode_event::<Order>(json, &[]).unwrap_err());
        let detail = &exception.details()[0];
        (detail.path.clone(), detail.message.clone())
    }

    fn told(path: &str, message: &str) -> (String, String) {
        (path.into(), message.into())
    }

    #[test]
    fn a_wrong_payload_is_explained_without_being_repeated() {
        assert_eq!(detail(r#"["o",{"amount":"canary"}]"#), told("amount", "expected u8"));
        assert_eq!(
            detail(r#"["o",{"amount":", expected canary"}]"#),
            told("amount", "expected u8")
        );
        assert_eq!(detail(r#"["o",{}]"#), told("amount", "missing"));
        assert_eq!(detail(r#"["o"]"#), told("", "expected an object"));
    }

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}

    #[test]
    fn words_of_the_client_at_the_end_of_a_message_are_not_told() {
        let sent = r#"["n",{"expected canary":1}]"#;

        let exception = bad_payload(decode_event::<Nothing>(sent, &[]).unwrap_err());

        assert_eq!(exception.details()[0].message, "not what this event takes");
        assert!(!format!("{exception:?}").contains("canary"));
    }
}
