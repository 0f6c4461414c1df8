//! Converts times to and from milliseconds since 1970, as Redis stores them. All values are limited to a range in
//! which Lua calculates exactly.

use std::time::{Duration, SystemTime};

/// Converts a time to milliseconds and rounds down, so that no session or ticket ends later than stated.
pub(crate) fn to_millis(time: SystemTime) -> u64 {
    clamp(since_1970(time).as_millis())
}

/// Converts a time to milliseconds and rounds up, so that a credential that was issued before a revocation
/// stays revoked.
pub(crate) fn to_millis_up(time: SystemTime) -> u64 {
    clamp(since_1970(time).as_nanos().div_ceil(1_000_000))
}

pub(crate) fn from_millis(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis.min(LATEST))
}

pub(crate) fn duration_to_millis(duration: Duration) -> u64 {
    clamp(duration.as_millis())
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn clamp(millis: u128) -> u64 {
    u64::try_from(millis).unwrap_or(u64::MAX).min(LATEST)
}

/// Latest time, the end of the year 9999. Numbers in Lua are doubles, which are exact up to 2^53, so the sum
/// of two such times is exact.
const LATEST: u64 = 253_402_300_799_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_between_two_milliseconds_is_rounded_down_or_up_as_requested() {
        let between = from_millis(5) + Duration::from_nanos(1);

        assert_eq!((to_millis(between), to_millis_up(between)), (5, 6));
        assert_eq!((to_millis(from_millis(5)), to_millis_up(from_millis(5))), (5, 5));
    }

    #[test]
    fn a_script_can_add_any_two_times_exactly() {
        let longest = duration_to_millis(Duration::MAX);

        assert_eq!(longest, LATEST);
        assert!(2 * longest < 1 << 53);
    }
}
