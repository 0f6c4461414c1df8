//! Lets the server have as many files open as the system allows.
//!
//! Every link is a file descriptor. The soft limit is low only for programs that still call
//! `select`, which knows no more than 1024 of them; we do not. The hard limit is the operator's and
//! stays as it is.

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

/// The limit to set; `None` when there is nothing to raise.
fn raised(limit: Rlimit) -> Option<Rlimit> {
    let current = limit.current?;
    let wanted = limit.maximum.unwrap_or(MAX_WITHOUT_LIMIT);
    (current < wanted).then_some(Rlimit { current: Some(wanted), ..limit })
}

/// macOS has no hard limit and refuses a soft one beyond its `OPEN_MAX`.
const MAX_WITHOUT_LIMIT: u64 = 10_240;

#[cfg(test)]
mod tests {
    use super::*;

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
