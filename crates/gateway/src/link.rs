//! Runs one task for each link, which is an Engine.IO connection with the sockets on it. Decides
//! when a link or a socket ends.
//!
//! Start reading at [`task`]. Its `drive` shows the order of the steps in one poll of the task.
//! `receiving` handles the input of the client, and `letters` handles the commands from the rest of
//! the server. `ending` ends sockets and links. `state` contains the deadlines. `congestion`
//! disconnects clients that do not read, and `expiring` handles sockets that expire or are
//! refreshed.

pub(crate) mod admitting;
pub(crate) mod congestion;
pub(crate) mod ending;
pub(crate) mod events;
pub(crate) mod expiring;
pub(crate) mod letters;
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
