//! Makes pipes without a reader.

use std::{
    io::{PipeReader, Write as _, pipe},
    process::Stdio,
};

/// Pipe that is full and never read. The next write to it blocks for ever.
///
/// # Examples
/// ```no_run
/// use std::process::Command;
/// use doorward_testkit::StarvedPipe;
///
/// let pipe = StarvedPipe::new();
/// let mut program = Command::new("doorward").stderr(pipe.write_end()).spawn()?;
/// # program.wait()?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct StarvedPipe {
    /// Kept open, so that a write blocks. With a closed reader, a write would fail.
    _reader: PipeReader,
    writer: std::io::PipeWriter,
}

impl StarvedPipe {
    /// Creates a pipe and fills it.
    ///
    /// # Panics
    /// If no pipe can be created.
    #[must_use]
    pub fn new() -> Self {
        let (reader, mut writer) = pipe().expect("a pipe can be made");
        let size = rustix::pipe::fcntl_getpipe_size(&writer).expect("a pipe has a size");
        writer.write_all(&vec![b'.'; size]).expect("an empty pipe takes as much as its size");
        Self { _reader: reader, writer }
    }

    /// Returns the end that a program writes to.
    ///
    /// # Panics
    /// If no file descriptor is left.
    #[must_use]
    pub fn write_end(&self) -> Stdio {
        self.writer.try_clone().expect("a descriptor is left").into()
    }
}

impl Default for StarvedPipe {
    fn default() -> Self {
        Self::new()
    }
}
