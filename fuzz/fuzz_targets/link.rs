//! Reads any bytes as the messages of one link.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| doorward_testkit::fuzz::link(bytes));
