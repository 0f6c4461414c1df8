//! Tests for the limits on the connections of a user.

use doorward_core::{Holder, LinkNumber, NodeId, PerUser, SeatRequest, SocketId, UserId};

use super::Filled;

#[test]
fn a_limit_of_zero_leaves_one_seat() {
    assert_eq!(PerUser::Unlimited.seats(), None);
    assert_eq!(PerUser::RefuseNew(0).seats(), Some(1));
    assert_eq!(PerUser::ReplaceOldest(0).seats(), Some(1));
    assert_eq!(PerUser::RefuseNew(3).seats(), Some(3));
    assert_eq!(PerUser::ReplaceOldest(3).seats(), Some(3));
    assert!(PerUser::ReplaceOldest(3).replaces_oldest());
    assert!(!PerUser::RefuseNew(3).replaces_oldest() && !PerUser::Unlimited.replaces_oldest());
    assert_eq!(PerUser::default(), PerUser::Unlimited);
}

#[test]
fn of_two_limits_the_stricter_one_holds() {
    let (refuse, replace) = (PerUser::RefuseNew, PerUser::ReplaceOldest);
    for (one, other, stricter) in [
        (refuse(2), refuse(3), refuse(2)),
        (refuse(3), replace(2), replace(2)),
        (refuse(2), replace(2), refuse(2)),
        (replace(9), PerUser::Unlimited, replace(9)),
        (PerUser::Unlimited, PerUser::Unlimited, PerUser::Unlimited),
    ] {
        assert_eq!(one.stricter(other), stricter, "{one:?} {other:?}");
        assert_eq!(other.stricter(one), stricter, "{other:?} {one:?}");
    }
}

#[test]
fn a_request_is_unlimited_until_it_has_a_limit() {
    let (node, user) = (NodeId::new("n"), UserId::new("alice"));
    let (socket, link) = (SocketId::generate(&Filled(1)), LinkNumber::new(2));
    let request = SeatRequest::new(&node, &user, socket, link, "/chat");

    assert!(request.is_unlimited());
    let with_links = request.with_links(PerUser::RefuseNew(1));
    assert_eq!((with_links.links, with_links.sockets), (PerUser::RefuseNew(1), PerUser::Unlimited));
    assert!(!with_links.is_unlimited());
    let with_sockets = request.with_sockets(PerUser::ReplaceOldest(2));
    assert_eq!(
        (with_sockets.links, with_sockets.sockets),
        (PerUser::Unlimited, PerUser::ReplaceOldest(2))
    );
    assert!(!with_sockets.is_unlimited());
    assert_eq!((with_sockets.namespace, with_sockets.socket), ("/chat", socket));
}

#[test]
fn a_holder_of_a_link_names_a_socket_only_if_it_is_told() {
    let (node, link) = (NodeId::new("n"), LinkNumber::new(2));
    let holder = Holder::new(node.clone(), link);

    assert_eq!((&holder.node, holder.link, holder.socket), (&node, link, None));
    let socket = SocketId::generate(&Filled(1));
    assert_eq!(holder.with_socket(socket).socket, Some(socket));
}
