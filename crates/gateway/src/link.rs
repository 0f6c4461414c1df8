//! Runs one task for each Engine.IO connection, with the sockets on it, and decides when either
//! ends.
//!
//! Start reading at [`task`], whose `drive` has the order of a turn. `receiving` handles what the
//! client sends, `letters` what the rest of the server orders, and `ending` every end. Deadlines
//! are in `state`, clients that do not read in `congestion`.

pub(crate) mod admitting;
pub(crate) mod congestion;
pub(crate) mod ending;
pub(crate) mod events;
pub(crate) mod letters;
pub(crate) mod lifetime;
pub(crate) mod live;
pub(crate) mod pending;
pub(crate) mod probing;
pub(crate) mod receiving;
pub(crate) mod renewals;
pub(crate) mod seam;
pub(crate) mod sockets;
pub(crate) mod state;
pub(crate) mod task;
pub(crate) mod turn;
