//! Options that locate the configuration and the data, common to all commands.

use std::path::PathBuf;

use clap::Args;

/// Locations of configuration and data.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PlaceOptions {
    /// Directory of the signing key and the databases; created if missing [default: ./doorward-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Configuration file in TOML; options override it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Default data directory.
pub(crate) const DATA_DIR: &str = "./doorward-data";
