//! Decides whether a client enters a namespace, and checks admitted sockets again when a credential
//! is refreshed or rights change. Start reading at [`admit::admit`], which has the order of all
//! steps.

pub(crate) mod admit;
pub(crate) mod door;
pub(crate) mod entered;
pub(crate) mod refresh;
pub(crate) mod resident;
pub(crate) mod seating;
pub(crate) mod vetting;
