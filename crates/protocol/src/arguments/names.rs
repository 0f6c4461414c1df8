//! Maps field names of a program to those that its clients use.
//!
//! A validator reports `kick_user_id` although the client has sent `kickUserId`: serde renamed the
//! field and does not expose that. But a struct asks its deserializer for the client's names. The
//! payload is therefore deserialized once more, and the names asked for are recorded. Start reading
//! at [`FieldNames::of`].

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::binary::{Node, recorded, scope};

/// Names of the fields of one payload, as its client writes them.
///
/// # Examples
/// ```
/// use doorward_protocol::FieldNames;
///
/// #[derive(serde::Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct Kick {
///     user_id: Option<String>,
/// }
///
/// let names = FieldNames::of::<Kick>(r#"["kick",{}]"#, &[]);
/// assert_eq!(names.path("user_id"), "userId");
/// ```
#[derive(Debug)]
pub struct FieldNames {
    payload: Node,
    /// Names that structs asked for, by the number of the object.
    structs: Vec<(usize, &'static [&'static str])>,
}

impl FieldNames {
    /// Collects the names that `T` has in the arguments of an event, `["name", argument, ..]`.
    #[must_use]
    pub fn of<T: DeserializeOwned>(data: &str, attachments: &[Bytes]) -> Self {
        // One argument is the payload itself, several are a list, as in `decode_event`.
        let payload = match Node::parse(data, attachments.len()) {
            Ok(Node::List(mut items)) if items.len() == 2 => items.pop(),
            Ok(Node::List(items)) => Some(Node::List(items.into_iter().skip(1).collect())),
            _ => None,
        };
        let payload = payload.unwrap_or(Node::Null);
        let read = || scope::read(attachments, || T::deserialize(payload.clone()).map(drop));
        let (_, structs) = recorded(read);
        Self { payload, structs }
    }

    /// Translates a path of the program's names, such as `items[0].unit_price`, into the client's.
    /// A name that the client does not use remains unchanged.
    #[must_use]
    pub fn path(&self, path: &str) -> String {
        let mut written = String::with_capacity(path.len());
        let mut here = Some(&self.payload);
        for part in path.split_inclusive(['.', '[', ']']) {
            let name = part.trim_end_matches(['.', '[', ']']);
            let end = part.get(name.len()..).unwrap_or_default();
            let (name, next) = match here {
                Some(Node::List(items)) => {
                    (name, name.parse().ok().and_then(|index: usize| items.get(index)))
                }
                Some(Node::Map { number, entries }) if !name.is_empty() => {
                    // Names that the type asked for come first, because the client may have omitted
                    // the field. Keys of the payload come second: those of maps.
                    let asked = self.structs.iter().find(|(of, _)| of == number);
                    let asked = asked.map_or(&[][..], |(_, names)| names).iter().copied();
                    let name = asked
                        .chain(entries.iter().map(|(key, _)| key.as_str()))
                        .find(|theirs| is_same(theirs, name))
                        .unwrap_or(name);
                    let entry = entries.iter().find(|(key, _)| key.as_str() == name);
                    (name, entry.map(|(_, node)| node))
                }
                other => (name, other.filter(|_| name.is_empty())),
            };
            written.push_str(name);
            written.push_str(end);
            // A closing bracket is followed by an empty part, which names nothing.
            here = if name.is_empty() { here } else { next };
        }
        written
    }
}

/// Returns `true` if two names differ in their style only: `user_id`, `userId`, `USER-ID`.
fn is_same(a: &str, b: &str) -> bool {
    let plain = |name: &str| {
        let chars = name.chars().filter(|char| char.is_alphanumeric());
        chars.flat_map(char::to_lowercase).collect::<String>()
    };
    plain(a) == plain(b)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "only the names are looked at")]
    struct Order {
        order_id: Option<u8>,
        #[serde(default)]
        line_items: Vec<LineItem>,
        #[serde(default)]
        by_name: BTreeMap<String, LineItem>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    #[expect(dead_code, reason = "only the names are looked at")]
    struct LineItem {
        unit_price: Option<u8>,
    }

    #[test]
    fn a_field_is_named_as_the_client_names_it_whether_it_was_sent_or_not() {
        let sent = r#"["order",{"lineItems":[{"unit-price":1},{}],"byName":{"the_x":{}}}]"#;
        let names = FieldNames::of::<Order>(sent, &[]);

        assert_eq!(names.path("order_id"), "orderId");
        assert_eq!(names.path("line_items"), "lineItems");
        assert_eq!(names.path("line_items[0].unit_price"), "lineItems[0].unit-price");
        assert_eq!(names.path("line_items[1].unit_price"), "lineItems[1].unit-price");
        assert_eq!(names.path("by_name.the_x.unit_price"), "byName.the_x.unit-price");
        assert_eq!(names.path(""), "");
        assert_eq!(names.path("unheard_of.unit_price"), "unheard_of.unit_price");
    }

    #[test]
    fn several_arguments_are_a_list() {
        let names = FieldNames::of::<(u8, LineItem)>(r#"["order",1,{"unit-price":1}]"#, &[]);

        assert_eq!(names.path("[1].unit_price"), "[1].unit-price");
    }
}
