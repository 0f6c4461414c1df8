//! Pipes that nothing reads from.

use std::{
    io::{PipeReader, Write as _, pipe},
    process::Stdio,
};

/// A pipe that is full and is not read: the next write to it waits for ever.
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
    /// Open, so that a write waits rather than fails.
    _reader: PipeReader,
    writer: std::io::PipeWriter,
}

impl StarvedPipe {
    /// Makes a pipe and fills it.
    ///
    /// # Panics
    /// When the system has no pipe left.
    #[must_use]
    pub fn new() -> Self {
        let (reader, mut writer) = pipe().expect("a pipe can be made");
        let size = rustix::pipe::fcntl_getpipe_size(&writer).expect("a pipe has a size");
        writer.write_all(&vec![b'.'; size]).expect("an empty pipe takes as much as its size");
        Self { _reader: reader, writer }
    }

    /// The end that a program writes to.
    ///
    /// # Panics
    /// When no descriptor is left.
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
