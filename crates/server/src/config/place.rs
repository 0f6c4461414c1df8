//! The options that say where the server keeps and finds things.

use std::path::PathBuf;

use clap::Args;

/// Where the server keeps and finds things; the same for every command.
#[derive(Args, Debug, Default)]
pub(crate) struct PlaceOptions {
    /// Where the signing key is kept; made when it is missing [default: ./doorward-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Settings in TOML; options count more
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Where everything is kept unless told otherwise.
pub(crate) const DATA_DIR: &str = "./doorward-data";
