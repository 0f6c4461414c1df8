//! Helpers that are independent of clients: timers, panics, clocks, metrics, outages, signals.

pub(crate) mod catch;
pub(crate) mod metrics;
pub(crate) mod outage;
pub(crate) mod stop;
pub(crate) mod system;
pub(crate) mod timers;
