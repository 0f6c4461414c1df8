//! Guards, which decide if a client may connect, send an event or enter a room.
//!
//! This module has the trait [`Guard`], guards that most applications need, and combinations of
//! guards.

// Start reading at `authorise`, which decides which verdicts allow an action.

pub(crate) mod authorise;
pub(crate) mod combine;
pub(crate) mod fresh;
pub(crate) mod rate_limit;
pub(crate) mod role;

pub use doorward_core::{Action, Guard, GuardContext, HasRoles, HasScopes, Verdict};

pub use crate::guard::{
    combine::{All, Any, Not, all, any, not},
    fresh::Fresh,
    rate_limit::RateLimit,
    role::{GuardFn, Role, Scope, guard_fn},
};
