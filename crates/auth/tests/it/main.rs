//! What must fail, through the public API alone: forged, stale, foreign and malformed tokens.
//!
//! Tokens are forged by hand in `forge`, with genuine signatures wherever that is the stronger
//! attack: a rule that only the missing signature enforces is no rule.

// `cfg(test)` is always true here; it tells the linter that the helpers are tests as well.
#[cfg(test)]
mod claims;
#[cfg(test)]
mod credential;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod header;
#[cfg(test)]
mod issuer;
#[cfg(test)]
mod loader;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod shape;
#[cfg(test)]
mod signature;
