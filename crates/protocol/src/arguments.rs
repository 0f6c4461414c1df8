//! What an event or an ack carries: no argument, one, or several, and the bytes in them.
//!
//! A value is one argument; [`Args`] makes several of a tuple or a list, and [`RawArguments`] are
//! arguments that nobody has looked into. The other direction is [`decode_event`] and its like.
//! Start reading at [`Arguments`].

mod decode;
mod names;
mod raw;
mod several;

pub use decode::{DecodeError, check_binary, decode_ack, decode_all, decode_event};
pub use names::FieldNames;
pub use raw::RawArguments;
use serde::{Serialize, ser::Error as _};

/// One argument, or several.
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
    /// Appends `a`, or `a,b,c`, or nothing: JSON values with commas between them.
    ///
    /// # Errors
    /// When they cannot be written as JSON; `out` may then hold a part of them.
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()>;
}

/// One argument.
impl<T: Serialize + ?Sized> Arguments for T {
    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(out, self)
    }
}

/// Several arguments: each item of a tuple or a list is one.
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
// It must never be `Serialize`: then it would be one argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Args<T>(pub T);

impl<T: Serialize> Arguments for Args<T> {
    /// # Errors
    /// Also when the value is written as anything else than a JSON array.
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let start = out.len();
        serde_json::to_writer(&mut *out, &self.0)?;
        if out.get(start..) == Some(b"null") {
            // `()` is the tuple of nothing.
            out.truncate(start);
            return Ok(());
        }
        if out.get(start) != Some(&b'[') {
            return Err(serde_json::Error::custom("several arguments must be a tuple or a list"));
        }
        out.remove(start);
        out.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
