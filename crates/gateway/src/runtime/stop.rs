//! The request to stop that an operator or a supervisor sends.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM. They count from the moment at which this exists.
///
/// # Examples
/// ```no_run
/// # async fn run(doorward: doorward::Doorward) -> Result<(), Box<dyn std::error::Error>> {
/// use doorward::{Listeners, StopSignal};
///
/// let stop = StopSignal::install()?;
/// let listeners = Listeners::bind("localhost:3000").await?;
/// doorward.serve_with(listeners, doorward.service(), stop.received()).await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct StopSignal {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignal {
    /// Takes the signals over from the operating system, which would end the process at once.
    ///
    /// # Errors
    /// What the operating system says.
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Completes at the first of them.
    ///
    /// # Cancel safety
    /// A signal that arrives after the future was dropped is forgotten.
    pub async fn received(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
