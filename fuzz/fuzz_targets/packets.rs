//! Reads any bytes as an Engine.IO packet and what is in it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| doorward_testkit::fuzz::packets(bytes));
