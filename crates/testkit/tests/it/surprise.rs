//! No input makes the protocol panic, or accept events from a socket that was not admitted.
//!
//! Random bytes rarely pass the first check. Most of the input is therefore valid, with a few errors.

use doorward_protocol::ws::Opcode;
use doorward_testkit::{RawClient, fuzz};
use proptest::{collection::vec, prelude::*, sample::select};

/// Generates random bytes.
fn random_bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..400)
}

/// Overwrites, removes and duplicates some bytes of valid input.
fn damaged(whole: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let damage = (any::<prop::sample::Index>(), any::<u8>(), 0_u8..3);
    (whole, vec(damage, 0..4)).prop_map(|(mut bytes, damages)| {
        for (place, byte, kind) in damages {
            if bytes.is_empty() {
                break;
            }
            let place = place.index(bytes.len());
            match kind {
                0 => bytes[place] = byte,
                1 => drop(bytes.remove(place)),
                _ => bytes.insert(place, bytes[place]),
            }
        }
        bytes
    })
}

fn frames() -> impl Strategy<Value = Vec<u8>> {
    let opcode = select(vec![
        Opcode::Text,
        Opcode::Binary,
        Opcode::Continuation,
        Opcode::Ping,
        Opcode::Pong,
        Opcode::Close,
    ]);
    let frame =
        (opcode, any::<bool>(), vec(any::<u8>(), 0..140)).prop_map(|(opcode, fin, bytes)| {
            let mut frame = RawClient::frame(opcode, &bytes);
            if !fin {
                frame[0] &= 0x7F;
            }
            frame
        });
    vec(frame, 0..8).prop_map(|frames| frames.concat())
}

/// Generates a packet that is valid or nearly valid.
fn packet() -> impl Strategy<Value = String> {
    let head = select(vec![
        "40", "41", "42", "43", "44", "45", "46", "3", "2", "1", "0", "4", "", "450-", "451-",
        "452-", "461-", "4511-", "45-1-", "b", "e", "p", "r",
    ]);
    let namespace = select(vec!["", "/,", "/a,", "/a", "/a,/b,", "/\u{e9},", "//,"]);
    let id = prop_oneof![
        4 => Just(String::new()),
        4 => any::<u64>().prop_map(|id| id.to_string()),
        1 => "[0-9]{15,25}",
        1 => Just("-1".to_owned()),
    ];
    let json = prop_oneof![
        Just(String::new()),
        select(vec![
            r#"{}"#,
            r#"{"token":"t"}"#,
            r#"["e"]"#,
            r#"["e",1]"#,
            r#"["\u0065",[{}]]"#,
            r#"["e","\"[[[["]"#,
            r#"["connect"]"#,
            r#"[]"#,
            r#"["e""#,
            r#"["",1]"#,
            r#"["e"]x"#,
            r#"["e",1,[2],"3"]"#,
            r#"["e",{"_placeholder":true,"num":0}]"#,
            r#"[{"_placeholder":true,"num":1},"e"]"#,
            r#"["e",{"num":0,"a":[{"_placeholder":true,"num":0}],"_placeholder":true}]"#,
            r#"["e",{"_placeholder":true,"num":-1}]"#,
            r#"["e",{"_placeholder":1,"num":"0"},{"_placeholder":true}]"#,
            "null",
            "\"\\ud800\"",
        ])
        .prop_map(str::to_owned),
        (1_usize..80).prop_map(|deep| format!("[\"e\",{}{}]", "[".repeat(deep), "]".repeat(deep))),
        "[\\[\\]{}\",:0-9a-z\\\\ ]{0,40}",
    ];
    (head, namespace, id, json)
        .prop_map(|(head, namespace, id, json)| format!("{head}{namespace}{id}{json}"))
}

/// Generates the messages of one link, in the format of [`fuzz::link`].
fn messages() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        4 => packet(),
        3 => select(vec![
            "40", "40{}", "40/a,", "40/a,{}", "40[]", "40/c,[]", "40/b,{\"token\":\"no\"}", "41", "41/a,", "42[\"e\"]",
            "42/a,1[\"e\",2]", "431[]", "43/a,2[true]", "3", "", "e", "p", "r",
        ])
        .prop_map(str::to_owned),
        2 => binary_packet(),
    ];
    vec(line, 0..40).prop_map(|lines| lines.join("\n").into_bytes())
}

/// Generates a binary packet with attachments. Sometimes there is one too many or too few, or another message in
/// between.
fn binary_packet() -> impl Strategy<Value = String> {
    let head = select(vec!["451-", "452-", "452-/a,", "451-/b,", "461-1", "462-/a,1", "4510-"]);
    let between =
        prop_oneof![6 => Just(""), 1 => select(vec!["3", "", "42[\"e\"]", "e", "p", "r"])];
    (head, 0_usize..3, between).prop_map(|(head, attachments, between)| {
        let mut lines = vec![format!("{head}[\"e\",{{\"_placeholder\":true,\"num\":0}}]")];
        if !between.is_empty() {
            lines.push(between.to_owned());
        }
        lines.extend(vec!["battached".to_owned(); attachments]);
        lines.join("\n")
    })
}

/// Generates the body of a POST.
fn body() -> impl Strategy<Value = String> {
    let message = prop_oneof![
        4 => packet(),
        2 => "b[A-Za-z0-9+/=]{0,12}",
        1 => select(vec!["", "b", "3", "1", "bAQID", "bAQ==", "b?"]).prop_map(str::to_owned),
    ];
    vec(message, 0..20).prop_map(|messages| messages.join("\u{1e}"))
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in random_bytes()) {
        fuzz::frames(&bytes);
        fuzz::packets(&bytes);
        fuzz::link(&bytes);
        fuzz::payload(&bytes);
        fuzz::polling(&bytes);
    }

    #[test]
    fn invalid_payloads_never_panic(body in body()) {
        fuzz::payload(body.as_bytes());
    }

    #[test]
    fn requests_in_any_order_are_answered(steps in "[gpdxyof5wce.]{0,60}", calm in "[gpdof5w.]{0,60}") {
        fuzz::polling(steps.as_bytes());
        fuzz::polling(calm.as_bytes());
    }

    #[test]
    fn damaged_frames_never_panic(bytes in damaged(frames())) {
        fuzz::frames(&bytes);
    }

    #[test]
    fn invalid_packets_never_panic(text in packet()) {
        fuzz::packets(text.as_bytes());
    }

    #[test]
    fn damaged_packets_never_panic(bytes in damaged(packet().prop_map(String::into_bytes))) {
        fuzz::packets(&bytes);
    }

    #[test]
    fn links_with_messages_in_any_order_never_panic(bytes in messages()) {
        fuzz::link(&bytes);
    }

    #[test]
    fn damaged_links_never_panic(bytes in damaged(messages())) {
        fuzz::link(&bytes);
    }
}
