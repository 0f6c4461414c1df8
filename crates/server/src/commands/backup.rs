//! Copies the databases and the key of a data directory to a new directory, with or without a
//! running server.

use std::{
    fs::{self, DirBuilder, File},
    iter,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use super::runtime;
use crate::{
    cli::BackupOptions,
    config::{Config, StoreConfig},
    data::applications,
    terminal::{Failure, OrFail as _, output},
};

/// Runs `doorward backup`.
pub(crate) fn run(options: &BackupOptions) -> Result<(), Failure> {
    let config = Config::load(&options.place, None)?;
    let (to, name) = (&options.to, options.to.display());
    let cannot = format_args!("cannot write a backup to {name}");
    // Create a new directory, so that no backup is ever overwritten.
    DirBuilder::new().mode(0o700).create(to).or_fail(cannot)?;
    copy_all(&config, to).inspect_err(|_| drop(fs::remove_dir_all(to)))?;
    let mut said =
        format!("Backed up to {name}. It holds the key: keep it as you keep the server.\n");
    if config.postgres.is_some() {
        said.push_str("Accounts, chat and boards are in PostgreSQL and not in it.\n");
        if applications_file(&config).exists() {
            said.push_str("Its applications.db is from before database.url was set.\n");
        }
    }
    if matches!(config.session.store, StoreConfig::Redis(_)) {
        said.push_str("Sessions and revocations are in Redis and not in it.\n");
    }
    output::say(&said).or_fail("cannot print it")
}

/// Copies databases and key to the directory `to`.
fn copy_all(config: &Config, to: &Path) -> Result<(), Failure> {
    let cannot = format_args!("cannot write a backup to {}", to.display());
    let applications = applications_file(config);
    // A server that has never mounted an application has no such file.
    let applications = applications.exists().then_some(&applications);
    for file in iter::once(&config.database).chain(applications) {
        let target = to.join(file.file_name().unwrap_or_default());
        let copied = runtime::block_on(doorward_sql::backup(file, &target))?;
        copied.or_fail(format_args!("cannot back up {}", file.display()))?;
    }
    let key = config.data_dir.join(KEY);
    if key.exists() {
        copy_key(&key, &to.join(KEY)).or_fail(cannot)?;
    }
    Ok(())
}

fn applications_file(config: &Config) -> PathBuf {
    config.data_dir.join(applications::FILE)
}

/// Copies the key file with its mode, which gives other users no access.
fn copy_key(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::copy(from, to)?;
    File::open(to)?.sync_all()
}

const KEY: &str = "token-key.pem";
