//! Decides if a client may enter a namespace, and checks admitted sockets again when a credential
//! is refreshed or rights change. Start reading at [`admit::admit`], which contains all steps in
//! order.

pub(crate) mod admit;
pub(crate) mod door;
pub(crate) mod entered;
pub(crate) mod refresh;
pub(crate) mod resident;
pub(crate) mod seating;
pub(crate) mod vetting;
