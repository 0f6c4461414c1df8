//! Checks the model in every order of its steps.

use doorward_model::checked::{Checked, Policy};
use stateright::{Checker as _, Model as _};

/// Two nodes, and one connection of the user.
const REVOCATION: Checked = Checked {
    nodes: 2,
    policy: Policy::Unlimited,
    until: 5,
    connects: 1,
    faults: 1,
    joins: 1,
    loses: false,
    lists_changes: false,
};

/// Checks every state, and that the checker reaches those that the rules are about.
fn check(checked: &Checked) {
    checked.clone().checker().threads(2).spawn_bfs().join().assert_properties();
}

#[test]
fn a_revocation_holds_on_a_node_that_is_cut_off_or_stopped() {
    check(&REVOCATION);
}

#[test]
fn a_revocation_holds_on_a_node_that_joins_again() {
    check(&Checked { until: 4, joins: 2, ..REVOCATION });
}

/// Two connections of the user, of which one may be served.
const LIMIT: Checked = Checked { policy: Policy::RefuseNew, until: 4, connects: 2, ..REVOCATION };

#[test]
fn a_second_connection_is_refused() {
    check(&LIMIT);
}

#[test]
fn the_older_connection_is_replaced() {
    check(&Checked { policy: Policy::ReplaceOldest, ..LIMIT });
}

/// The second client leaves before the first one has closed, so the third one must wait for the first.
#[test]
fn a_third_connection_waits_for_one_that_an_earlier_one_has_replaced() {
    check(&Checked {
        policy: Policy::ReplaceOldest,
        until: 0,
        connects: 3,
        faults: 0,
        ..REVOCATION
    });
}
