//! Each file in `tests/fail` is one mistake, named by it; beside it stands what the compiler says.

use trybuild::TestCases;

#[test]
fn every_mistake_is_explained_where_it_was_made() {
    TestCases::new().compile_fail("tests/fail/*.rs");
}
