//! Each file in `tests/fail` has one mistake, which is the name of the file. The `.stderr` file
//! next to it has the expected output of the compiler.

use trybuild::TestCases;

#[test]
fn every_mistake_is_reported_at_its_place() {
    TestCases::new().compile_fail("tests/fail/*.rs");
}
