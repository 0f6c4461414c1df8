//! Reads and writes PEM blocks.

use super::*;

#[test]
fn what_was_written_is_read_back() {
    for length in [0, 1, 47, 48, 49, 91] {
        let bytes = vec![7; length];

        let text = encode("PUBLIC KEY", &bytes);

        assert_eq!(decode("PUBLIC KEY", &text), Some(bytes));
        assert!(text.lines().all(|line| line.len() <= 64), "{text}");
    }
}

#[test]
fn windows_line_ends_and_surrounding_white_space_are_read() {
    let text = "\n  -----BEGIN X-----\r\nAQID\r\n-----END X-----\r\n";

    assert_eq!(decode("X", text), Some(vec![1, 2, 3]));
}

#[test]
fn only_one_block_of_the_right_label_is_read() {
    for text in [
        "",
        "AQID",
        "-----BEGIN X-----",
        "-----BEGIN X-----\nAQID\n-----END Y-----",
        "-----BEGIN Y-----\nAQID\n-----END Y-----",
        "-----BEGIN X-----\nAQ?D\n-----END X-----",
        "-----BEGIN X-----\nAQI\n-----END X-----",
        "-----BEGIN X-----\nAQID\n-----END X-----\n-----BEGIN X-----\nAQID\n-----END X-----",
    ] {
        assert_eq!(decode("X", text), None, "{text}");
    }
}
