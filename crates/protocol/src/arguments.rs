//! Arguments of an event or an ack: none, one or several, and the bytes in them.
//!
//! A tuple is several arguments, and any other value is one. [`Args`] turns a list into several
//! arguments, and [`RawArguments`] are arguments that were not parsed. For the opposite direction
//! see [`decode_event`]. Start reading at [`Arguments`].

mod decode;
mod names;
mod raw;
mod several;
mod top_level;

pub use decode::{DecodeError, check_binary, decode_ack, decode_all, decode_event};
pub use names::FieldNames;
pub use raw::RawArguments;
use serde::{Serialize, ser::Error as _};
use top_level::Unit;

/// The arguments of an outgoing event or ack.
///
/// | value | arguments |
/// |---|---|
/// | a tuple such as `(a, b)`, an array `[T; N]` | several: one for each item; `(a,)` is one |
/// | `()` | none in an event, `null` in an ack |
/// | [`Args`] of a list | several: one for each item |
/// | [`RawArguments`] | as many as they hold |
/// | anything else: a text, a number, a `Vec`, a slice, a struct, a newtype or tuple struct, a map, an `Option` | one |
///
/// A reference, a `Box` or an `Arc` of a tuple is like the tuple; a reference to `()` is one
/// argument, `null`. A tuple inside of another value is an array. To send a tuple as one array, wrap
/// it in another: `((a, b),)`.
///
/// A type counts as a tuple if its `Serialize` calls `serialize_tuple`. Derived structs do so only
/// if an attribute makes them serialize as a tuple that they hold: `#[serde(transparent)]` or
/// `#[serde(into = "..")]`. Tuple variants of an enum with `#[serde(untagged)]` do so as well.
///
/// # Examples
/// ```
/// use doorward_protocol::{Args, Arguments};
///
/// fn written(arguments: &impl Arguments) -> serde_json::Result<Vec<u8>> {
///     let mut out = Vec::new();
///     arguments.write(&mut out)?;
///     Ok(out)
/// }
///
/// assert_eq!(written(&("a", 1))?, br#""a",1"#);
/// assert_eq!(written(&vec!["a", "b"])?, br#"["a","b"]"#);
/// assert_eq!(written(&Args(vec!["a", "b"]))?, br#""a","b""#);
/// # Ok::<_, serde_json::Error>(())
/// ```
pub trait Arguments {
    /// Appends the arguments of an event as JSON values with commas between them: `a`, `a,b,c`, or
    /// nothing.
    ///
    /// # Errors
    /// Fails if the arguments cannot be serialized as JSON; `out` may then hold a part of them.
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()>;

    /// Appends the arguments of an ack. They differ from those of an event for `()` only, which is
    /// `null`: the callback of a client that asked reads a value in any case.
    ///
    /// # Errors
    /// The same as those of [`Arguments::write`].
    #[inline]
    fn write_ack(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        self.write(out)
    }
}

/// A tuple is several arguments, any other serializable value is one.
impl<T: Serialize + ?Sized> Arguments for T {
    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        // `()` and the `null` of a `serde_json::Value` are the same for a serializer. Only the first
        // has no size, and the second must remain an argument.
        let unit = if size_of_val(self) == 0 { Unit::None } else { Unit::Null };
        top_level::write(self, out, unit)
    }

    #[inline]
    fn write_ack(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        top_level::write(self, out, Unit::Null)
    }
}

/// Several arguments, one for each item of a list. A tuple does not need it.
///
/// # Examples
/// ```
/// use doorward_protocol::{Args, packet};
///
/// let path = vec![3, 4, 5];
/// let mut out = Vec::new();
/// packet::write_event(&mut out, "/", None, "move", &Args(path))?;
/// assert_eq!(out, br#"42["move",3,4,5]"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
// This type must not implement `Serialize`: the impl for `T: Serialize` would apply, and it would
// be written as one argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Args<T>(pub T);

impl<T: Serialize> Arguments for Args<T> {
    /// # Errors
    /// Fails also if the value does not serialize to a JSON array.
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let start = out.len();
        serde_json::to_writer(&mut *out, &self.0)?;
        if out.get(start..) == Some(b"null") {
            // `()` is the empty tuple, and serde writes it as `null`.
            out.truncate(start);
            return Ok(());
        }
        if out.get(start) != Some(&b'[') {
            return Err(serde_json::Error::custom("several arguments must be a tuple or a list"));
        }
        // The brackets go, the items stay: they are the arguments.
        out.remove(start);
        out.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
