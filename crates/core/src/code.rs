//! Codes by which programs distinguish refusals and exceptions.

use std::fmt;

/// Code that client programs compare. It has 1 to 64 ASCII letters, digits or `_.:-`.
///
/// String literals convert into codes: `Exception::new("NOT_HOST", ..)`. An invalid text becomes
/// `invalid_code` instead of a panic, because the conversion runs while an error is being answered.
/// A constant with an invalid text does not compile.
///
/// # Examples
/// ```
/// use doorward_core::{Code, Exception};
///
/// const NOT_HOST: Code = Code::new("NOT_HOST");
///
/// assert_eq!(Exception::new(NOT_HOST, "Only the host starts a game").code(), "NOT_HOST");
/// assert_eq!(Exception::new("game.full", "No seat is free").code(), "game.full");
/// ```
///
/// ```compile_fail
/// const NOT_HOST: doorward_core::Code = doorward_core::Code::new("not host");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(&'static str);

impl Code {
    /// Code that a client receives instead of an invalid code.
    pub const INVALID: Self = Self("invalid_code");

    /// Creates a code from a text of 1-64 ASCII letters, digits or `_.:-`.
    ///
    /// # Panics
    /// Panics if `code` is not 1-64 ASCII letters, digits or `_.:-`. In a constant, or in `const {
    /// .. }`, the panic is a compile error.
    #[must_use]
    pub const fn new(code: &'static str) -> Self {
        assert!(is_code(code), "a code is 1-64 letters, digits or _.:-");
        Self(code)
    }

    /// Returns the code as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl From<&'static str> for Code {
    fn from(code: &'static str) -> Self {
        if is_code(code) { Self(code) } else { Self::INVALID }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

const fn is_code(text: &str) -> bool {
    // Iterators cannot be used in a `const fn`, hence the loop over an index.
    let bytes = text.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        if !(bytes[index].is_ascii_alphanumeric()
            || matches!(bytes[index], b'_' | b'.' | b':' | b'-'))
        {
            return false;
        }
        index += 1;
    }
    !bytes.is_empty() && bytes.len() <= 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_other_projects_are_codes() {
        for code in ["room_full", "ROOM_FULL", "E1001", "game.full", "auth:expired", "not-found"] {
            assert_eq!(Code::from(code).as_str(), code);
        }
    }

    #[test]
    fn an_invalid_code_fails_nothing_while_an_error_is_answered() {
        let long = "x".repeat(65).leak();
        for text in ["", "Room full", "voll!", "r\u{f6}m", &*long] {
            assert_eq!(Code::from(text), Code::INVALID, "{text:?}");
        }
    }
}
