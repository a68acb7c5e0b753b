use proptest::prelude::*;

use super::super::arn_pattern::ArnPattern;
use super::super::pattern::{Pattern, Syntax};
use super::context;

const GLOB: Syntax = Syntax { wildcards: true, variables: false, ignore_case: false };

fn fits(pattern: &str, text: &str, syntax: Syntax) -> bool {
    Pattern::compile(pattern, syntax).unwrap().fits(text, &context())
}

/// The definition of a wildcard match, with no thought of its cost.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['*', rest @ ..], _) => (0..=text.len()).any(|skipped| naive(rest, &text[skipped..])),
        (['?', rest @ ..], [_, after @ ..]) => naive(rest, after),
        ([p, rest @ ..], [t, after @ ..]) => p == t && naive(rest, after),
        _ => false,
    }
}

#[test]
fn wildcards_match_as_documented() {
    for (pattern, text, expected) in [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("*", "anything at all", true),
        ("?", "", false),
        ("?", "\u{1f600}", true),
        ("a*", "a", true),
        ("a*b", "ab", true),
        ("a*b", "acbd", false),
        ("a*b*c", "a-b-b-c", true),
        ("*a", "ba", true),
        ("**a**", "a", true),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*?", "", false),
        ("*?b", "b", false),
        ("a*ab", "ab", false),
        ("a*ab", "aab", true),
        ("arn:*:channel/*", "arn:aws:chime:us-east-1:1:app-instance/a/channel/c", false),
        ("arn:*/channel/*", "arn:aws:chime:us-east-1:1:app-instance/a/channel/c", true),
    ] {
        assert_eq!(fits(pattern, text, GLOB), expected, "{pattern} {text}");
    }
}

#[test]
fn case_matters_only_where_the_syntax_says_so() {
    let any_case = Syntax { ignore_case: true, ..GLOB };
    for (pattern, text) in [
        ("chime:Send*", "CHIME:sendChannelMessage"),
        ("chime:*Message", "chime:SENDMESSAGE"),
        ("A?*b", "aXyB"),
    ] {
        assert!(!fits(pattern, text, GLOB), "{pattern} {text}");
        assert!(fits(pattern, text, any_case), "{pattern} {text}");
    }
}

#[test]
fn hostile_patterns_finish() {
    let text = "a".repeat(4096) + "b";
    for pattern in ["*a".repeat(2048), "*?a".repeat(1024), "*a?".repeat(1024) + "*c", "*aab".repeat(512)] {
        assert!(!fits(&pattern, &text, GLOB));
    }
    assert!(fits(&"*a".repeat(2048), text.trim_end_matches('b'), GLOB));
    let any_case = Syntax { ignore_case: true, ..GLOB };
    assert!(!fits(&"*A".repeat(2048), &text, any_case));
}

#[test]
fn arn_patterns_compare_part_by_part() {
    for (pattern, arn, expected) in [
        ("arn:aws:iam::1:role/x", "arn:aws:iam::1:role/x", true),
        ("arn:aws:iam::*:role/x*", "arn:aws:iam::1:role/xyz", true),
        ("arn:*", "arn:aws:iam::1:role/x", false),
        ("arn:aws:*:1:role/x", "arn:aws:iam::1:role/x", false),
        ("arn:aws:iam::1:*", "arn:aws:iam::1:a:b:c", true),
        ("arn:aws:iam::1:role/x", "arn:aws:iam::1", false),
        ("*", "arn:aws:iam::1:role/x", false),
        ("*:*:*:*:*:*", "arn:aws:iam::1:role/x", true),
        ("arn:aws:IAM::1:role/x", "arn:aws:iam::1:role/x", false),
    ] {
        let compiled = ArnPattern::compile(pattern, true).unwrap();
        assert_eq!(compiled.fits(arn, &context()), expected, "{pattern} {arn}");
    }
}

proptest! {
    #[test]
    fn matching_agrees_with_its_definition(pattern in "[abé*?]{0,9}", text in "[abé*?]{0,12}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(fits(&pattern, &text, GLOB), naive(&chars(&pattern), &chars(&text)));
    }

    #[test]
    fn matching_without_case_agrees_with_its_definition(pattern in "[aAbB*?é]{0,9}", text in "[aAbBé]{0,12}") {
        let chars = |text: &str| text.to_ascii_lowercase().chars().collect::<Vec<_>>();
        let any_case = Syntax { ignore_case: true, ..GLOB };
        prop_assert_eq!(fits(&pattern, &text, any_case), naive(&chars(&pattern), &chars(&text)));
    }

    #[test]
    fn a_pattern_that_matches_may_start_with_every_prefix_of_the_match(
        pattern in "[ab*?]{0,6}", text in "[ab]{0,8}", cut in 0_usize..9,
    ) {
        let compiled = Pattern::compile(&pattern, GLOB).unwrap();
        let prefix = text.get(..cut).unwrap_or(&text);
        if compiled.fits(&text, &context()) {
            prop_assert!(compiled.may_start_with(prefix, &context()));
        }
    }

    #[test]
    fn no_text_makes_the_compiler_panic(source in "\\PC{0,40}", text in "\\PC{0,40}", bits in 0_u8..8) {
        let syntax = Syntax { wildcards: bits & 1 != 0, variables: bits & 2 != 0, ignore_case: bits & 4 != 0 };
        if let Ok(pattern) = Pattern::compile(&source, syntax) {
            let _ = pattern.fits(&text, &context());
        }
        if let Ok(pattern) = ArnPattern::compile(&source, syntax.variables) {
            let _ = pattern.fits(&text, &context());
        }
    }

    #[test]
    fn variable_syntax_never_panics(source in "[$}{*?,'a: ]{0,24}", text in "[a*$]{0,8}") {
        let syntax = Syntax { variables: true, ..GLOB };
        if let Ok(pattern) = Pattern::compile(&source, syntax) {
            let _ = pattern.fits(&text, &context());
        }
        let _ = ArnPattern::compile(&source, true);
    }
}
