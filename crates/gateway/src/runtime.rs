//! Helpers that know nothing of clients: timers, panics, clocks, metrics.

pub(crate) mod catch;
pub(crate) mod metrics;
pub(crate) mod outage;
pub(crate) mod stop;
pub(crate) mod system;
pub(crate) mod timers;
