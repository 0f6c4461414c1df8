//! Ends a test that has seen something unexpected.

use std::fmt;

/// Fails the test.
#[track_caller]
pub(crate) fn panicking(what: fmt::Arguments<'_>) -> ! {
    #[expect(clippy::panic, reason = "a test that sees something unexpected fails")]
    {
        panic!("{what}")
    }
}
