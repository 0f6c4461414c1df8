//! What the protocol crate must do with any bytes, judged by others: by made-up input, by tungstenite,
//! and by files that were once interesting.

mod corpus;
mod differential;
mod frames;
mod packets;
mod surprise;
mod writer;
