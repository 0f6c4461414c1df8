//! Helpers that do not depend on clients. Start reading at [`timers`], which wakes links at their
//! deadlines.
//!
//! `catch` contains panics of applications, and `outage_log` logs dependencies that do not answer.
//! `metrics` counts what the server does. `shutdown_signal` waits for SIGINT and SIGTERM, and
//! `system` reads the clock of the machine. `within` limits the time of a future.

pub(crate) mod catch;
pub(crate) mod metrics;
pub(crate) mod once_a_minute;
pub(crate) mod outage_log;
pub(crate) mod shutdown_signal;
pub(crate) mod system;
pub(crate) mod timers;
pub(crate) mod within;
