//! Scenarios, each of which puts a load or a fault on a server and verifies a rule.

mod crash;
mod flood;
mod frozen;
mod handover;
mod hashing;
mod herd;
mod model;
mod mute;
mod race;
mod revocations;
mod rolling;
mod slow_body;
mod slow_store;
mod storm;
mod takeover;
mod upgrade;

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
        handover,
        "the next process listens within 200 ms after the end of the one before, whose clients are told"
    ),
    scenario!(
        upgrade,
        "50 upgrades among 10,000 messages each, with 20 ms latency: none lost, repeated or reordered"
    ),
    scenario!(
        mute,
        "500 links that send and read nothing end, and their memory stays within its bounds"
    ),
    scenario!(
        herd,
        "5,000 clients reconnect through one trusted proxy, and each is admitted at its first try"
    ),
    scenario!(
        hashing,
        "clients that leave while codes are hashed cost no memory: within 64 MiB of the start"
    ),
    scenario!(slow_body, "1,000 bodies that never end are closed, and others are served meanwhile"),
    scenario!(
        model,
        "a model of a cluster that loses its last writes keeps its promises, for two minutes"
    ),
    scenario!(
        revocations,
        "revocations on three nodes end every connection within a second, also with 50 ms latency (p99)"
    ),
    scenario!(
        race,
        "of 1,000 clients of one user on three nodes one is connected: the others are refused, or each replaces the one before"
    ),
    scenario!(
        rolling,
        "900 clients with one connection each are back within 30 s when each of three nodes restarts, and none is refused"
    ),
    scenario!(
        storm,
        "5,000 clients with one connection each are back within 30 s when a node restarts, within 35 s when one is killed, and none is refused"
    ),
    scenario!(
        takeover,
        "a game whose node is killed is run by another node within 15 s, and its players are told"
    ),
    scenario!(
        frozen,
        "a node that is stopped for 40 s answers nothing afterwards, and `doorward revoke` tells the truth within 30 s"
    ),
    scenario!(crash, "nothing that was acknowledged is lost in 10 kills under load"),
    scenario!(slow_store, "15,000 sockets on a Redis with 60 ms latency all stay connected"),
];
