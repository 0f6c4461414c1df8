//! Lets requests of a client that polls come in any order.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| doorward_testkit::fuzz::polling(bytes));
