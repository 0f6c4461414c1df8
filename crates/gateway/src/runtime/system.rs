//! The clock and the random generator of the operating system. Only this file uses either directly.

use std::{
    cell::RefCell,
    time::{Instant, SystemTime},
};

use doorward_core::{BoxFuture, Clock, Entropy};

/// The clock of the machine.
///
/// # Examples
/// ```
/// use doorward::server::{Clock, SystemClock};
///
/// assert!(SystemClock.now() <= SystemClock.now());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that is injected elsewhere")]
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that is injected elsewhere")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep_until(deadline.into()))
    }
}

/// The random generator of the operating system.
///
/// Each thread reads a block of random bytes at a time, because ids are short and a connection
/// needs several. Bytes are wiped from the block when they are returned.
///
/// # Examples
/// ```
/// use doorward::{SocketId, server::OsEntropy};
///
/// assert_ne!(SocketId::generate(&OsEntropy), SocketId::generate(&OsEntropy));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        BLOCK.with_borrow_mut(|block| block.fill(bytes));
    }
}

/// Block of random bytes.
struct Block {
    bytes: [u8; BLOCK_SIZE],
    /// Number of bytes at the end that were not returned yet.
    left: usize,
}

impl Block {
    fn fill(&mut self, out: &mut [u8]) {
        if out.len() > self.left {
            // A request for more bytes than a block has is read directly.
            if out.len() > BLOCK_SIZE {
                return fill(out);
            }
            fill(&mut self.bytes);
            self.left = BLOCK_SIZE;
        }
        let start = BLOCK_SIZE - self.left;
        let taken = &mut self.bytes[start..start + out.len()];
        out.copy_from_slice(taken);
        taken.fill(0);
        self.left -= out.len();
    }
}

fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives random bytes");
}

thread_local! {
    static BLOCK: RefCell<Block> =
        const { RefCell::new(Block { bytes: [0; BLOCK_SIZE], left: 0 }) };
}

/// Size of a [`Block`] in bytes. Ids have 9 to 18 bytes, so a block is enough for 14 to 28 ids.
const BLOCK_SIZE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bytes_are_returned_twice() {
        let mut seen = std::collections::HashSet::new();

        for _ in 0..1_000 {
            let mut id = [0; 18];
            OsEntropy.fill(&mut id);
            assert!(seen.insert(id));
        }
    }

    #[test]
    fn any_number_of_bytes_can_be_read() {
        for length in [0, 1, 255, 256, 257, 10_000] {
            let mut bytes = vec![0; length];
            OsEntropy.fill(&mut bytes);
            let zeros = bytes.iter().filter(|byte| **byte == 0).count();
            assert!(zeros <= 4 + length / 64, "{zeros} of {length}");
        }
    }

    #[test]
    fn returned_bytes_are_wiped_from_the_block() {
        let mut block = Block { bytes: [0; BLOCK_SIZE], left: 0 };
        let mut id = [0; 100];

        block.fill(&mut id);

        assert_eq!(block.bytes[..100], [0; 100]);
        assert_ne!(id, [0; 100]);
    }
}
