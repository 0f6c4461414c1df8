//! Fails a test in which something unexpected has happened.

use std::fmt;

/// Fails the test with a message. It is the one place of the crate that may panic on purpose.
#[track_caller]
pub(crate) fn panicking(what: fmt::Arguments<'_>) -> ! {
    #[expect(clippy::panic, reason = "a test fails if something unexpected happens")]
    {
        panic!("{what}")
    }
}
