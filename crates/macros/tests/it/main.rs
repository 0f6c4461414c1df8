//! Checks the compile errors for mistakes.

// `cfg(test)` is always true here; it tells the linter that the helpers are tests as well.
#[cfg(test)]
mod mistakes;
