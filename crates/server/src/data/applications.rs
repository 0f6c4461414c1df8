//! Opens the database of the applications: a SQLite file in the data directory, or PostgreSQL.

use std::path::Path;

use doorward_apps::{Application, Database};

use super::custody;
use crate::{
    config::Config,
    terminal::{Failure, OrFail as _},
};

/// Opens the configured database. Creates a missing file, and missing tables of the mounted applications.
pub(crate) async fn open(config: &Config) -> Result<Database, Failure> {
    let file = config.data_dir.join(FILE);
    let Some(url) = &config.postgres else {
        return open_file(&file, &config.applications()).await;
    };
    let database = Database::connect(url.expose(), &config.applications()).await;
    let database = database.or_fail("cannot use database.url for the applications")?;
    if file.exists() {
        tracing::warn!(
            file = %file.display(),
            "The applications keep their data in PostgreSQL. The file with their earlier data is not used, and \
             what a removed user has written there is not deleted: move it away."
        );
    }
    Ok(database)
}

/// Opens a file. Fails if another user may have read or replaced the file.
pub(crate) async fn open_file(
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

        let failure = open_file(&file, &doorward_apps::ALL).await.unwrap_err().to_string();

        assert!(
            failure.contains("cannot use the database") && failure.contains("applications.db"),
            "{failure}"
        );
    }
}
