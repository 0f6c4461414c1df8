//! Prints an error together with its causes, as one sentence.

use std::{error::Error, fmt};

/// Displays an error and its causes, separated by colons.
///
/// # Examples
/// ```
/// use doorward_core::Causes;
///
/// let error = std::io::Error::other("the disk is full");
/// assert_eq!(Causes(&error).to_string(), "the disk is full");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Causes<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        // Each message describes its own level only, so no text is printed twice.
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}
