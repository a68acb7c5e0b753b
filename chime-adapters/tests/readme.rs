//! The README shows the doc-test of this crate, line for line.

#[test]
fn the_readme_shows_the_snippet_that_is_tested() {
    let source = include_str!("../src/lib.rs");
    let tested = source.split("//! ```\n").nth(1).unwrap().trim_end();
    let shown = |line: &str| line.strip_prefix("//!").unwrap().trim_start_matches(' ').to_owned();
    let tested: Vec<_> =
        tested.lines().map(shown).filter(|line| !line.starts_with("# ") && !line.is_empty()).collect();
    let readme = include_str!("../../README.md");
    let printed = readme.split("```rust\n").nth(1).unwrap().split("```").next().unwrap();
    let printed: Vec<_> = printed.lines().map(str::trim_start).filter(|line| !line.is_empty()).collect();
    assert_eq!(printed, tested);
    assert!(printed.len() <= 15, "{} lines", printed.len());
}
