//! Admits clients to namespaces, and judges admitted sockets again while they are connected.

pub(crate) mod admit;
pub(crate) mod door;
pub(crate) mod entered;
pub(crate) mod renewal;
pub(crate) mod resident;
pub(crate) mod seating;
pub(crate) mod vetting;
