//! Serializes a tuple as several arguments, and any other value as one argument.
//!
//! serde calls `serialize_tuple` for a tuple and for an array `[T; N]`, and other methods for
//! lists, structs and tuple structs. [`TopLevel`] handles only the outermost value. It writes the
//! items of a tuple with commas between them, and passes every other value on to `serde_json`. The
//! items are serialized by `serde_json` itself, so a nested tuple is an array. Start reading at
//! [`write`].

use serde::{Serialize, Serializer, ser::SerializeTuple};
use serde_json::{Error, Result};

/// Output for `()`, which is no argument or `null`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    None,
    Null,
}

/// Appends `value` to `out` as arguments. `unit` selects the output for `()`.
#[inline]
pub(super) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>, unit: Unit) -> Result<()> {
    value.serialize(TopLevel { out, json: &mut None, unit })
}

type Json<'o> = serde_json::Serializer<&'o mut Vec<u8>>;

struct TopLevel<'s, 'o> {
    out: &'o mut Vec<u8>,
    /// Storage for the JSON serializer of a value that is not a tuple. Lists and structs borrow the
    /// serializer until they are complete.
    json: &'s mut Option<Json<'o>>,
    unit: Unit,
}

impl<'s, 'o> TopLevel<'s, 'o> {
    #[inline]
    fn json(self) -> &'s mut Json<'o> {
        self.json.insert(Json::new(self.out))
    }
}

macro_rules! pass_on {
    ($(
        $method:ident $(<$T:ident: $bound:path>)? ($($name:ident: $argument:ty),*) -> $written:ty;
    )*) => {$(
        #[inline]
        fn $method $(<$T: $bound + ?Sized>)? (self, $($name: $argument),*) -> Result<$written> {
            self.json().$method($($name),*)
        }
    )*};
}

// The defaults of `collect_str` and of the 128-bit integers allocate or fail, so these methods are
// passed on as well.
impl<'s, 'o> Serializer for TopLevel<'s, 'o> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = <&'s mut Json<'o> as Serializer>::SerializeSeq;
    type SerializeTuple = Items<'o>;
    type SerializeTupleStruct = <&'s mut Json<'o> as Serializer>::SerializeTupleStruct;
    type SerializeTupleVariant = <&'s mut Json<'o> as Serializer>::SerializeTupleVariant;
    type SerializeMap = <&'s mut Json<'o> as Serializer>::SerializeMap;
    type SerializeStruct = <&'s mut Json<'o> as Serializer>::SerializeStruct;
    type SerializeStructVariant = <&'s mut Json<'o> as Serializer>::SerializeStructVariant;

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Items<'o>> {
        Ok(Items { out: self.out, is_first: true })
    }

    #[inline]
    fn serialize_unit(self) -> Result<()> {
        match self.unit {
            Unit::None => Ok(()),
            Unit::Null => self.json().serialize_unit(),
        }
    }

    pass_on! {
        serialize_bool(value: bool) -> ();
        serialize_i8(value: i8) -> ();
        serialize_i16(value: i16) -> ();
        serialize_i32(value: i32) -> ();
        serialize_i64(value: i64) -> ();
        serialize_i128(value: i128) -> ();
        serialize_u8(value: u8) -> ();
        serialize_u16(value: u16) -> ();
        serialize_u32(value: u32) -> ();
        serialize_u64(value: u64) -> ();
        serialize_u128(value: u128) -> ();
        serialize_f32(value: f32) -> ();
        serialize_f64(value: f64) -> ();
        serialize_char(value: char) -> ();
        serialize_str(value: &str) -> ();
        serialize_bytes(value: &[u8]) -> ();
        serialize_none() -> ();
        serialize_some<T: Serialize>(value: &T) -> ();
        serialize_unit_struct(name: &'static str) -> ();
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> ();
        serialize_newtype_struct<T: Serialize>(name: &'static str, value: &T) -> ();
        serialize_newtype_variant<T: Serialize>(
            name: &'static str, index: u32, variant: &'static str, value: &T
        ) -> ();
        serialize_seq(len: Option<usize>) -> Self::SerializeSeq;
        serialize_tuple_struct(name: &'static str, len: usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> Self::SerializeTupleVariant;
        serialize_map(len: Option<usize>) -> Self::SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> Self::SerializeStruct;
        serialize_struct_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> Self::SerializeStructVariant;
        collect_str<T: std::fmt::Display>(value: &T) -> ();
    }
}

/// Writes the items of a tuple with commas between them and without brackets.
struct Items<'o> {
    out: &'o mut Vec<u8>,
    is_first: bool,
}

impl SerializeTuple for Items<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<()> {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b',');
        }
        item.serialize(&mut Json::new(self.out))
    }

    #[inline]
    fn end(self) -> Result<()> {
        Ok(())
    }
}
