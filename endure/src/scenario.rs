//! Scenarios, each of which puts a load or a fault on a server and verifies a rule.

mod crash;
mod flood;
mod hashing;
mod herd;
mod slow_body;
mod slow_store;

use std::{future::Future, pin::Pin};

/// One scenario.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Rule that the scenario verifies.
    pub(crate) rule: &'static str,
    /// Runs the scenario and returns its figures. Panics if the rule is broken.
    pub(crate) run: fn() -> Pin<Box<dyn Future<Output = String> + Send>>,
}

/// Describes the scenario of a module.
macro_rules! scenario {
    ($name:ident, $rule:literal) => {
        Scenario { name: stringify!($name), rule: $rule, run: || Box::pin($name::run()) }
    };
}

/// All scenarios. Short scenarios come first.
pub(crate) const ALL: &[Scenario] = &[
    scenario!(flood, "30,000 refusals fill no disk, and every admission is recorded"),
    scenario!(
        herd,
        "5,000 clients reconnect through one trusted proxy, and each is admitted at its first try"
    ),
    scenario!(
        hashing,
        "clients that leave while codes are hashed cost no memory: within 64 MiB of the start"
    ),
    scenario!(slow_body, "1,000 bodies that never end are closed, and others are served meanwhile"),
    scenario!(crash, "nothing that was acknowledged is lost in 10 kills under load"),
    scenario!(slow_store, "15,000 sockets on a Redis with 60 ms latency all stay connected"),
];
