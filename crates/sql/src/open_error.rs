//! Reasons why a store cannot use an SQLite file. Each message names the file, and most name a remedy.

use std::{
    io,
    path::{Path, PathBuf},
};

use doorward_core::BoxError;

use crate::sqlx_error::{
    SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_PERM, SQLITE_READONLY,
    primary_code,
};

/// Reason why an SQLite file cannot be opened or copied. The data in an existing file is unchanged in every case.
///
/// # Examples
/// ```
/// use doorward_sql::OpenError;
///
/// let error = OpenError::NotADatabase { path: "/var/lib/doorward/doorward.db".into() };
/// assert_eq!(
///     error.to_string(),
///     "/var/lib/doorward/doorward.db is not an SQLite database: name another file, or move this one away",
/// );
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be created, read or written.
    #[error("{path} cannot be opened: the folder must exist, and this user must be allowed to write there", path = .path.display())]
    Access {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system or of SQLite.
        #[source]
        source: BoxError,
    },
    /// Another process held the lock of the file until the timeout.
    #[error("{path} is locked by another process: stop it, and try again", path = .path.display())]
    Busy {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error("{path} is damaged: restore it from a backup, or move it away to begin with an empty one", path = .path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// Error of SQLite.
        #[source]
        source: BoxError,
    },
    /// The file is a database of another program.
    #[error("{path} is a database of another program: name another file", path = .path.display())]
    Foreign {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file was written by a newer version of this crate.
    #[error("{path} was written by a newer version: start that one, or restore a backup", path = .path.display())]
    Newer {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file is not an SQLite database.
    #[error("{path} is not an SQLite database: name another file, or move this one away", path = .path.display())]
    NotADatabase {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file is on a file system that does not support a write-ahead log, such as a network file system.
    #[error("{path} is on a file system that SQLite cannot use safely: name a file on a local disk", path = .path.display())]
    NoWal {
        /// Path of the file.
        path: PathBuf,
    },
    /// SQLite has reported another error.
    #[error("{path} cannot be used", path = .path.display())]
    Unusable {
        /// Path of the file.
        path: PathBuf,
        /// Error of SQLite.
        #[source]
        source: BoxError,
    },
}

doorward_core::debug_as_sentence!(OpenError);

impl OpenError {
    pub(crate) fn access(path: &Path, source: io::Error) -> Self {
        Self::Access { path: path.to_owned(), source: source.into() }
    }

    /// Converts an error of SQLite into a reason that an operator can act on.
    pub(crate) fn of(path: &Path, error: sqlx::Error) -> Self {
        let path = path.to_owned();
        match primary_code(&error) {
            Some(SQLITE_BUSY) => Self::Busy { path },
            Some(SQLITE_CORRUPT) => Self::Damaged { path, source: error.into() },
            Some(SQLITE_NOTADB) => Self::NotADatabase { path },
            Some(SQLITE_CANTOPEN | SQLITE_PERM | SQLITE_READONLY) => {
                Self::Access { path, source: error.into() }
            }
            _ => Self::Unusable { path, source: error.into() },
        }
    }
}
