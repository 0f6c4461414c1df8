//! Sample data for the rules: times, keys, sessions, and text chosen to break statements and encodings.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime},
};

use doorward_core::{Entropy, Session, SessionId, SessionKey, SessionToken, Ticket, TicketKey};

/// Time at which all rules begin, 2100-01-01T00:00:00.123Z, in milliseconds since 1970. A store that expires
/// entries by the clock of its server keeps them, because this time is far in the future.
const BEGINNING: u64 = 4_102_444_800_123;

/// Returns the time `millis` milliseconds after the start of the rules.
pub(super) fn at(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(BEGINNING + millis)
}

pub(super) const IDLE: Duration = Duration::from_secs(3600);
pub(super) const LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// Creates a session that began at the start of the rules.
pub(super) fn session(id: &str, user: &str) -> Session {
    Session::new(SessionId::new(id), user, at(0), IDLE, LIFETIME)
}

/// Returns the token with this number. Tokens with different numbers differ.
pub(super) fn token(number: usize) -> SessionToken {
    SessionToken::generate(&Numbered(number))
}

pub(super) fn key(number: usize) -> SessionKey {
    token(number).key()
}

pub(super) fn ticket(number: usize) -> Ticket {
    Ticket::generate(&Numbered(number))
}

pub(super) fn ticket_key(number: usize) -> TicketKey {
    ticket(number).key()
}

/// Returns the bytes of the token and of the ticket with this number, as lower-case hex.
pub(super) fn hex(number: usize) -> String {
    let mut bytes = [0; 32];
    Numbered(number).fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Entropy that looks random and is the same in every run.
struct Numbered(usize);

impl Entropy for Numbered {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = u64::try_from(self.0).unwrap_or(u64::MAX);
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64: all steps differ, and each result looks random.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut noise = state;
            noise = (noise ^ (noise >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            noise = (noise ^ (noise >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            noise ^= noise >> 31;
            let noise = noise.to_le_bytes();
            chunk.copy_from_slice(noise.get(..chunk.len()).unwrap_or_default());
        }
    }
}

/// Text that terminates a string, a statement, a pattern, a key or a line in some language.
pub(super) const HOSTILE: &[&str] = &[
    "alice",
    "",
    " ",
    "O'Brien",
    "'; DROP TABLE sessions; --",
    "\"quoted\"",
    "`back`",
    "back\\slash",
    "semi;colon",
    "star*",
    "*",
    "100%",
    "under_score",
    "{slot}",
    "}{",
    "[a-z]",
    "question?",
    "$1",
    ":1",
    "?1",
    "@p",
    "two words",
    "new\nline",
    "carriage\r\nreturn",
    "\ttab",
    "\u{1}\u{2}\u{1b}[31m\u{7f}\u{85}",
    "\u{2028}\u{2029}\u{feff}",
    "\u{202e}gnal",
    "\u{1f9d9}\u{200d}\u{2642}\u{fe0f}",
    "e\u{301}",
    "\u{e9}",
    "null",
    "nil",
    "0",
    "-1",
    "1e999",
    "true",
    "__proto__",
    "KEYS[1]",
    "doorward:floor",
    "session:alice",
    "alice:session",
    "../../etc/passwd",
];

/// Names that are easily confused: prefixes, patterns, spellings.
pub(super) const SIMILAR: &[&str] = &[
    "a", "A", "aa", "ab", "a ", " a", "a\n", "a\t", "a:", "a:b", ":a", "a*", "a?", "a%", "a_", "_",
    "%", "*", "?", "", " ", "a'", "a\"", "a\\", "{a}", "a{b}", "\u{e1}", "a\u{301}", "\u{ff41}",
    "user:a", "a.", "a/b", "a\u{1}", "0", "00", "0.0", "1", "01", "1.0", "1e0",
];

/// Entropy that never repeats, so that all ids differ.
pub(super) struct Numbers;

impl Entropy for Numbers {
    fn fill(&self, bytes: &mut [u8]) {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.fill(0);
        for (byte, own) in bytes.iter_mut().zip(number.iter().rev()) {
            *byte = *own;
        }
    }
}
