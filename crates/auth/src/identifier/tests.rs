//! Accepts visible names in any script, and rejects invisible characters.

use super::*;

#[test]
fn names_in_any_script_are_identifiers() {
    for name in ["a", "alice", "auth0|42", "Łukasz", "山田 太郎", "a@b.example", "🦀", "' OR 1=1"]
    {
        assert!(is_identifier(name), "{name}");
    }
}

/// Attack 14.
#[test]
fn text_with_invisible_characters_is_not_an_identifier() {
    for name in [
        "",
        "a\0b",
        "a\nb",
        "\u{1b}[31m",
        "\u{7f}",
        "\u{85}",
        "a\u{2028}b",
        "a\u{2029}b",
        "\u{202e}ecila",
        "\u{2066}alice",
        "ali\u{200b}ce",
        "ali\u{200d}ce",
        "\u{feff}alice",
        "ali\u{ad}ce",
        "\u{3164}",
        "  ",
        "\u{2800}",
        "alice\u{e0041}",
    ] {
        assert!(!is_identifier(name), "{name:?}");
    }
}

#[test]
fn length_is_counted_in_characters_and_not_in_bytes() {
    assert!(is_identifier(&"🦀".repeat(255)));
    assert!(!is_identifier(&"a".repeat(256)));
    assert!(!is_identifier(&"🦀".repeat(256)));
}
