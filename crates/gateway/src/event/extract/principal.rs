//! Whom the server acts for, as an argument.
