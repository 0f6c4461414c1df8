//! Arguments of an event or an ack, including binary ones.
//!
//! A tuple is several arguments, and any other value is one. [`Args`] turns a list into several
//! arguments. [`RawArguments`] are arguments that are not parsed. [`decode_event`] decodes the
//! arguments of a client. Start reading at [`Arguments`].

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

/// Arguments of an outgoing event or ack.
///
/// | value | arguments |
/// |---|---|
/// | a tuple such as `(a, b)`, an array `[T; N]` | several: one for each item; `(a,)` is one |
/// | `()` | none in an event, `null` in an ack |
/// | [`Args`] of a list | several: one for each item |
/// | [`RawArguments`] | as many as they hold |
/// | anything else: a text, a number, a `Vec`, a slice, a struct, a newtype or tuple struct, a map, an `Option` | one |
///
/// A reference, a `Box` or an `Arc` of a tuple is written like the tuple. A reference to `()` is
/// one argument, `null`. A tuple inside another value is an array. To send a tuple as one array,
/// wrap it in another tuple: `((a, b),)`.
///
/// A type counts as a tuple if its `Serialize` calls `serialize_tuple`. A derived struct does so
/// only if `#[serde(transparent)]` or `#[serde(into = "..")]` makes it serialize as a tuple. Tuple
/// variants of an enum with `#[serde(untagged)]` do so as well.
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
    /// Appends the arguments of an event to `out`, as JSON values that are separated by commas,
    /// such as `a,b,c`. Appends nothing if there are no arguments.
    ///
    /// # Errors
    /// Fails if the arguments cannot be serialized as JSON. `out` may then contain a part of them.
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()>;

    /// Appends the arguments of an ack to `out`. Only `()` is written differently than in an event:
    /// it is `null`, because the callback of the client always expects a value.
    ///
    /// # Errors
    /// Fails in the same cases as [`Arguments::write`].
    #[inline]
    fn write_ack(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        self.write(out)
    }
}

/// Writes a tuple as several arguments, and any other serializable value as one.
impl<T: Serialize + ?Sized> Arguments for T {
    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        // A serializer cannot distinguish `()` from the `null` of a `serde_json::Value`, which must
        // remain an argument. Only `()` has no size.
        let unit = if size_of_val(self) == 0 { Unit::None } else { Unit::Null };
        top_level::write(self, out, unit)
    }

    #[inline]
    fn write_ack(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        top_level::write(self, out, Unit::Null)
    }
}

/// List whose items are sent as separate arguments. A tuple does not need this wrapper.
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
// This type must not implement `Serialize`. Otherwise the impl for `T: Serialize` would apply, and
// the list would be written as one argument.
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
        // Remove the brackets. The items are the arguments.
        out.remove(start);
        out.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
