//! Tests of the program `doorward` from outside: its commands, files, HTTP and sockets.
//!
//! A comment `Attack 53` gives the number of an entry in the list of attacks in `docs`.

// `cfg(test)` is always true here; it tells the linter that the helpers are tests as well.
#[cfg(test)]
mod accounts;
#[cfg(test)]
mod apps;
#[cfg(test)]
mod base_path;
#[cfg(test)]
mod bus;
#[cfg(test)]
mod certificate;
#[cfg(test)]
mod chat_client;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod data_dir;
#[cfg(test)]
mod descriptors;
#[cfg(test)]
mod door;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod http;
#[cfg(test)]
mod issuer_settings;
#[cfg(test)]
mod issuers;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod operators;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod seat_races;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod shared_apps;
#[cfg(test)]
mod sockets;
#[cfg(test)]
mod starved;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tokens;
