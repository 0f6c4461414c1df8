//! The guards that most applications need.

mod combine;
mod fresh;
mod rate_limit;
mod role;

pub use combine::{All, Any, Not, all, any, not};
pub use fresh::Fresh;
pub use rate_limit::RateLimit;
pub use role::{GuardFn, Role, Scope, guard_fn};
