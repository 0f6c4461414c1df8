//! Checks the compile errors for mistakes.

// `cfg(test)` is always true here. It tells the linter that the helpers are test code as well.
#[cfg(test)]
mod mistakes;
