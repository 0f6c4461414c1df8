//! Tests of the gateway from a client's side: over sockets or links in memory, on a manual clock.
//!
//! A comment `Attack 36` gives the number of an entry in the list of attacks in `docs`.

// `cfg(test)` is always true here; it tells the linter that the helpers are tests as well.
#[cfg(test)]
mod admission;
#[cfg(test)]
mod attempts;
#[cfg(test)]
mod binary;
#[cfg(test)]
mod bridge;
#[cfg(test)]
mod build;
#[cfg(test)]
mod bus;
#[cfg(test)]
mod closing;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod counts;
#[cfg(test)]
mod events;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod gates;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod handshake;
#[cfg(test)]
mod heartbeat;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod hub;
#[cfg(test)]
mod lasting;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod lifetime;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod listeners;
#[cfg(test)]
mod macros;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod mount;
#[cfg(test)]
mod msgpack;
#[cfg(test)]
mod opened;
#[cfg(test)]
mod order;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod ownership;
#[cfg(test)]
mod polling;
#[cfg(test)]
mod presence;
#[cfg(test)]
mod replies;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod rooms;
#[cfg(test)]
#[cfg(feature = "axum")]
mod routes;
#[cfg(test)]
mod seats;
#[cfg(test)]
mod stopping;
#[cfg(test)]
mod tracing;
#[cfg(test)]
mod traps;
#[cfg(test)]
mod undelivered;
#[cfg(test)]
mod watches;
