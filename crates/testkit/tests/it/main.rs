//! What the protocol crate must do with any bytes, judged by others: by made-up input, by tungstenite,
//! and by files that were once interesting.

// `cfg(test)` is always true here; it tells the linter that the helpers are tests as well.
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
