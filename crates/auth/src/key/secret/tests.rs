//! Accepts random secrets, and rejects guessable secrets.

use super::*;

/// Attack 23.
#[test]
fn a_secret_is_as_long_as_the_hash() {
    let random = random();

    for least in [32, 48, 64] {
        assert_eq!(check(&random[..least], least, "HS256"), Ok(()));
        for length in [0, 1, 16, least - 1] {
            let error =
                KeyError::SecretTooShort { algorithm: "HS256", bytes: length, needed: least };
            assert_eq!(check(&random[..length], least, "HS256"), Err(error));
        }
    }
}

/// Attack 23.
#[test]
fn a_repeated_pattern_is_refused() {
    for pattern in ["a", "ab", "acb", "1928", "admin", "secret", "aA1!aA2", "password", "hunter22"]
    {
        let secret = pattern.repeat(64);
        for length in [32, 33, 39, 64] {
            let secret = &secret.as_bytes()[..length];
            assert_eq!(
                check(secret, 32, "HS256"),
                Err(KeyError::SecretRepeats),
                "{pattern} {length}"
            );
        }
    }
    assert_eq!(check(&[0; 32], 32, "HS256"), Err(KeyError::SecretRepeats));
}

/// Attack 23.
#[test]
fn a_secret_of_a_few_bytes_is_refused() {
    let seven = b"gacfbegdacgfbdeagcfdbaegfcdbgaefdcgbeafd";
    let eight = b"gacfbehdacgfbdeagcfdbaegfcdbgaefdcgbeafd";

    assert!(!has_short_period(seven) && !is_sequence(seven));
    assert_eq!(check(seven, 32, "HS256"), Err(KeyError::SecretRepeats));
    assert_eq!(check(eight, 32, "HS256"), Ok(()));
}

/// Attack 23.
#[test]
fn a_sequence_is_refused() {
    let counting: Vec<u8> = (0..64).collect();
    let backwards: Vec<u8> = (0..64).rev().collect();
    for secret in [
        &b"01234567890123456789012345678901"[..],
        b"12345678901234567890123456789012",
        b"abcdefghijklmnopqrstuvwxyzabcdef",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345",
        b"0123456789abcdef0123456789abcdef",
        b"98765432109876543210987654321098",
        b"zyxwvutsrqponmlkjihgfedcba987654",
        &counting,
        &backwards,
    ] {
        assert_eq!(check(secret, 32, "HS256"), Err(KeyError::SecretSequence));
    }
}

/// Attack 23.
#[test]
fn a_published_example_is_refused_however_it_is_spelt() {
    for secret in PUBLISHED {
        let shouted = secret.to_uppercase();
        let joined = secret.replace(['-', ' '], "_");
        for secret in [secret, &shouted, &joined, &format!("{secret}\n")] {
            let error = check(secret.as_bytes(), 32, "HS256");
            assert_eq!(error, Err(KeyError::SecretPublished), "{secret}");
        }
    }
}

/// Attack 23.
#[test]
fn a_secret_that_asks_to_be_replaced_is_refused() {
    for word in PLACEHOLDERS {
        let secret = format!("q7Zp-{word}-x0Lk3vVbN8rTmYw2JdHs");
        assert_eq!(
            check(secret.as_bytes(), 32, "HS256"),
            Err(KeyError::SecretPublished),
            "{secret}"
        );
    }
    for secret in [
        "<VERYLONGSECURESECRET---CHANGE-ME--->",
        "please Change This Secret for a new one",
        "My-ultRa-Secure-ulTra-long-SeCreT-of-nodeJs",
        "put_here_YOUR_SECRET_of_32_characters",
    ] {
        assert_eq!(
            check(secret.as_bytes(), 32, "HS256"),
            Err(KeyError::SecretPublished),
            "{secret}"
        );
    }
}

/// Attack 2.
#[test]
fn a_key_file_is_refused() {
    let text = "\n-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4";

    assert_eq!(check(text.as_bytes(), 32, "HS256"), Err(KeyError::SecretIsPem));
}

#[test]
fn a_random_secret_is_accepted() {
    for secret in [
        // `openssl rand -base64 32`, `openssl rand -hex 32`, a UUID without its dashes, and words.
        &b"mZ5U0s3Ck1CV4iM0mC4b2bqU0Qf1w4zN4Yb8sQeKx2A="[..],
        b"5f1c9a07be32d84416fa0b7789e3c2d15aa4f60c3e9b7712d08c46e5fb19a3d7",
        b"c8bd57a1d6f24e0c9d9a7f2b53e86a41",
        b"staple-battery-horse-correct-umbrella",
        &random(),
    ] {
        assert_eq!(check(secret, 32, "HS256"), Ok(()));
    }
}

fn random() -> [u8; 64] {
    let mut bytes = [0; 64];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    bytes
}
