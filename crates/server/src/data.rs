//! Opens the persistent data of the server: the data directory, its keys and its databases.
//!
//! `custody` checks whether other users of the machine could have changed a file. `data_dir` locks
//! the directory for one server. `stores` opens the stores that the configuration names. Start
//! reading at [`stores::Stores::open`].

pub(crate) mod applications;
pub(crate) mod bridge;
pub(crate) mod custody;
pub(crate) mod data_dir;
pub(crate) mod key_file;
pub(crate) mod shared_keys;
pub(crate) mod stores;
