//! The store on real files: the rules of every store, restarts, and files that are none of ours.

// `cfg(test)` is always true here; it tells the linter that the helpers are tests as well.
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
