//! Tests for identifiers and secrets: each has one spelling, and random ones come from the entropy
//! source.

use doorward_core::{
    CredentialId, DecisionId, LinkId, NodeId, SessionId, SessionKey, SessionToken, SocketId,
    Ticket, TicketKey, TokenId, UserId,
};

use super::Filled;

#[test]
fn random_ids_are_the_bytes_of_the_entropy() {
    let byte = Filled(0xff);

    assert_eq!(SocketId::generate(&byte).encode(), "_".repeat(20));
    assert_eq!(SocketId::generate(&byte).to_string(), "_".repeat(20));
    assert_eq!(LinkId::generate(&byte).encode(), "_".repeat(24));
    assert_eq!(DecisionId::generate(&byte).encode(), "_".repeat(12));
    assert_eq!(DecisionId::generate(&byte).to_string(), "_".repeat(12));
    assert_ne!(SocketId::generate(&byte), SocketId::generate(&Filled(1)));
}

#[test]
fn a_socket_id_can_be_written_in_one_way_only() {
    let id = SocketId::generate(&Filled(7));

    assert_eq!(id.encode().parse(), Ok(id));
    for text in ["", "AAAA", &*format!("{id}="), &*format!("{id}AAAA"), &id.encode().split_off(1)] {
        assert!(text.parse::<SocketId>().is_err(), "{text}");
    }
}

#[test]
fn names_are_kept_as_they_are_given() {
    assert_eq!(UserId::new("alice").as_str(), "alice");
    assert_eq!(UserId::from("alice".to_owned()), UserId::from("alice"));
    assert_eq!(SessionId::new("s").as_str(), "s");
    assert_eq!(TokenId::new("t").as_str(), "t");
    let node = NodeId::new("node-1");
    assert_eq!((node.as_str(), &*node.to_string()), ("node-1", "node-1"));
}

#[test]
fn a_credential_id_has_1_to_1023_bytes() {
    let id = CredentialId::new(*b"\xff\xff\xff");

    assert_eq!((id.as_bytes(), &*id.encode()), (&b"\xff\xff\xff"[..], "____"));
    assert_eq!(CredentialId::decode("____"), Some(id.clone()));
    assert_eq!(CredentialId::checked(*b"\xff\xff\xff"), Some(id));
    assert_eq!(CredentialId::decode("___="), None);
    assert_eq!(CredentialId::decode(""), None);
    assert!(CredentialId::checked(vec![0; 1023]).is_some());
    assert!(CredentialId::checked(vec![0; 1024]).is_none());
}

#[test]
fn a_secret_is_drawn_read_back_and_found_by_its_hash() {
    let (token, ticket) = (SessionToken::generate(&Filled(2)), Ticket::generate(&Filled(2)));

    assert_eq!(token.expose().parse::<SessionToken>().unwrap().key(), token.key());
    assert_eq!(ticket.expose().parse::<Ticket>().unwrap().key(), ticket.key());
    assert_ne!(token.key(), SessionToken::generate(&Filled(3)).key());
    assert_eq!(SessionKey::new(*token.key().as_bytes()), token.key());
    assert_eq!(TicketKey::new(*ticket.key().as_bytes()), ticket.key());
    assert_ne!(ticket.expose().as_bytes(), ticket.key().as_bytes());
    assert!("".parse::<SessionToken>().is_err() && "AAAA".parse::<Ticket>().is_err());
}
