//! Error of the programs.

/// Error that ends a program.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
