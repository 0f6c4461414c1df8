//! Valid and invalid packets of clients.

use super::*;

fn decode(text: &str) -> Result<Packet<'_>, PacketError> {
    Packet::decode(text, 255)
}

#[test]
fn the_examples_of_the_protocol_are_read() {
    let packet =
        |kind, namespace, id, data| Ok(Packet { kind, namespace, id, data, attachments: 0 });

    assert_eq!(decode("0"), packet(Kind::Connect, "/", None, None));
    assert_eq!(
        decode(r#"0/admin,{"sid":"o"}"#),
        packet(Kind::Connect, "/admin", None, Some(r#"{"sid":"o"}"#))
    );
    assert_eq!(decode("1/admin,"), packet(Kind::Disconnect, "/admin", None, None));
    assert_eq!(decode("0/admin"), packet(Kind::Connect, "/admin", None, None));
    assert_eq!(decode(r#"2["foo"]"#), packet(Kind::Event, "/", None, Some(r#"["foo"]"#)));
    assert_eq!(
        decode(r#"2/admin,456["e","v"]"#),
        packet(Kind::Event, "/admin", Some(456), Some(r#"["e","v"]"#))
    );
    assert_eq!(decode(r#"312["bar"]"#), packet(Kind::Ack, "/", Some(12), Some(r#"["bar"]"#)));
}

#[test]
fn packets_of_a_server_and_unknown_packets_are_rejected() {
    for text in ["", "4{}", "7", "x", "é"] {
        assert_eq!(decode(text), Err(PacketError::Kind), "{text}");
    }
}

#[test]
fn the_binary_examples_of_the_protocol_are_read() {
    let packet = decode(r#"51-["baz",{"_placeholder":true,"num":0}]"#).unwrap();
    assert_eq!((packet.kind, packet.attachments), (Kind::BinaryEvent, 1));
    assert_eq!(packet.data, Some(r#"["baz",{"_placeholder":true,"num":0}]"#));
    assert_eq!(packet.event(32, 128).unwrap(), "baz");

    let json = r#"["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    let text = format!("52-/admin,{json}");
    let packet = decode(&text).unwrap();
    assert_eq!((packet.namespace, packet.attachments), ("/admin", 2));
    assert_eq!((packet.id, packet.data), (None, Some(json)));

    let packet = decode(r#"51-15["baz",{"_placeholder":true,"num":0}]"#).unwrap();
    assert_eq!((packet.namespace, packet.id), ("/", Some(15)));

    let packet = decode(r#"61-/ns,12[{"_placeholder":true,"num":0}]"#).unwrap();
    assert_eq!((packet.kind, packet.namespace), (Kind::BinaryAck, "/ns"));
    assert_eq!((packet.id, packet.attachments), (Some(12), 1));
    assert_eq!(packet.check_ack(32), Ok(()));
}

#[test]
fn a_binary_packet_may_have_no_attachment() {
    assert_eq!(decode(r#"50-["e"]"#).unwrap().attachments, 0);
    assert_eq!(decode("60-1[]").unwrap().attachments, 0);
    assert_eq!(decode("60-[]"), Err(PacketError::Id));
}

/// Attack 41.
#[test]
fn the_number_of_attachments_is_a_number_of_some_size() {
    for text in [
        r#"5["e"]"#,
        r#"5-["e"]"#,
        r#"51["e"]"#,
        "5",
        "51",
        "6-",
        r#"5-1-["e"]"#,
        r#"5+1-["e"]"#,
        r#"51.0-["e"]"#,
        r#"5 1-["e"]"#,
        r#"51e1-["e"]"#,
        r#"5/ns,1-["e"]"#,
        "51000000000-[]",
        "61000000000-1[]",
        "518446744073709551617-[]",
        "5\u{661}-[]",
    ] {
        assert_eq!(decode(text), Err(PacketError::Attachments), "{text}");
    }
}

/// Attack 40, the part that cannot be read.
#[test]
fn an_ack_id_is_a_number_that_fits() {
    assert_eq!(decode("218446744073709551615[]").unwrap().id, Some(u64::MAX));
    assert_eq!(decode("218446744073709551616[]"), Err(PacketError::Id));
    assert_eq!(decode("3[]"), Err(PacketError::Id));
    // A sign is not a digit, so the data starts with it, and is then not a JSON array.
    assert_eq!(decode(r#"2-1["e"]"#).unwrap().event(32, 128), Err(JsonError::Malformed));
}

#[test]
fn a_namespace_has_a_limit() {
    let name = format!("/{}", "n".repeat(255));

    assert_eq!(decode(&format!("0{name},")), Err(PacketError::Namespace));
}

/// Attack 45.
#[test]
fn an_event_has_any_name_but_those_of_the_library() {
    let name = |json: &str| decode(json).unwrap().event(32, 128).map(Cow::into_owned);

    for reserved in
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
    {
        assert_eq!(name(&format!("2[{reserved:?}]")), Err(JsonError::Name), "{reserved}");
    }
    assert_eq!(name(r#"2["\u0063onnect"]"#), Err(JsonError::Name));
    assert_eq!(name(&format!("2[{:?}]", "n".repeat(129))), Ok(String::new()));
    assert_eq!(name(&format!("2[{:?}]", "n".repeat(128))), Ok("n".repeat(128)));
    for other in ["", "error", "__proto__", "constructor", "a b"] {
        assert_eq!(name(&format!("2[{other:?}]")), Ok(other.to_owned()));
    }
    assert_eq!(name(r#"2["\ud800",1]"#), Ok(String::new()));
    assert_eq!(name(r#"2["\ud800",]"#), Err(JsonError::Malformed));
    for number in ["7", "-1", "1.5", "0"] {
        assert_eq!(name(&format!("2[{number}]")), Ok(number.to_owned()));
    }
    for json in ["2[null]", "2[true]", "2[[]]", "2[{}]"] {
        assert_eq!(name(json), Err(JsonError::Malformed), "{json}");
    }
    assert_eq!(name("2"), Err(JsonError::Malformed));
}
