//! Tests the store with real files, which covers the rules of all stores, restarts, faults, and files of other
//! programs.

// `cfg(test)` is always true here. It tells Clippy that the helpers are test code, where `unwrap` is allowed.
#[cfg(test)]
mod audit;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod rules;
