//! Lets clients into a namespace, and judges them again while they are connected.

pub(crate) mod admit;
pub(crate) mod renewal;
pub(crate) mod seating;
