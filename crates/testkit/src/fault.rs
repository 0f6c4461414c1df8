//! Faults around a server: of the network, the disk, a pipe and a process.
//!
//! Each fault is real and not simulated: a proxy cuts TCP connections, a file system is full, a pipe is full, a process
//! gets `SIGSTOP`. Every fault ends when its value is dropped.

mod frozen;
mod proxy;
mod small_disk;
mod starved_pipe;

pub use frozen::Frozen;
pub use proxy::{Fault, FaultProxy};
pub use small_disk::{InsideDisk, SmallDisk};
pub use starved_pipe::StarvedPipe;
