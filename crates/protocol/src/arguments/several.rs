//! Deserializes a type from all remaining items of an array, as if they were one list.
//!
//! Tuples, lists and types that accept any value are deserialized from the items. Every other type
//! expects one argument, so its deserialization fails with `refusal`.

use serde::{
    Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};

/// Deserializer for the items that remain in `seq`.
pub(super) struct Several<A> {
    pub(super) seq: A,
    /// Error message for a type that is neither a list nor a tuple.
    pub(super) refusal: &'static str,
}

macro_rules! refuse {
    ($($method:ident($($argument:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $(_: $argument,)* _: V) -> Result<V::Value, A::Error> {
            Err(A::Error::custom(self.refusal))
        }
    )*};
}

impl<'de, A: SeqAccess<'de>> Deserializer<'de> for Several<A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_seq(self.seq)
    }

    // An `Option` or a newtype is deserialized as the type that it contains.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! { seq tuple tuple_struct ignored_any }

    refuse! {
        deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64()
        deserialize_i128() deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64()
        deserialize_u128() deserialize_f32() deserialize_f64() deserialize_char() deserialize_str()
        deserialize_string() deserialize_bytes() deserialize_byte_buf() deserialize_unit()
        deserialize_unit_struct(&'static str) deserialize_map()
        deserialize_struct(&'static str, &'static [&'static str])
        deserialize_enum(&'static str, &'static [&'static str]) deserialize_identifier()
    }
}
