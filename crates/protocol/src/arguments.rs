//! Arguments of an event or an ack: none, one or several, and the bytes in them.
//!
//! A value is one argument. [`Args`] turns a tuple or a list into several arguments, and
//! [`RawArguments`] are arguments that were not parsed. For the opposite direction see
//! [`decode_event`]. Start reading at [`Arguments`].

mod decode;
mod names;
mod raw;
mod several;

pub use decode::{DecodeError, check_binary, decode_ack, decode_all, decode_event};
pub use names::FieldNames;
pub use raw::RawArguments;
use serde::{Serialize, ser::Error as _};

/// The arguments of an outgoing event or ack.
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
/// assert_eq!(written(&("a", 1))?, br#"["a",1]"#);
/// assert_eq!(written(&Args(("a", 1)))?, br#""a",1"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
pub trait Arguments {
    /// Appends the arguments as JSON values with commas between them: `a`, `a,b,c`, or nothing.
    ///
    /// # Errors
    /// Fails if the arguments cannot be serialized as JSON; `out` may then hold a part of them.
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()>;
}

/// A serializable value is one argument.
impl<T: Serialize + ?Sized> Arguments for T {
    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(out, self)
    }
}

/// Several arguments: one for each item of a tuple or a list.
///
/// # Examples
/// ```
/// use doorward_protocol::{Args, packet};
///
/// let mut out = Vec::new();
/// packet::write_event(&mut out, "/", None, "move", &Args((3, "up")))?;
/// assert_eq!(out, br#"42["move",3,"up"]"#);
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
