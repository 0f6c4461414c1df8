//! JSON objects without duplicate members, at any depth.
//!
//! JSON leaves the meaning of duplicate names open (RFC 8259, section 4). Two parsers may therefore
//! read the same text differently, so that one parser checks a value and the other uses a different
//! value. Objects with duplicate names are rejected wherever a client controls the text.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// JSON object that has no duplicate members, at any depth. Deserializing any other JSON fails,
/// even if no code reads the duplicate member.
///
/// # Examples
/// ```
/// use doorward_core::UniqueObject;
///
/// let object: UniqueObject = serde_json::from_str(r#"{"sub":"alice"}"#)?;
/// assert_eq!(object.0["sub"], "alice");
/// assert!(serde_json::from_str::<UniqueObject>(r#"{"sub":"alice","sub":"root"}"#).is_err());
/// assert!(serde_json::from_str::<UniqueObject>(r#"{"a":[{"b":1,"b":2}]}"#).is_err());
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct UniqueObject(pub Map<String, Value>);

impl<'de> Deserialize<'de> for UniqueObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = UniqueObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<UniqueObject, A::Error> {
                members(map).map(UniqueObject)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// Prints only the names of the members, because their values may be credentials.
impl fmt::Debug for UniqueObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Reads the members of an object up to its end. Fails if a name occurs twice.
fn members<'de, A: MapAccess<'de>>(mut map: A) -> Result<Map<String, Value>, A::Error> {
    let mut members = Map::new();
    while let Some((name, UniqueValue(value))) = map.next_entry::<String, UniqueValue>()? {
        // The names are compared unescaped, so `"\u0061"` and `"a"` are duplicates.
        if members.insert(name, value).is_some() {
            return Err(A::Error::custom("member named twice"));
        }
    }
    Ok(members)
}

/// JSON value in which no object has duplicate members.
///
/// [`Value`] cannot be used for this. It keeps the last of two duplicates, and may replace an
/// object with the member `$serde_json::private::RawValue` by the JSON text in that member.
struct UniqueValue(Value);

impl<'de> Deserialize<'de> for UniqueValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Unique).map(Self)
    }
}

struct Unique;

impl<'de> Visitor<'de> for Unique {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("not a finite number"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(UniqueValue(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        members(map).map(Value::Object)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Option<Value> {
        serde_json::from_str(text).ok().map(|UniqueObject(members)| Value::Object(members))
    }

    #[test]
    fn a_duplicate_member_is_rejected_at_any_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"realm_access":{"roles":["user"],"roles":["admin"]}}"#,
            r#"{"a":[[{"b":{"c":1,"\u0063":2}}]]}"#,
            r#"{"a":{"":1,"":2}}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn everything_else_is_read_as_it_is() {
        let text = r#"{"a":[null,true,-1,18446744073709551615,1.5,"x",[],{"b":{"a":{}}}],"b":"a"}"#;

        assert_eq!(read(text), Some(serde_json::from_str(text).unwrap()));
        assert_eq!(read("[]"), None);
    }

    #[test]
    fn no_name_of_a_member_is_special() {
        let text = r#"{"a":{"$serde_json::private::RawValue":"{\"admin\":true}"}}"#;

        let read = read(text).unwrap();

        assert_eq!(read["a"], json!({ "$serde_json::private::RawValue": r#"{"admin":true}"# }));
    }
}
