//! Tests of the identity service from the side of applications, users and attackers.
//!
//! A comment `Attack 61` gives the number of an entry in the list of attacks in `docs`.

// `cfg(test)` is always true here. It tells Clippy that the helpers are test code, where `unwrap`
// is allowed.
#[cfg(test)]
mod accounts;
#[cfg(test)]
mod authenticators;
#[cfg(test)]
mod browsers;
#[cfg(test)]
mod cost;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hook;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod order;
#[cfg(test)]
mod private;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod tickets;
#[cfg(test)]
mod world;
