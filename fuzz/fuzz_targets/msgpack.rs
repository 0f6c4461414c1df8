//! Translates any bytes from MessagePack.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| doorward_testkit::fuzz::msgpack(bytes));
