//! Runs one task for each link, which is an Engine.IO connection with the sockets on it. Decides
//! when a link or a socket ends.
//!
//! Start reading at [`task`]: its `drive` shows the order of the steps in one poll of the task.
//! `receiving` handles the input of the client, and `letters` the orders from the rest of the
//! server. `ending` ends sockets and links. Deadlines are in `state`. Clients that do not read are
//! in `congestion`, and sockets that expire or are refreshed in `expiring`.

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
