//! Raises the limit of open files, and reserves some for the stores.
//!
//! Every link is a file descriptor. The soft limit is low only for programs that still call `select`, which cannot
//! handle more than 1024. This server does not call `select`. The hard limit belongs to the operator and is left
//! unchanged. Connections may use all descriptors except a reserve. Without free descriptors, no store could be
//! queried and nothing could be revoked.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard limit. If that fails, the server runs with fewer connections.
pub(crate) fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let Some(raised) = raised(limit) else { return };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(
            limit = limit.current,
            wanted = raised.current,
            %error,
            "The limit of open files could not be raised."
        );
    }
}

/// Returns the limit of open files. Returns `None` if there is no limit.
pub(crate) fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Returns the number of descriptors that connections may use if there are `limit` descriptors.
pub(crate) fn for_connections(limit: u64) -> usize {
    let reserve = (limit / 8).clamp(MIN_RESERVE, MAX_RESERVE).min(limit / 2);
    usize::try_from(limit - reserve).unwrap_or(usize::MAX).max(1)
}

/// Returns the number of open files. Returns `None` if the system does not report it.
pub(crate) fn open() -> Option<usize> {
    // One of the entries is the directory itself.
    Some(std::fs::read_dir("/dev/fd").ok()?.count().saturating_sub(1))
}

/// Returns the soft limit to set. Returns `None` if it cannot be raised.
fn raised(limit: Rlimit) -> Option<Rlimit> {
    let current = limit.current?;
    let wanted = limit.maximum.unwrap_or(MAX_WITHOUT_LIMIT);
    (current < wanted).then_some(Rlimit { current: Some(wanted), ..limit })
}

/// Soft limit to set if there is no hard limit. macOS reports no hard limit, and rejects a soft limit above its
/// `OPEN_MAX`.
const MAX_WITHOUT_LIMIT: u64 = 10_240;

/// Minimum number of descriptors that are reserved for databases, listeners, operators and scrapers of metrics.
const MIN_RESERVE: u64 = 64;

/// Maximum number of reserved descriptors.
const MAX_RESERVE: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_do_not_get_all_descriptors() {
        let cases =
            [(1, 1), (64, 32), (160, 96), (1024, 896), (4096, 3584), (1_048_576, 1_047_552)];
        for (limit, connections) in cases {
            assert_eq!(for_connections(limit), connections, "{limit}");
        }
    }

    #[test]
    fn open_files_are_counted() {
        let before = open().unwrap();
        let files: Vec<_> = (0..50).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();

        assert!(open().unwrap() >= before.min(3) + files.len());
    }

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let cases = [
            (Some(1024), Some(4096), Some(4096)),
            (Some(256), None, Some(10_240)),
            (Some(4096), Some(4096), None),
            (Some(20_000), None, None),
            (None, None, None),
        ];
        for (current, maximum, expected) in cases {
            let expected = expected.map(|wanted| Rlimit { current: Some(wanted), maximum });

            assert_eq!(raised(Rlimit { current, maximum }), expected);
        }
    }
}
