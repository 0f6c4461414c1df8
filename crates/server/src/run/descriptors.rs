//! Lets the server have as many files open as the system allows, and keeps some back.
//!
//! Every link is a file descriptor. The soft limit is low only for programs that still call
//! `select`, which knows no more than 1024 of them; we do not. The hard limit is the operator's and
//! stays as it is. Connections get all but a reserve: without descriptors no store could be asked, and
//! nothing could be revoked.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard one. When that fails there is room for fewer clients, which is
/// no reason to have none.
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

/// How many files may be open; `None` without a limit.
pub(crate) fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// How many of so many are for connections.
pub(crate) fn for_connections(limit: u64) -> usize {
    let reserve = (limit / 8).clamp(MIN_RESERVE, MAX_RESERVE).min(limit / 2);
    usize::try_from(limit - reserve).unwrap_or(usize::MAX).max(1)
}

/// How many files are open at this moment; `None` where the system does not say.
pub(crate) fn open() -> Option<usize> {
    // One is the directory itself.
    Some(std::fs::read_dir("/dev/fd").ok()?.count().saturating_sub(1))
}

/// The limit to set; `None` when there is nothing to raise.
fn raised(limit: Rlimit) -> Option<Rlimit> {
    let current = limit.current?;
    let wanted = limit.maximum.unwrap_or(MAX_WITHOUT_LIMIT);
    (current < wanted).then_some(Rlimit { current: Some(wanted), ..limit })
}

/// macOS has no hard limit and refuses a soft one beyond its `OPEN_MAX`.
const MAX_WITHOUT_LIMIT: u64 = 10_240;

/// Databases, listeners, operators and scrapers need so many at least.
const MIN_RESERVE: u64 = 64;

/// And no more than this, however many there are.
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
