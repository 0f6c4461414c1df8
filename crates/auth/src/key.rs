//! Keys that verify and sign, single or in sets.
//!
//! `verifying` verifies a signature with one key, and `signing` creates a signature. `set` holds
//! the keys that an issuer publishes, and `ring` holds the keys of this server. Start reading at
//! [`VerifyingKey`](verifying::VerifyingKey).

pub(crate) mod algorithm;
pub(crate) mod error;
mod material;
mod pem;
mod public;
pub(crate) mod ring;
mod rsa;
pub(crate) mod rsa_algorithm;
mod secret;
mod self_test;
pub(crate) mod set;
pub(crate) mod shared_secret;
pub(crate) mod signing;
pub(crate) mod verifying;
