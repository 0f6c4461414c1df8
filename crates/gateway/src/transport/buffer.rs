//! The buffer that the links of a thread read into.

use std::cell::Cell;

/// Runs `f` with the buffer of this thread.
///
/// Whoever is called from within `f` and asks again gets a buffer of its own.
pub(crate) fn with<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut buffer = BUFFER.take();
    if buffer.is_empty() {
        buffer = vec![0; SIZE].into();
    }
    let result = f(&mut buffer);
    BUFFER.set(buffer);
    result
}

thread_local! {
    static BUFFER: Cell<Box<[u8]>> = Cell::default();
}

/// Enough for the largest message a stranger may send, and for hundreds of small events.
const SIZE: usize = 32 * 1024;
