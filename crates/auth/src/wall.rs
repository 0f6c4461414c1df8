//! Tells the time of day that tokens are compared with.
//!
//! It is the system's unless a [`Clock`] was given. A server's own clock lives in the framework
//! crate, which this one does not know; an authenticator must work without being told.

use std::{fmt, sync::Arc, time::SystemTime};

use doorward_core::Clock;

/// Where the time of day comes from.
#[derive(Clone, Default)]
pub(crate) enum Wall {
    /// From a clock that was given.
    Given(Arc<dyn Clock>),
    /// From the operating system.
    #[default]
    System,
}

impl Wall {
    /// The time of day.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of this crate that reads the system's time, when no clock was given"
    )]
    pub(crate) fn now(&self) -> SystemTime {
        match self {
            Self::Given(clock) => clock.wall(),
            Self::System => SystemTime::now(),
        }
    }
}

impl fmt::Debug for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Given(_) => "Given",
            Self::System => "System",
        })
    }
}
