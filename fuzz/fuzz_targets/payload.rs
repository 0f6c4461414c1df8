//! Reads any bytes as the body of a POST.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| doorward_testkit::fuzz::payload(bytes));
