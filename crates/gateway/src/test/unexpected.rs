//! Fails a test if something unexpected happens.

use std::fmt;

/// Fails the test with a message. Only this function of the crate may panic on purpose.
#[track_caller]
pub(crate) fn panicking(what: fmt::Arguments<'_>) -> ! {
    #[expect(clippy::panic, reason = "a test fails if something unexpected happens")]
    {
        panic!("{what}")
    }
}
