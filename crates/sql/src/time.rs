//! Converts times to and from milliseconds since 1970, as the databases store them.

use std::time::{Duration, SystemTime};

/// Converts a time to milliseconds and rounds down, so that no session or ticket ends later than stated.
pub(crate) fn to_millis(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => clamp(since.as_millis()),
        Err(before) => -clamp(before.duration().as_nanos().div_ceil(NANOS_PER_MILLI)),
    }
}

/// Converts a time to milliseconds and rounds up, so that a credential that was issued before a revocation
/// stays revoked.
pub(crate) fn to_millis_up(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => clamp(since.as_nanos().div_ceil(NANOS_PER_MILLI)),
        Err(before) => -clamp(before.duration().as_millis()),
    }
}

pub(crate) fn from_millis(millis: i64) -> SystemTime {
    let distance = Duration::from_millis(millis.unsigned_abs());
    let time = if millis < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(SystemTime::UNIX_EPOCH)
}

pub(crate) fn duration_to_millis(duration: Duration) -> i64 {
    clamp(duration.as_millis())
}

pub(crate) fn duration_from_millis(millis: i64) -> Duration {
    Duration::from_millis(millis.unsigned_abs())
}

fn clamp(millis: u128) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX).min(LATEST)
}

/// Largest stored time, in milliseconds. The sum of two such times fits in 64 bits, in Rust and in SQL.
const LATEST: i64 = i64::MAX / 2;

const NANOS_PER_MILLI: u128 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_to_the_millisecond_even_before_1970() {
        for millis in [0, 1, -1, 999, -999, 4_102_444_800_123, -4_102_444_800_123] {
            assert_eq!(to_millis(from_millis(millis)), millis);
            assert_eq!(to_millis_up(from_millis(millis)), millis);
        }
    }

    #[test]
    fn a_time_between_two_milliseconds_is_rounded_down_or_up_as_requested() {
        for millis in [0, 5, -5] {
            let between = from_millis(millis) + Duration::from_nanos(1);

            assert_eq!((to_millis(between), to_millis_up(between)), (millis, millis + 1));
        }
    }

    #[test]
    fn the_longest_duration_can_be_stored_and_added() {
        let longest = duration_to_millis(Duration::MAX);

        assert!(longest.checked_add(to_millis(from_millis(longest))).is_some());
    }
}
