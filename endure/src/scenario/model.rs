//! Checks the model of a cluster in more states than the tests have time for.

use std::time::Duration;

use doorward::server::{Entropy as _, OsEntropy};
use doorward_model::checked::{Checked, Policy};
use stateright::{Checker, Expectation, Model as _, Path, UniformChooser};
use tokio::task::spawn_blocking;

pub(super) async fn run() -> String {
    let mut seed = [0; 8];
    OsEntropy.fill(&mut seed);
    let seed = u64::from_be_bytes(seed);
    spawn_blocking(move || check(seed)).await.expect("the model keeps its promises")
}

fn check(seed: u64) -> String {
    // Every state in the order of its distance from the start, with a loss of the last writes.
    let near = Checked {
        nodes: 2,
        policy: Policy::ReplaceOldest,
        until: 5,
        connects: 2,
        faults: 1,
        joins: 2,
        loses: true,
        lists_changes: false,
    };
    let breadth = near.clone().checker().threads(2).timeout(FOR).target_state_count(MAX_STATES);
    let breadth = breadth.spawn_bfs().join();
    keeps(&near, &breadth, seed);
    // Random ways through a larger one.
    let far = Checked {
        nodes: 3,
        until: 9,
        connects: 3,
        faults: 3,
        joins: 3,
        lists_changes: true,
        ..near
    };
    let ways = far.clone().checker().threads(2).timeout(FOR).spawn_simulation(seed, UniformChooser);
    let ways = ways.join();
    keeps(&far, &ways, seed);
    format!(
        "{} states of two nodes with a loss of the last writes, and {} of random ways through three nodes with three faults",
        breadth.unique_state_count(),
        ways.state_count(),
    )
}

/// Panics with the steps to a state that breaks a promise.
fn keeps(checked: &Checked, checker: &impl Checker<Checked>, seed: u64) {
    for property in checked.properties() {
        let path = checker.discovery(property.name);
        let steps = path
            .map(Path::into_actions)
            .filter(|_| matches!(property.expectation, Expectation::Always));
        assert!(steps.is_none(), "{} is broken (seed {seed}) by {steps:?}", property.name);
    }
}

const FOR: Duration = Duration::from_secs(60);

/// Maximum number of states that are kept in memory.
const MAX_STATES: usize = 8_000_000;
