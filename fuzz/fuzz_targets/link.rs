//! Lets any bytes be the life of a client.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| doorward_testkit::fuzz::link(bytes));
