//! A JSON object in which no member is named twice.
//!
//! Two parsers that disagree about which of the two counts see two different objects: one may check
//! what the other does not use. So such objects are refused wherever a stranger wrote them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// An object whose members are all different, also those that nobody will look at.
///
/// # Examples
/// ```
/// use doorward_core::UniqueObject;
///
/// let object: UniqueObject = serde_json::from_str(r#"{"sub":"alice"}"#)?;
/// assert_eq!(object.0["sub"], "alice");
/// assert!(serde_json::from_str::<UniqueObject>(r#"{"sub":"alice","sub":"root"}"#).is_err());
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

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueObject, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("member named twice"));
                    }
                }
                Ok(UniqueObject(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// Prints the names only: values may be credentials.
impl fmt::Debug for UniqueObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
