//! Times as the database writes them: milliseconds since 1970.

use std::time::{Duration, SystemTime};

/// Rounds down: what ends, ends no later than it was said.
pub(crate) fn to_millis(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => clamp(since.as_millis()),
        Err(before) => -clamp(before.duration().as_nanos().div_ceil(NANOS_PER_MILLI)),
    }
}

/// Rounds up: what was made until a revocation stays revoked.
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

/// Two of them can be added, here and in a statement.
const LATEST: i64 = i64::MAX / 2;

const NANOS_PER_MILLI: u128 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_comes_back_to_the_millisecond_also_before_1970() {
        for millis in [0, 1, -1, 999, -999, 4_102_444_800_123, -4_102_444_800_123] {
            assert_eq!(to_millis(from_millis(millis)), millis);
            assert_eq!(to_millis_up(from_millis(millis)), millis);
        }
    }

    #[test]
    fn what_lies_between_two_milliseconds_is_rounded_to_the_side_that_was_asked_for() {
        for millis in [0, 5, -5] {
            let between = from_millis(millis) + Duration::from_nanos(1);

            assert_eq!((to_millis(between), to_millis_up(between)), (millis, millis + 1));
        }
    }

    #[test]
    fn no_duration_is_too_long_to_be_written_and_added() {
        let longest = duration_to_millis(Duration::MAX);

        assert!(longest.checked_add(to_millis(from_millis(longest))).is_some());
    }
}
