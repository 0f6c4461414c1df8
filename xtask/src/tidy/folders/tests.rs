//! Tests with small example trees, at least one for every rule.

use super::*;

fn sources(files: &[(&str, &str)]) -> Vec<Source> {
    let source = |(path, text): &(&str, &str)| Source {
        path: format!("crates/{path}"),
        text: (*text).to_owned(),
    };
    files.iter().map(source).collect()
}

fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let sources = sources(files);
    let found: Vec<_> =
        crates(&sources).flat_map(|part| part.judge(Detail::Least).unwrap()).collect();
    found.iter().map(ToString::to_string).collect()
}

/// Returns the imports in one crate, as `from -> to: name`.
fn arrows(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| Source { path: (*path).to_owned(), text: (*text).to_owned() })
        .collect();
    let tree = Tree::read("lib.rs", &files).unwrap();
    let text = |arrow: &Arrow| format!("{} -> {}: {}", arrow.from, arrow.to, arrow.name);
    tree.arrows().iter().map(text).collect()
}

#[test]
fn files_that_import_downwards_are_in_order() {
    let found = problems(&[
        ("x/src/lib.rs", "mod a; mod b; pub use a::A;"),
        ("x/src/a.rs", "use crate::b::B; pub struct A(B);"),
        ("x/src/b.rs", "pub struct B;"),
    ]);

    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_cycle_of_files_is_found_with_its_lines_and_names() {
    let found = problems(&[
        ("x/src/lib.rs", "mod a;"),
        ("x/src/a.rs", "mod b; mod c;"),
        ("x/src/a/b.rs", "\nuse super::c::C; pub struct B(C);"),
        ("x/src/a/c.rs", "\nuse super::b::B; pub struct C(Box<B>);"),
    ]);

    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("2 files import each other in a cycle: a/b.rs, a/c.rs"));
    assert!(found[0].contains("crates/x/src/a/c.rs -> a/b.rs: B (line 2)"), "{found:?}");
}

#[test]
fn a_cycle_of_folders_without_a_cycle_of_files_is_found() {
    let found = problems(&[
        ("x/src/lib.rs", "mod a; mod b;"),
        ("x/src/a.rs", "mod low; pub struct A(crate::b::B);"),
        ("x/src/a/low.rs", "pub struct Low;"),
        ("x/src/b.rs", "use crate::a::low::Low; pub struct B(Low);"),
    ]);

    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("2 folders import each other in a cycle: a, b"), "{found:?}");
}

#[test]
fn nothing_imports_the_root() {
    let found = problems(&[
        ("x/src/main.rs", "mod a; struct Settings; fn main() { a::run() }"),
        ("x/src/a.rs", "use crate::Settings; pub fn run() -> Settings { todo() }"),
    ]);

    assert!(found[0].starts_with("crates/x/src/a.rs:1: imports Settings"), "{found:?}");
}

#[test]
fn a_folder_imports_only_from_lower_floors() {
    let lib = ("gateway/src/lib.rs", "mod admission; mod http; mod room; mod link;");
    let up = [
        lib,
        ("gateway/src/admission.rs", "use crate::http::Http; pub struct Admission(Http);"),
        ("gateway/src/http.rs", "pub struct Http;"),
        ("gateway/src/link.rs", "pub struct Link;"),
        ("gateway/src/room.rs", "\n\npub struct Room(crate::link::Link);"),
    ];

    let found = problems(&up);

    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("`admission` (floor 7) imports Http (line 1)"), "{found:?}");
    assert!(found[1].starts_with("crates/gateway/src/room.rs:3: `room` (floor 4) imports Link"));
    assert!(found[1].contains("move Link down to `room` or below"), "{found:?}");
}

#[test]
fn a_folder_without_a_floor_is_found_unless_it_only_re_exports() {
    let found = problems(&[
        ("gateway/src/lib.rs", "mod newcomer; pub mod session; mod room;"),
        ("gateway/src/newcomer.rs", "pub struct New;"),
        ("gateway/src/room.rs", "pub struct Room;"),
        ("gateway/src/session.rs", "pub use crate::room::Room;"),
    ]);

    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("crates/gateway/src/newcomer: this folder has no floor"));
}

#[test]
fn one_small_cycle_is_spared_inside_the_room_folder() {
    let cycle = [
        ("gateway/src/lib.rs", "mod room; mod link;"),
        ("gateway/src/room.rs", "mod a; mod b; mod c; mod d;"),
        ("gateway/src/room/a.rs", "pub struct A(super::b::B);"),
        ("gateway/src/room/b.rs", "pub struct B(super::a::A);"),
        ("gateway/src/room/c.rs", "pub struct C;"),
        ("gateway/src/room/d.rs", "pub struct D(super::c::C);"),
        ("gateway/src/link.rs", "mod a; mod b;"),
        ("gateway/src/link/a.rs", "pub struct A;"),
        ("gateway/src/link/b.rs", "pub struct B(super::a::A);"),
    ];
    assert!(problems(&cycle).is_empty(), "{:?}", problems(&cycle));

    let mut second = cycle;
    second[4].1 = "pub struct C(super::d::D);";
    assert_eq!(problems(&second).len(), 1);

    let mut elsewhere = cycle;
    elsewhere[7].1 = "pub struct A(super::b::B);";
    assert_eq!(problems(&elsewhere).len(), 1);
}

#[test]
fn a_large_cycle_is_found_inside_the_room_folder_too() {
    let ring: Vec<(String, String)> = (0..7)
        .map(|at| {
            let next = (at + 1) % 7;
            (format!("gateway/src/room/m{at}.rs"), format!("pub struct S(super::m{next}::S);"))
        })
        .collect();
    let mut files: Vec<(&str, &str)> =
        ring.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.push(("gateway/src/lib.rs", "mod room;"));
    files.push(("gateway/src/room.rs", "mod m0; mod m1; mod m2; mod m3; mod m4; mod m5; mod m6;"));

    assert_eq!(problems(&files).len(), 1);
}

#[test]
fn a_name_taken_through_its_parent_comes_from_where_it_is_defined() {
    let found = arrows(&[
        ("lib.rs", "mod a; mod user; pub use a::{A, B as Renamed};"),
        ("a.rs", "mod inner; pub(crate) use inner::{A, B};"),
        ("a/inner.rs", "pub struct A; pub struct B;"),
        ("user.rs", "use crate::{A, Renamed, a}; fn f(_: A, _: Renamed, _: a::B) {}"),
    ]);

    assert_eq!(found, ["user.rs -> a/inner.rs: A", "user.rs -> a/inner.rs: B"]);
}

#[test]
fn a_re_export_is_an_arrow_only_where_the_file_uses_the_name() {
    let inner = ("a/inner.rs", "use super::A; pub struct B(Box<A>);");
    let lib = ("lib.rs", "mod a;");

    let passed_on = arrows(&[lib, ("a.rs", "mod inner; pub use inner::B; pub struct A;"), inner]);
    assert_eq!(passed_on, ["a/inner.rs -> a.rs: A"]);

    let used = arrows(&[lib, ("a.rs", "mod inner; pub use inner::B; pub struct A(B);"), inner]);
    assert_eq!(used, ["a.rs -> a/inner.rs: B", "a/inner.rs -> a.rs: A"]);
}

#[test]
fn paths_in_bodies_types_macros_and_attributes_count() {
    let found = arrows(&[
        ("lib.rs", "mod a; mod b; mod c; mod d; mod e; mod f; mod user;"),
        ("a.rs", "pub fn run() {}"),
        ("b.rs", "pub struct B;"),
        ("c.rs", "pub fn c() {}"),
        ("d.rs", "pub fn d() {}"),
        ("e.rs", "pub trait E {}"),
        ("f.rs", "pub struct F;"),
        (
            "user.rs",
            "struct S { #[check(crate::d::d)] f: Option<super::b::B> }
             impl crate::e::E for S {}
             fn f() { crate::a::run(); println!(\"{}\", crate::c::c()); }
             macro_rules! make { () => { $crate::f::F } }",
        ),
    ]);

    let all = ["a.rs: run", "b.rs: B", "c.rs: c", "d.rs: d", "e.rs: E", "f.rs: F"];
    assert_eq!(found, all.map(|end| format!("user.rs -> {end}")));
}

#[test]
fn code_of_tests_does_not_count() {
    let found = arrows(&[
        ("lib.rs", "mod a; mod user;"),
        ("a.rs", "pub struct A;"),
        (
            "user.rs",
            "mod tests;
             #[cfg(test)] mod more;
             #[cfg(test)] use crate::a::A;
             #[cfg(all(test, unix))] fn f(_: A) {}
             struct S { #[cfg(test)] a: crate::a::A }
             impl S { #[cfg(test)] fn g() -> crate::a::A { crate::a::A } }
             fn g() { #[cfg(test)] let a = crate::a::A; }",
        ),
        ("user/tests.rs", "use crate::a::A;"),
        ("user/more.rs", "use crate::a::A;"),
    ]);

    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn names_of_other_crates_and_of_the_file_itself_are_no_arrows() {
    let found = arrows(&[
        ("lib.rs", "mod a; mod http;"),
        ("a.rs", "use http::Uri; use std::fmt; mod inner { pub struct I; } fn f(_: inner::I) {}"),
        ("http.rs", "pub struct Uri;"),
    ]);

    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_glob_takes_only_the_names_that_are_used() {
    let found = arrows(&[
        ("lib.rs", "mod a; mod user;"),
        ("a.rs", "mod b; mod c; pub use b::B; pub use c::C;"),
        ("a/b.rs", "pub struct B;"),
        ("a/c.rs", "pub struct C;"),
        ("user.rs", "use super::a::*; fn f(_: C) {}"),
    ]);

    assert_eq!(found, ["user.rs -> a/c.rs: C"]);
}

#[test]
fn a_function_and_a_module_of_one_name_are_told_apart() {
    let found = arrows(&[
        ("lib.rs", "mod any; mod user; use any::any;"),
        ("any.rs", "pub fn any() {} pub struct Any;"),
        ("user.rs", "use crate::any; fn f() -> any::Any { any() }"),
    ]);

    assert_eq!(found, ["user.rs -> any.rs: Any", "user.rs -> any.rs: any"]);
}

#[test]
fn a_name_that_a_macro_makes_belongs_to_the_file_that_the_path_names() {
    let found = arrows(&[
        ("lib.rs", "mod ids; mod user;"),
        ("ids.rs", "macro_rules! id { ($n:ident) => { pub struct $n; } } id!(UserId);"),
        ("user.rs", "use crate::ids::UserId; fn f(_: UserId) {}"),
    ]);

    assert_eq!(found, ["user.rs -> ids.rs: UserId"]);
}

#[test]
fn an_exported_macro_belongs_to_the_file_that_defines_it() {
    let found = arrows(&[
        ("lib.rs", "mod made; mod user;"),
        ("made.rs", "#[macro_export] macro_rules! made { () => {} }"),
        ("user.rs", "fn f() { crate::made!(); }"),
    ]);

    assert_eq!(found, ["user.rs -> made.rs: made"]);
}

#[test]
fn imports_that_lead_back_to_themselves_end() {
    let found = arrows(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::*; pub fn f(_: Lost) {}"),
        ("b.rs", "pub use crate::a::*; fn g(_: Lost) {}"),
    ]);

    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_module_without_a_file_stops_the_check() {
    let sources = sources(&[("x/src/lib.rs", "mod a;")]);

    let failure = crates(&sources).next().unwrap().judge(Detail::Least).unwrap_err();

    assert!(failure.to_string().contains("there is no a.rs"), "{failure}");
}

#[test]
fn the_lightest_arrow_opens_a_cycle() {
    let mut graph = Graph::new();
    for (from, to, weight) in [("a", "b", 5), ("b", "c", 4), ("c", "a", 1)] {
        graph.entry(from).or_default().insert(to, weight);
    }

    let found = cycles(&graph);

    assert_eq!(found, [["a", "b", "c"]]);
    assert_eq!(cut(&graph, &found[0]), [("c", "a")]);
}

#[test]
fn an_unknown_crate_is_refused_with_the_names_that_exist() {
    let failure = survey(&sources(&[("x/src/lib.rs", "")]), Some("y")).unwrap_err();

    assert!(failure.to_string().ends_with("choose of x"), "{failure}");
}
