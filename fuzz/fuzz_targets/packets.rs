//! Reads any bytes as an Engine.IO packet with a Socket.IO packet inside.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| doorward_testkit::fuzz::packets(bytes));
