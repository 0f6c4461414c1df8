//! Engine.IO v4 and Socket.IO v5 without I/O.
//!
//! The input is bytes and time. The output is packets, events and the next deadline. This crate
//! contains no sockets, tasks or clocks, so every timer and every race of a link can be tested by
//! calling functions. [`ws`] turns bytes into messages and back. [`engine`] and [`packet`] parse
//! messages. [`Link`] holds the state of one connection. [`Arguments`] is the payload of an event.
//! Start reading at [`Link::receive`].

mod arguments;
mod binary;
pub mod engine;
mod frame;
mod json;
mod link;
mod message;
pub mod msgpack;
pub mod packet;
pub mod payload;
pub mod polling;
pub mod ws;

pub use arguments::{
    Args, Arguments, DecodeError, FieldNames, RawArguments, check_binary, decode_ack, decode_all,
    decode_event,
};
pub use binary::Binary;
pub use frame::{Frame, FramePart, append_packet};
pub use json::JsonError;
pub use link::{
    Ack, Admission, Event, Link, LinkConfig, Received, SlotId, Timeout, Trust, Violation,
};
pub use message::Message;
pub use packet::PacketFormat;
