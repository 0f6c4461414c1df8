//! The Engine.IO connection of a client, and the sockets on it.

pub(crate) mod admitting;
pub(crate) mod deciding;
pub(crate) mod ending;
pub(crate) mod events;
pub(crate) mod letters;
pub(crate) mod lifetime;
pub(crate) mod live;
pub(crate) mod probing;
pub(crate) mod questions;
pub(crate) mod receiving;
pub(crate) mod seam;
pub(crate) mod sockets;
pub(crate) mod state;
pub(crate) mod task;
pub(crate) mod turn;
