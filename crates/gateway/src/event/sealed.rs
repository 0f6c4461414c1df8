//! Seals traits that applications use and do not implement.

/// Value that only this crate can name, and so only its implementations of a trait can have.
#[derive(Clone, Copy, Debug)]
#[expect(unnameable_types, reason = "no other crate can then have a value of it")]
pub struct Sealed;
