//! One connection of a client, and the sockets on it.

pub(crate) mod admitting;
pub(crate) mod ending;
pub(crate) mod events;
pub(crate) mod letters;
pub(crate) mod lifetime;
pub(crate) mod live;
pub(crate) mod probing;
pub(crate) mod reading;
pub(crate) mod seam;
pub(crate) mod task;
