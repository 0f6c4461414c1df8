//! Helpers that know no client. Start reading at [`timers`], which wakes links at their deadlines.
//!
//! `catch` contains panics of applications, `outage` logs dependencies that do not answer, `stop`
//! waits for SIGINT and SIGTERM, and `system` reads the clock of the machine.

pub(crate) mod catch;
pub(crate) mod metrics;
pub(crate) mod outage;
pub(crate) mod stop;
pub(crate) mod system;
pub(crate) mod timers;
