//! Checks the JSON of a packet without building values from it.
//!
//! Only a handler knows the type of its payload. The functions here check that the text is JSON and
//! is not nested too deeply. They also find the name of the event.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};

/// Error in the JSON of a packet. It is the client's fault.
///
/// # Examples
/// ```
/// use doorward_protocol::{JsonError, packet::Packet};
///
/// let deep = format!("2[\"e\",{}{}]", "[".repeat(40), "]".repeat(40));
/// let packet = Packet::decode(&deep, 255)?;
/// assert_eq!(packet.event(32, 128).unwrap_err(), JsonError::TooDeep);
/// # Ok::<_, doorward_protocol::packet::PacketError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The text is not JSON, or not the array that the packet requires. The array of an event must
    /// start with the name of the event.
    #[error("malformed JSON")]
    Malformed,
    /// The name of the event is reserved for Socket.IO libraries, such as `disconnect`.
    #[error("event name is not allowed")]
    Name,
    /// The JSON is nested more deeply than allowed.
    #[error("JSON is nested too deeply")]
    TooDeep,
}

/// Fails if arrays and objects in `json` are nested more than `limit` deep.
pub(crate) fn check_depth(json: &str, limit: usize) -> Result<(), JsonError> {
    // Most packets have fewer brackets than `limit`, and counting them is much cheaper than
    // skipping strings.
    let opening = json.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count();
    if opening <= limit {
        return Ok(());
    }
    // A loop instead of recursion, so that deep JSON costs no stack.
    let mut depth = 0_usize;
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
        if depth > limit {
            return Err(JsonError::TooDeep);
        }
    }
    Ok(())
}

/// Advances past the quote that ends a string.
fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return,
            _ => {}
        }
    }
}

/// Returns the name in the array of an event, and checks that the rest is JSON. Returns an empty
/// name if the name contains a lone surrogate.
pub(crate) fn event_name(json: &str) -> Result<Cow<'_, str>, JsonError> {
    struct Name;

    impl<'de> Visitor<'de> for Name {
        type Value = Cow<'de, str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array that begins with a name")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let name = seq.next_element_seed(Text)?.ok_or_else(|| A::Error::custom("no name"))?;
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(name)
        }
    }

    let name = read_seq(json, Name);
    // A lone surrogate is valid in JSON, and JavaScript can send it. A Rust string cannot contain
    // it, so no handler has such a name, and an empty name is returned.
    let is_text = || behind_name(json).is_some() && check_array(json).is_ok();
    name.or_else(
        |_syntax| if is_text() { Ok(Cow::Borrowed("")) } else { Err(JsonError::Malformed) },
    )
}

/// Fails if `json` is not an array.
pub(crate) fn check_array(json: &str) -> Result<(), JsonError> {
    // A vector of items that have no size allocates nothing.
    let items: Result<Vec<IgnoredAny>, _> = serde_json::from_str(json);
    items.map(drop).map_err(|_syntax| JsonError::Malformed)
}

/// Returns the text after the name in the array of an event and its comma, including the bracket at
/// the end. Returns `None` if the array has no name.
pub(crate) fn behind_name(json: &str) -> Option<&str> {
    let text = json.trim_ascii().strip_prefix('[')?.trim_ascii_start();
    let rest = match text.strip_prefix('"') {
        Some(text) => {
            let mut bytes = text.bytes();
            skip_string(&mut bytes);
            text.get(text.len() - bytes.len()..)?
        }
        None => text.trim_start_matches(|char: char| {
            matches!(char, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')
        }),
    };
    if rest.len() == text.len() {
        return None;
    }
    let rest = rest.trim_ascii_start();
    let rest = rest.strip_prefix(',').unwrap_or(rest);
    rest.ends_with(']').then_some(rest)
}

/// Deserializes an array and checks that nothing follows it.
pub(crate) fn read_seq<'de, V: Visitor<'de>>(
    json: &'de str,
    visitor: V,
) -> serde_json::Result<V::Value> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = deserializer.deserialize_seq(visitor)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads a string, or the text of a number. A string without escapes is borrowed.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a number")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_inside_strings_are_no_depth() {
        let json = format!(r#"["{}\"[",1]"#, "[".repeat(100));

        assert_eq!(check_depth(&json, 32), Ok(()));
    }

    /// Attack 46.
    #[test]
    fn depth_is_counted_exactly() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));

        assert_eq!(check_depth(&nested(32), 32), Ok(()));
        assert_eq!(check_depth(&nested(33), 32), Err(JsonError::TooDeep));
        assert_eq!(check_depth(&nested(100_000), 32), Err(JsonError::TooDeep));
        assert_eq!(check_depth(&"[],".repeat(1000), 32), Ok(()));
    }

    #[test]
    fn a_name_with_escapes_is_read_like_one_without() {
        assert_eq!(event_name(r#"["\u0065cho",1]"#).unwrap(), "echo");
        assert!(matches!(event_name(r#"["echo",1]"#), Ok(Cow::Borrowed("echo"))));
    }

    #[test]
    fn json_that_is_not_an_array_with_a_name_is_malformed() {
        for json in [
            "",
            "{}",
            "[]",
            "[true]",
            "[{}]",
            "[null]",
            r#"["a""#,
            r#"["a"]x"#,
            r#"["a",]"#,
            "\"a\"",
        ] {
            assert_eq!(event_name(json), Err(JsonError::Malformed), "{json}");
        }
    }

    #[test]
    fn the_arguments_of_an_event_start_after_the_comma_of_its_name() {
        assert_eq!(behind_name(r#"["e"]"#), Some("]"));
        assert_eq!(behind_name(r#"["e",1]"#), Some("1]"));
        assert_eq!(behind_name(" [ \"a\\\"]\" , [1] ] "), Some(" [1] ]"));
        assert_eq!(behind_name("[7]"), Some("]"));
        assert_eq!(behind_name("[ -1.5e3 ,2]"), Some("2]"));
        for json in ["", "[", "[]", r#"["e""#, r#"["e",1"#, "[null,2]", "\"e\""] {
            assert_eq!(behind_name(json), None, "{json}");
        }
    }
}
