//! Tests with blocks that pass, and with blocks that have problems.

use super::*;

const ECHO: &str = "import x\n\n    # #region connect\n    first()\n\n    # #region inner\n        second()\n    # #endregion\n    # #endregion\nlast()\n";

fn file(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

/// Returns the problems of a document with this text, in a repository with an example and its test.
fn found(text: &str) -> Vec<String> {
    let sources = [
        file("docs/page.md", text),
        file("examples/echo.py", ECHO),
        file("examples/lonely.py", "lonely()\n"),
        file("e2e/node/docs.test.mjs", "blocks of docs/page.md, and echo.py"),
    ];
    check(&sources).iter().map(ToString::to_string).collect()
}

fn assert_found(text: &str, wanted: &str) {
    let found = found(text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains(wanted), "{found:?}");
}

#[test]
fn a_block_without_a_source_is_found_with_its_line() {
    assert_found(
        "# Page\n\n```js\nsend()\n```\n",
        "docs/page.md:3: no test runs this block of `js`",
    );
    assert_found("```rust,ignore\nsend()\n```\n", "no test runs this block of `rust`");
}

#[test]
fn what_readers_do_not_copy_needs_no_source() {
    assert!(found("```json\n{}\n```\n\n```text\nhello\n```\n\n```mermaid\nA\n```\n").is_empty());
}

#[test]
fn a_block_is_its_file() {
    assert!(found(&format!("<!-- examples/echo.py -->\n```python\n{ECHO}```\n")).is_empty());
    assert_found(
        "<!-- examples/echo.py -->\n```python\nimport y\n```\n",
        "line 1 is `import y` here and `import x` there",
    );
    assert_found(
        "<!-- examples/gone.py -->\n```python\n```\n",
        "there is no file examples/gone.py",
    );
}

#[test]
fn a_block_is_a_region_without_its_indentation() {
    let region =
        |lines: &str| format!("<!-- examples/echo.py#connect -->\n```python\n{lines}```\n");

    assert!(found(&region("first()\n\n    second()\n")).is_empty());
    assert_found(&region("first()\n"), "line 2 is the end here and `` there");
    assert_found("<!-- examples/echo.py#gone -->\n```python\n```\n", "has no region gone");
}

#[test]
fn a_file_that_no_test_names_is_found() {
    let document = "<!-- examples/lonely.py -->\n```python\nlonely()\n```\n";

    assert_found(document, "no test names examples/lonely.py");
}

#[test]
fn a_test_that_reads_the_document_is_a_source() {
    let by = |test: &str| format!("<!-- run by {test} -->\n```sh\nls\n```\n\n");

    assert!(found(&by("e2e/node/docs.test.mjs")).is_empty());
    assert_found(
        &by("e2e/node/other.test.mjs"),
        "e2e/node/other.test.mjs does not read docs/page.md",
    );
    let all = "<!-- run by e2e/node/docs.test.mjs -->\n\n# Page\n\n```sh\nls\n```\n";
    assert!(found(all).is_empty());
}

#[test]
fn a_block_that_is_not_run_needs_a_reason() {
    assert!(found("<!-- not run: it takes an hour -->\n```sh\nls\n```\n").is_empty());
    assert_found("<!-- not run: -->\n```sh\nls\n```\n", "no reason is given");
}

#[test]
fn rustdoc_compiles_what_a_crate_includes() {
    let include =
        file("crates/gateway/src/lib.rs", "#[doc = include_str!(\"../../../docs/page.md\")]");
    let page = file("docs/page.md", "```rust\nlet x = 1;\n```\n");

    assert_eq!(check(&[page, include]), []);
}
