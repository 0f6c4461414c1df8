//! Order of changes, lost messages, and what the application is told.

use std::sync::Arc;

use doorward_core::{Incarnation, NodeId, UserId};

use super::{Place, Roster};
use crate::{bus::message::NodeRun, runtime::system::OsEntropy};

fn roster() -> Roster {
    Roster::new(NodeId::new("n0"), None)
}

fn place() -> Place {
    Place { namespace: Arc::from("/"), room: None }
}

fn other() -> NodeRun {
    NodeRun { node: NodeId::new("n1"), run: Incarnation::generate(&OsEntropy) }
}

fn lines(users: &[(&str, u32)]) -> Vec<u8> {
    let lines: Vec<_> =
        users.iter().map(|(user, count)| ("/", None::<&str>, user, count)).collect();
    serde_json::to_vec(&lines).unwrap()
}

fn users(roster: &Roster) -> Vec<String> {
    let mut users: Vec<_> =
        roster.users(&place()).iter().map(|user| user.as_str().to_owned()).collect();
    users.sort();
    users
}

/// Returns the changes that the application is told now.
fn told(roster: &Roster) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(change) = roster.take_change() {
        let sign = if change.is_present { '+' } else { '-' };
        told.push(format!("{sign}{}", change.user.as_str()));
        roster.told(&change);
    }
    told
}

#[test]
fn a_user_who_has_come_and_gone_meanwhile_is_left_out() {
    let (roster, alice) = (roster(), UserId::new("alice"));
    roster.add(&place(), &alice);
    roster.remove(&place(), &alice);
    assert_eq!(told(&roster), [""; 0]);
    roster.add(&place(), &alice);
    roster.add(&place(), &alice);
    let change = roster.take_change().unwrap();
    // The application is being told while the user goes and comes again.
    roster.remove(&place(), &alice);
    roster.remove(&place(), &alice);
    assert!(roster.take_change().is_none(), "one change after the other");
    roster.told(&change);

    assert_eq!(told(&roster), ["-alice"]);
    assert_eq!(roster.entries(), 0);
}

#[test]
fn changes_are_applied_in_order_or_everything_is_asked_for() {
    let (roster, other) = (roster(), other());
    assert!(!roster.check_number(&other, 0), "it has told nothing yet");
    roster.apply(&other, 1, &lines(&[("a", 1), ("b", 2)]));
    roster.apply(&other, 3, &lines(&[("c", 1)]));
    roster.apply(&other, 4, &lines(&[("a", 0)]));
    assert_eq!(users(&roster), ["a", "b"]);
    assert!(roster.check_number(&other, 4));

    // A part is lost at first.
    roster.apply_whole(&other, 4, 0, false, &lines(&[("c", 1)]));
    roster.apply_whole(&other, 4, 2, true, &lines(&[("e", 1)]));
    assert!(roster.check_number(&other, 4));
    roster.apply_whole(&other, 4, 0, false, &lines(&[("c", 1)]));
    roster.apply_whole(&other, 4, 1, true, &lines(&[("d", 1)]));

    assert_eq!(users(&roster), ["c", "d"]);
    assert!(!roster.check_number(&other, 4));
    roster.apply(&other, 5, &lines(&[("d", 0)]));
    assert_eq!(users(&roster), ["c"]);
    roster.apply(&other, 6, b"[");
    assert!(roster.check_number(&other, 6), "it cannot be read");
}

#[test]
fn a_node_that_is_gone_leaves_nothing_behind() {
    let (roster, first, second) = (roster(), other(), other());
    roster.add(&place(), &UserId::new("a"));
    for (node, users) in [(&first, [("a", 1), ("b", 1)]), (&second, [("b", 1), ("c", 7)])] {
        roster.apply_whole(node, 0, 0, true, &lines(&users));
    }
    assert_eq!(told(&roster), ["+a", "+b", "+c"]);

    roster.forget(first.run);
    assert_eq!(told(&roster), [""; 0]);
    roster.forget(second.run);

    let mut gone = told(&roster);
    gone.sort();
    assert_eq!(gone, ["-b", "-c"]);
    assert_eq!((users(&roster), roster.entries()), (vec!["a".to_owned()], 1));
    assert!(roster.check_number(&first, 1), "a late message makes it known again");
}
