//! Rejects HMAC secrets that can be guessed.
//!
//! With a single token, an attacker can test millions of secrets per second offline, and lists of
//! commonly copied secrets are public. Only random secrets are safe, so a secret that is clearly
//! not random is rejected. Start reading at [`check`].

use std::collections::HashSet;

use crate::key::error::KeyError;

/// Rejects a secret that is shorter than the `needed` bytes of `algorithm`, or that can be guessed.
pub(super) fn check(secret: &[u8], needed: usize, algorithm: &'static str) -> Result<(), KeyError> {
    let bytes = secret.len();
    if bytes < needed {
        return Err(KeyError::SecretTooShort { algorithm, bytes, needed });
    }
    if secret.trim_ascii_start().starts_with(b"-----BEGIN ") {
        return Err(KeyError::SecretIsPem);
    }
    if is_published(secret) {
        return Err(KeyError::SecretPublished);
    }
    if is_sequence(secret) {
        return Err(KeyError::SecretSequence);
    }
    let different: HashSet<_> = secret.iter().collect();
    if has_short_period(secret) || different.len() < LEAST_DIFFERENT {
        return Err(KeyError::SecretRepeats);
    }
    Ok(())
}

/// Returns `true` if the secret is a published example or contains a placeholder word.
fn is_published(secret: &[u8]) -> bool {
    let secret = plain(secret);
    let contains = |word: &str| secret.windows(word.len()).any(|window| window == word.as_bytes());
    PUBLISHED.iter().any(|published| plain(published.as_bytes()) == secret)
        || PLACEHOLDERS.into_iter().any(contains)
}

/// Returns the ASCII letters and digits of a text in lower case. Copied secrets often differ from
/// the original only in punctuation and case.
fn plain(text: &[u8]) -> Vec<u8> {
    text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect()
}

/// Returns `true` if at least three quarters of the bytes are the previous byte plus one, or the
/// previous byte minus one.
fn is_sequence(secret: &[u8]) -> bool {
    let steps = |by: u8| {
        secret.iter().zip(secret.iter().skip(1)).filter(|(a, b)| b.wrapping_sub(**a) == by).count()
    };
    // Adding 255 with wrapping subtracts one. The limit of three quarters includes sequences of hex
    // digits, which jump from `9` to `a`.
    steps(1).max(steps(u8::MAX)) * 4 >= (secret.len() - 1) * 3
}

/// Returns `true` if the secret repeats a pattern of one to eight bytes.
fn has_short_period(secret: &[u8]) -> bool {
    (1..=LONGEST_PERIOD)
        .any(|period| secret.iter().zip(secret.iter().skip(period)).all(|(a, b)| a == b))
}

/// Minimum number of different bytes in a secret. 32 random bytes have fewer different bytes with a
/// probability of 1 in 10^37, and 32 random hex digits with a probability of 1 in twenty million.
const LEAST_DIFFERENT: usize = 8;

/// Maximum length of a pattern that a secret must not repeat, in bytes.
const LONGEST_PERIOD: usize = 8;

/// Words that occur in most of the secrets that were found in published code. 64 random characters
/// contain one of these words with a probability of about 1 in 10^9.
const PLACEHOLDERS: [&str; 17] = [
    "authsecret",
    "changeme",
    "changethis",
    "donotuse",
    "jwtsecret",
    "jwttoken",
    "mysecret",
    "replaceit",
    "replacethis",
    "replacewith",
    "secretkey",
    "secrettoken",
    "supersecret",
    "topsecret",
    "ultralong",
    "ultrasecure",
    "yoursecret",
];

/// Published secrets of at least 32 bytes that are copied most often. They are from jwt.io,
/// standards, tutorials and the defaults of frameworks.
const PUBLISHED: [&str; 30] = [
    // jwt.io
    "a-string-secret-at-least-256-bits-long",
    "a-valid-string-secret-that-is-at-least-384-bits-long",
    "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    "your-256-bit-secret-your-256-bit-secret",
    "your-384-bit-secret-your-384-bit-secret-your-384-bit-secret",
    "your-512-bit-secret-your-512-bit-secret-your-512-bit-secret-your-512-bit-secret",
    // RFC 7515 appendix A.1, RFC 7520 section 3.5
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
    // NestJS
    "DO NOT USE THIS VALUE. INSTEAD, CREATE A COMPLEX SECRET AND KEEP IT SAFE OUTSIDE OF THE SOURCE \
     CODE.",
    // Supabase, PostgREST, Hasura, Mercure, Centrifugo, Directus
    "super-secret-jwt-token-with-at-least-32-characters-long",
    "your-super-secret-jwt-token-with-at-least-32-characters-long",
    "reallyreallyreallyreallyverysafe",
    "3EK6FD+o0+c7tzBNVfjpMkNDi2yARAAKzQlk8O2IKoxQu4nF7EdAh8s3TwpHwrdWT6R",
    "!ChangeThisMercureHubJWTSecretKey!",
    "bbe7d157-a253-4094-9759-06a8236543f9",
    "6116487b-cda1-52c2-b5b5-c8022c45e263",
    // FastAPI
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    // Spring
    "404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970",
    "5367566B59703373367639792F423F4528482B4D6251655468576D5A71347437",
    "======================BezKoder=Spring===========================",
    // ASP.NET
    "this is my custom Secret key for authentication",
    "THIS IS USED TO SIGN AND VERIFY JWT TOKENS, REPLACE IT WITH YOUR OWN SECRET, IT CAN BE ANY \
     STRING",
    // Typical secrets where at least 32 characters are required
    "your-secret-key-at-least-32-characters-long",
    "your-secret-key-must-be-at-least-32-characters-long",
    "your-super-secret-key-at-least-32-characters-long",
    "a-very-long-secret-of-at-least-32-characters",
    "this-is-a-secret-key-of-at-least-32-characters",
    "change-this-secret-in-production-please",
    "qwertyuiopasdfghjklzxcvbnm123456",
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
];

#[cfg(test)]
mod tests;
