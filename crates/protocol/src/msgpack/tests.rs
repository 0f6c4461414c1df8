//! Tests of the translation in both directions. The bytes are those of `notepack.io`, which
//! `socket.io-msgpack-parser` uses.

use bytes::Bytes;

use super::*;
use crate::packet::Packet;

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

fn text(message: &[u8]) -> Result<String, MsgpackError> {
    decode(message, 1000, 3).map(|translated| translated.packet().to_string())
}

/// Returns an event with one argument, which has these bytes.
fn argument(value: &[u8]) -> Vec<u8> {
    [b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e", value].concat()
}

#[test]
fn a_connect_of_a_stock_client_is_read() {
    let connect =
        "84a47479706500a464617461d40000a76f7074696f6e7381a8636f6d7072657373c3a36e7370a12f";

    assert_eq!(text(&bytes(connect)).unwrap(), "0");
}

/// `["news", { a: undefined, b: new Date(..), c: Buffer.from("hi"), d: ArrayBuffer, e: NaN, f: 1.5,
/// g: -200, h: 2 ** 32, i: null, j: [undefined, true] }]` with the id 7.
#[test]
fn each_value_of_a_stock_client_is_read_as_json_would_write_it() {
    let event = "85a47479706502a46461746192a46e6577738aa161d40000a162d7000000019b76daa87ba163c4026869\
                 a164c70300010203a165cb7ff8000000000000a166cb3ff8000000000000a167d1ff38a168cf00000001\
                 00000000a169c0a16a92d40000c3a76f7074696f6e7381a8636f6d7072657373c3a2696407a36e7370a5\
                 2f63686174";

    let event = bytes(event);
    let packet = decode(&event, 1000, 3).unwrap();

    let json = r#"["news",{"b":"2026-01-01T00:00:00.123Z","c":{"_placeholder":true,"num":0},"d":{"_placeholder":true,"num":1},"e":null,"f":1.5,"g":-200,"h":4294967296,"i":null,"j":[null,true]}]"#;
    assert_eq!(packet.packet().to_string(), format!("52-/chat,7{json}"));
    assert_eq!(packet.attachments, [&b"hi"[..], &[1, 2, 3]]);
}

#[test]
fn timestamps_of_the_specification_are_read() {
    let cases: [(&[u8], &str); 4] = [
        (&[0xd6, 0xff, 0, 0, 0, 1], r#""1970-01-01T00:00:01.000Z""#),
        (&[0xd7, 0xff, 0x77, 0x35, 0x94, 0, 0, 0, 0, 1], r#""1970-01-01T00:00:01.500Z""#),
        (
            &[0xc7, 12, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            r#""1969-12-31T23:59:59.000Z""#,
        ),
        // Beyond every calendar.
        (&[0xc7, 12, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "null"),
    ];
    for (value, expected) in cases {
        assert_eq!(text(&argument(value)).unwrap(), format!(r#"2["e",{expected}]"#));
    }
}

#[test]
fn numbers_of_each_size_are_read() {
    let cases: [(&[u8], &str); 10] = [
        (b"\x7f", "127"),
        (b"\xcc\xff", "255"),
        (b"\xcd\xff\xff", "65535"),
        (b"\xce\xff\xff\xff\xff", "4294967295"),
        (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"),
        (b"\xe0", "-32"),
        (b"\xd0\x80", "-128"),
        (b"\xd2\x80\0\0\0", "-2147483648"),
        (b"\xd3\x80\0\0\0\0\0\0\0", "-9223372036854775808"),
        (b"\xca\x3f\xc0\0\0", "1.5"),
    ];
    for (value, expected) in cases {
        assert_eq!(text(&argument(value)).unwrap(), format!(r#"2["e",{expected}]"#));
    }
}

#[test]
fn a_message_that_is_no_packet_is_refused() {
    let cases: [&[u8]; 17] = [
        b"",
        b"\xc0",
        b"\x80",
        b"\x81\xa4type\x02",
        b"\x81\xa3nsp\xa1/",
        // A type that only the text format has, a namespace that would end early, and one without a
        // slash.
        b"\x82\xa4type\x05\xa3nsp\xa1/",
        b"\x82\xa4type\x02\xa3nsp\xa3/a,",
        b"\x82\xa4type\x02\xa3nsp\xa2[]",
        // Members that occur twice, or are of another type.
        b"\x83\xa4type\x02\xa4type\x02\xa3nsp\xa1/",
        b"\x84\xa4type\x02\xa3nsp\xa1/\xa4data\x90\xa4data\x90",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa2id\xff",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa2id\xa11",
        b"\x82\xa4type\x02\x01\xa1/",
        // More bytes behind the packet, and fewer than announced.
        b"\x82\xa4type\x00\xa3nsp\xa1/\xc0",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\xdd\xff\xff\xff\xff\x01",
        // Bytes in a DISCONNECT.
        b"\x83\xa4type\x01\xa3nsp\xa1/\xa4data\x81\xa1a\xc4\x01x",
        // A text that is no UTF-8.
        b"\x82\xa4type\x02\xa3nsp\xa2/\xff",
    ];
    for message in cases {
        assert_eq!(text(message), Err(MsgpackError::Malformed), "{message:x?}");
    }
    for value in [&b"\xc1"[..], b"\xd4\x07\0", b"\xd8\x00", b"\xdb\xff\xff\xff\xffx"] {
        assert_eq!(text(&argument(value)), Err(MsgpackError::Malformed), "{value:x?}");
    }
}

/// Attack 111.
#[test]
fn a_small_message_does_not_become_a_large_packet() {
    let nulls =
        |count: u16| [&b"\xdc"[..], &count.to_be_bytes(), &vec![0xc0; count.into()]].concat();
    // Each byte becomes five.
    assert!(text(&argument(&nulls(190))).is_ok());
    assert_eq!(text(&argument(&nulls(200))), Err(MsgpackError::TooLarge));
    // Each byte becomes six.
    let controls = [&b"\xd9\xff"[..], &[1; 255]].concat();
    assert_eq!(text(&argument(&controls)), Err(MsgpackError::TooLarge));
    // Members that are not read become nothing.
    let skipped = [&b"\x83\xa4type\x02\xa3nsp\xa1/\xa1x"[..], &nulls(200)].concat();
    assert_eq!(text(&skipped).unwrap(), "2");
}

/// Attack 111.
#[test]
fn bytes_and_nesting_have_limits() {
    let binary = |count: u8| [&[0x90 | count][..], &b"\xc4\x01x".repeat(count.into())].concat();
    assert_eq!(decode(&argument(&binary(3)), 1000, 3).unwrap().attachments.len(), 3);
    assert_eq!(text(&argument(&binary(4))), Err(MsgpackError::Attachments));
    let nested = |depth: usize| [&vec![0x91; depth][..], b"\xc0"].concat();
    assert!(text(&argument(&nested(119))).is_ok());
    assert_eq!(text(&argument(&nested(120))), Err(MsgpackError::Malformed));
    assert_eq!(text(&argument(&nested(100_000))), Err(MsgpackError::Malformed));
}

#[test]
fn packets_of_the_server_are_written_as_a_stock_client_reads_them() {
    let cases: [(&str, &[u8]); 7] = [
        (r#"0{"sid":"x"}"#, b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x81\xa3sid\xa1x"),
        ("1/chat,", b"\x82\xa4type\x01\xa3nsp\xa5/chat"),
        (r#"2/a,7["e"]"#, b"\x84\xa4type\x02\xa3nsp\xa2/a\xa2id\x07\xa4data\x91\xa1e"),
        (
            "31[-1,1.5]",
            b"\x84\xa4type\x03\xa3nsp\xa1/\xa2id\x01\xa4data\x92\xff\xcb\x3f\xf8\0\0\0\0\0\0",
        ),
        (r#"4{"message":null}"#, b"\x83\xa4type\x04\xa3nsp\xa1/\xa4data\x81\xa7message\xc0"),
        (
            r#"51-["e",{"num":0,"_placeholder":true}]"#,
            b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e\xc4\x02hi",
        ),
        // In a packet without attachments, this is no placeholder.
        (
            r#"2[{"_placeholder":true}]"#,
            b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\x81\xac_placeholder\xc3",
        ),
    ];
    for (packet, expected) in cases {
        let mut out = b"before".to_vec();
        let packet = Packet::parse(packet).unwrap();
        encode(&mut out, &packet, &[Bytes::from_static(b"hi")]).unwrap();
        assert_eq!(out.strip_prefix(b"before").unwrap(), expected, "{packet}");
    }
}

#[test]
fn a_packet_that_cannot_be_written_leaves_nothing_behind() {
    let deep = format!("2{}{}", "[".repeat(200), "]".repeat(200));
    for packet in ["2[", "2[]x", r#"51-[{"_placeholder":true,"num":1}]"#, &deep] {
        let (mut out, packet) = (b"before".to_vec(), Packet::parse(packet).unwrap());
        assert!(encode(&mut out, &packet, &[Bytes::new()]).is_err(), "{packet}");
        assert_eq!(out, b"before");
    }
}

/// Arrays and maps with more elements than one byte of a header can say.
#[test]
fn long_packets_are_read_as_they_were_written() {
    let object: serde_json::Map<_, _> =
        (0..70_000).map(|number| (format!("key {number}"), number.into())).collect();
    let values = serde_json::json!(["e", vec![true; 20], vec!["text"; 70_000], object]);
    let packet = format!("2{values}");

    let mut message = Vec::new();
    encode(&mut message, &Packet::parse(&packet).unwrap(), &[]).unwrap();

    let translated = decode(&message, packet.len(), 0).unwrap();
    assert_eq!(translated.packet().to_string(), packet);
}

/// If the link were closed, a stock client would reconnect for ever.
#[test]
fn a_connect_with_impossible_data_is_left_to_the_admission() {
    let connect = |data: &[u8]| {
        let head = b"\x84\xa4type\x00\xa4data";
        text(&[head, data, b"\xa7options\x81\xa1a\x92\x01\xc4\x02hi\xa3nsp\xa5/chat"].concat())
    };
    let controls = [&b"\xda\x01\xff"[..], &[1; 511]].concat();
    let nested = [&[0x91; 500][..], b"\xc0"].concat();
    for data in [&b"\x81\xa5token\xc4\x01x"[..], &controls, &nested, b"\xc1", b"\xa1\xff"] {
        let expected =
            if data == b"\xc1" { Err(MsgpackError::Malformed) } else { Ok("0/chat,[]".into()) };
        assert_eq!(connect(data), expected, "{data:x?}");
    }
    assert_eq!(connect(b"\x07").unwrap(), "0/chat,7");
    assert_eq!(connect(b"\xc0").unwrap(), "0/chat,");
}

/// Attack 111. One attachment must not become many.
#[test]
fn a_map_of_a_client_never_stands_for_bytes() {
    let forged = b"\x82\xac_placeholder\xc3\xa3num\x00";
    let alone = text(&argument(forged)).unwrap();
    assert_eq!(alone, r#"2["e",{"_placeholder":true,"num":0}]"#);
    let beside = [&b"\x92\xc4\x01x"[..], forged].concat();
    assert_eq!(text(&argument(&beside)), Err(MsgpackError::Malformed));

    let twice = r#"51-[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#;
    let packet = Packet::parse(twice).unwrap();
    assert!(encode(&mut Vec::new(), &packet, &[Bytes::from_static(b"x")]).is_err());
}

#[test]
fn keys_that_are_no_texts_become_texts_as_in_json() {
    let keys = b"\x86\x01\x00\xff\x00\xc0\x00\xc3\x00\xc2\x00\xcb\x3f\xf8\0\0\0\0\0\0\x00";
    let expected = r#"2["e",{"1":0,"-1":0,"null":0,"true":0,"false":0,"1.5":0}]"#;
    assert_eq!(text(&argument(keys)).unwrap(), expected);
    assert_eq!(text(&argument(b"\x81\x90\x00")), Err(MsgpackError::Malformed));
}

/// A JavaScript client would take the value for the prototype of the object.
#[test]
fn a_prototype_is_refused() {
    assert_eq!(text(&argument(b"\x81\xa9__proto__\x80")), Err(MsgpackError::Malformed));
}

#[test]
fn numbers_keep_their_last_digit() {
    for number in [0.991_315_421_682_779_5_f64, 1_767_225_600.123_456_7, 5e-324, -0.1] {
        let value = [&b"\xcb"[..], &number.to_be_bytes()].concat();
        let packet = text(&argument(&value)).unwrap();
        let mut message = Vec::new();
        encode(&mut message, &Packet::parse(&packet).unwrap(), &[]).unwrap();
        assert!(message.ends_with(&value), "{packet}");
    }
}

#[test]
fn a_value_that_is_no_packet_is_read_within_its_limits() {
    let list = b"\x93\xa1a\xd4\x00\x00\xc4\x01\xff";
    let json = r#"["a",null,{"_placeholder":true,"num":0}]"#;

    assert_eq!(to_json(list, 100, 1), Ok((json.to_owned(), vec![Bytes::from_static(b"\xff")])));

    assert_eq!(to_json(list, 100, 0), Err(MsgpackError::Attachments));
    assert_eq!(to_json(list, json.len() - 1, 1), Err(MsgpackError::TooLarge));
    assert_eq!(to_json(b"\xc0\xc0", 100, 1), Err(MsgpackError::Malformed));
    assert_eq!(to_json(b"\xd4\x00\x00", 100, 1), Err(MsgpackError::Malformed));
    let forged = b"\x92\xc4\x00\x81\xac_placeholder\xc3";
    assert_eq!(to_json(forged, 100, 1), Err(MsgpackError::Malformed));
}
