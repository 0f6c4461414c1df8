//! Order of changes, lost messages, and what the application is told.

use std::sync::Arc;

use doorward_auth::MemoryStore;
use doorward_core::{Clock, Incarnation, ManualClock, NodeId, UserId, cluster::Cluster as _};
use doorward_testkit::MemoryCluster;

use super::{Place, Roster};
use crate::{
    bus::{
        message::{NodeRun, Whole},
        relay::Relay,
    },
    presence::seats::MemorySeats,
    runtime::system::OsEntropy,
};

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

fn whole(number: u64, part: u32, is_last: bool) -> Whole {
    Whole { number, sending: number, part, is_last }
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
    assert!(!roster.check_number(&other, 4), "the answer may be on its way");

    // A part is lost at first.
    roster.apply_whole(&other, whole(4, 0, false), &lines(&[("c", 1)]));
    roster.apply_whole(&other, whole(4, 2, true), &lines(&[("e", 1)]));
    assert!(roster.check_number(&other, 4));
    roster.apply_whole(&other, whole(4, 0, false), &lines(&[("c", 1)]));
    roster.apply_whole(&other, whole(4, 1, true), &lines(&[("d", 1)]));

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
        roster.apply_whole(node, whole(0, 0, true), &lines(&users));
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

/// The bus may be away for days while clients come and go.
#[test]
fn changes_do_not_pile_up_while_the_bus_is_away() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let cluster =
        MemoryCluster::new(ManualClock::new(), MemoryStore::default(), MemorySeats::new());
    let bus = cluster.node("n0").bus();
    let relay = Relay::new(&clock, &OsEntropy, NodeId::new("n0"), bus);
    let roster = Roster::new(NodeId::new("n0"), Some(Arc::new(relay)));
    let user = UserId::new("a");
    for number in 0..100 {
        let room = Some(Arc::from(number.to_string()));
        let room = Place { namespace: Arc::from("/"), room };
        roster.add(&room, &user);
        roster.remove(&room, &user);
    }
    told(&roster);
    assert_eq!(roster.entries(), 100);

    roster.drop_changes();

    assert_eq!(roster.entries(), 0);
    assert_eq!(roster.number(), 1, "the others ask for everything");
}

#[test]
fn parts_of_two_sendings_are_not_mixed() {
    let (roster, other) = (roster(), other());
    // The second part of the first sending is lost, and the first part of the second one.
    roster.apply_whole(&other, whole(4, 0, false), &lines(&[("gone", 1)]));
    roster.apply_whole(&other, whole(5, 1, true), &lines(&[("d", 1)]));

    assert_eq!(users(&roster), [""; 0]);
    assert!(roster.check_number(&other, 5));
}

/// A node that starts learns of all users at once.
#[test]
fn a_large_presence_is_taken_in_one_pass() {
    let (roster, other) = (roster(), other());
    let names: Vec<_> = (0..20_000).map(|number| number.to_string()).collect();
    let all: Vec<_> = names.iter().map(|name| (&**name, 1)).collect();

    roster.apply_whole(&other, whole(1, 0, true), &lines(&all));

    assert_eq!(roster.entries(), names.len());
}
