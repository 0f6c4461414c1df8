//! Tests the store with a real server, which covers the rules of all stores and failures of the server.

// `cfg(test)` is always true here. It tells Clippy that the helpers are test code, where `unwrap` is allowed.
#[cfg(test)]
mod bridge;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod connecting;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod floor;
#[cfg(test)]
mod load;
#[cfg(test)]
mod maintenance;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod stored;
