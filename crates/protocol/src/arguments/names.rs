//! Translates field names of a program into the names that its clients use.
//!
//! A validator reports `kick_user_id` although the client has sent `kickUserId`, because serde
//! renamed the field and does not expose the mapping. However, the derived `Deserialize` of a
//! struct passes the names that clients use to its deserializer. The payload is therefore
//! deserialized once more, and these names are recorded. Start reading at [`FieldNames::of`].

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::binary::{Node, recorded, scope};

/// Field names of one payload, as the client spells them.
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
    /// Field names of each struct, with the number of the object from which it was deserialized.
    structs: Vec<(usize, &'static [&'static str])>,
}

impl FieldNames {
    /// Collects the names that clients use for the fields of `T`. `data` is the array
    /// `["name", argument, ..]` of an event.
    #[must_use]
    pub fn of<T: DeserializeOwned>(data: &str, attachments: &[Bytes]) -> Self {
        // As in `decode_event`, a single argument is the payload itself, and several arguments are
        // a list.
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

    /// Translates the field names of a path, such as `items[0].unit_price`, into the names that the
    /// client uses. A name that neither the payload type nor the payload has remains unchanged.
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
                    // The field names of the type come first, because the client may have omitted
                    // the field. The keys of the payload come second, for maps.
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

/// Returns `true` if two names differ only in case and separators, such as `user_id`, `userId` and
/// `USER-ID`.
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
