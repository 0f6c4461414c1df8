//! The signals by which an operator or a supervisor stops the server.

use std::{io, time::Duration};

use doorward_core::Clock as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::runtime::system::SystemClock;

/// Waits for SIGINT or SIGTERM. Both are caught once [`install`](Self::install) was called.
///
/// # Examples
/// ```no_run
/// # async fn run(doorward: doorward::Doorward) -> Result<(), Box<dyn std::error::Error>> {
/// use doorward::server::{Listeners, ShutdownSignal};
///
/// let stop = ShutdownSignal::install()?;
/// let listeners = Listeners::bind("localhost:3000").await?;
/// doorward.serve_with(listeners, doorward.service(), stop.received()).await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct ShutdownSignal {
    interrupt: Signal,
    terminate: Signal,
}

impl ShutdownSignal {
    /// Installs handlers for the signals, which would otherwise end the process at once.
    ///
    /// # Errors
    /// The error of the operating system.
    ///
    /// # Panics
    /// Panics outside of a tokio runtime with I/O.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Completes when the first of the signals arrives.
    ///
    /// # Cancel safety
    /// A signal that arrives after the future was dropped has no effect.
    pub async fn received(mut self) {
        self.next().await;
    }

    /// Completes when a second signal arrives. An operator who sends it does not want to wait for the
    /// end of a shutdown. A signal within half a second after the first one does not count, because a
    /// parent process may pass on a signal that the terminal has sent to both.
    ///
    /// # Cancel safety
    /// Same as [`received`](Self::received).
    ///
    /// # Examples
    /// ```no_run
    /// # async fn run(doorward: doorward::Doorward) -> Result<(), Box<dyn std::error::Error>> {
    /// use doorward::server::{Listeners, ShutdownSignal};
    ///
    /// let (stop, at_once) = (ShutdownSignal::install()?, ShutdownSignal::install()?);
    /// let listeners = Listeners::bind("localhost:3000").await?;
    /// tokio::select! {
    ///     served = doorward.serve_with(listeners, doorward.service(), stop.received()) => served?,
    ///     () = at_once.received_again() => {}
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn received_again(mut self) {
        self.next().await;
        let first = SystemClock.now();
        while SystemClock.now().saturating_duration_since(first) < ONE_SIGNAL {
            self.next().await;
        }
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Time in which several signals count as one.
const ONE_SIGNAL: Duration = Duration::from_millis(500);
