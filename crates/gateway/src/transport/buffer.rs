//! The read buffer that the links of a thread share.
//!
//! If each link had its own buffer, the buffer would be most of the memory of an idle link.

use std::cell::Cell;

/// Runs `f` with the buffer of this thread. A nested call gets a buffer of its own.
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

/// Size of the buffer in bytes. With the default limits, it is enough for the largest message of an
/// unauthenticated client, and for hundreds of small events.
const SIZE: usize = 32 * 1024;
