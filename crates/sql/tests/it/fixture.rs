//! Store in its own folder, and sample data.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use doorward_core::{Entropy, Session, SessionId, SessionToken};
use doorward_sql::SqlStore;
use tempfile::TempDir;

/// Folder of one test, in which the file of the store is.
pub(crate) struct Folder(pub(crate) TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join("doorward.db")
    }

    pub(crate) async fn open(&self) -> SqlStore {
        SqlStore::open(self.file()).await.unwrap()
    }
}

/// Returns 2026-01-01T00:00:00Z plus `seconds`.
pub(crate) fn second(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600 + seconds)
}

pub(crate) fn session(id: &str, user: &str) -> Session {
    let hour = Duration::from_secs(3600);
    Session::new(SessionId::new(id), user, second(0), hour, 12 * hour)
}

/// Entropy source that repeats one byte.
pub(crate) struct Same(pub(crate) u8);

impl Entropy for Same {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

pub(crate) fn token(number: u8) -> SessionToken {
    SessionToken::generate(&Same(number))
}
