//! Each file in `tests/fail` is one mistake, named by it. The `.stderr` file next to it has the
//! output of the compiler.

use trybuild::TestCases;

#[test]
fn every_mistake_is_reported_at_its_place() {
    TestCases::new().compile_fail("tests/fail/*.rs");
}
