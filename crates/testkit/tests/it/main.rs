//! Tests of the protocol crate with any bytes: with generated input, in comparison with tungstenite, and with a
//! corpus. Also tests of this crate's own tools.

// `cfg(test)` is always true here. It tells Clippy that the helpers are test code, where `unwrap` is allowed.
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod packets;
#[cfg(test)]
mod pieces;
#[cfg(test)]
mod surprise;
#[cfg(test)]
mod writer;
