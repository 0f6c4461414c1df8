//! Opens the database of the applications, a SQLite file in the data directory.

use std::path::Path;

use doorward_apps::{Application, Database};

use super::custody;
use crate::terminal::{Failure, OrFail as _};

/// Opens the database. Creates a missing file, and missing tables of the mounted applications.
/// Fails if another user may have read or replaced the file.
pub(crate) async fn open(
    file: &Path,
    mounted: &[&'static dyn Application],
) -> Result<Database, Failure> {
    custody::check_database(file)?;
    let opened = Database::open(file, mounted).await;
    opened.or_fail(format_args!("cannot use the database {}", file.display()))
}

/// Name of the database file in the data directory.
pub(crate) const FILE: &str = "applications.db";

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[tokio::test]
    async fn what_is_no_database_is_told_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("applications.db");
        std::fs::write(&file, "something else, and long enough for a header").unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();

        let failure = open(&file, &doorward_apps::ALL).await.unwrap_err().to_string();

        assert!(
            failure.contains("cannot use the database") && failure.contains("applications.db"),
            "{failure}"
        );
    }
}
