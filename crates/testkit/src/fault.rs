//! What goes wrong around a server: the network, the disk, a pipe that is not read, a process that stands still.
//!
//! Each fault is the real thing, made on this machine: a proxy that cuts TCP connections, a file system without
//! room, a full pipe, `SIGSTOP`. Every fault ends when its value is dropped.

mod frozen;
mod proxy;
mod small_disk;
mod starved_pipe;

pub use frozen::Frozen;
pub use proxy::{Fault, FaultProxy};
pub use small_disk::{InsideDisk, SmallDisk};
pub use starved_pipe::StarvedPipe;
