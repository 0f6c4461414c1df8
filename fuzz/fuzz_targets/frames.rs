//! Reads any bytes as WebSocket frames of a client.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| doorward_testkit::fuzz::frames(bytes));
