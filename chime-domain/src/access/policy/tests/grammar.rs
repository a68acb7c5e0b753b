use proptest::prelude::*;

use super::super::{PolicyDocument, PolicyError, PolicyProblem, TrustPolicy, Version, policy_size};

fn problem(text: &str) -> (String, PolicyProblem) {
    match PolicyDocument::parse(text) {
        Err(PolicyError::Invalid { path, problem }) => (path, problem),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_document_keeps_its_text_version_and_statement_ids() {
    let text = r#" {"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"A1","Effect":"Deny","Action":"a:b","Resource":"*"}]} "#;
    let document = PolicyDocument::parse(text).unwrap();
    assert_eq!(document.text(), text);
    assert_eq!(document.version(), Version::V2012);
    assert_eq!(document.statements()[0].sid(), Some("A1"));
    assert_eq!(policy_size("{ \"a\":\n\t1 }"), 7);
}

#[test]
fn each_break_of_the_grammar_is_named_with_its_place() {
    let statement = |members: &str| format!(r#"{{"Version": "2012-10-17", "Statement": [{{{members}}}]}}"#);
    let base = r#""Effect": "Allow", "Action": "a:b", "Resource": "*""#;
    for (text, path) in [
        ("[]".to_owned(), "policy"),
        ("7".to_owned(), "policy"),
        (r#"{"Version": "2012-10-17"}"#.to_owned(), "Statement"),
        (r#"{"Statement": []}"#.to_owned(), "Statement"),
        (r#"{"Statement": ["x"]}"#.to_owned(), "Statement[0]"),
        (r#"{"Version": "2013-10-17", "Statement": []}"#.to_owned(), "Version"),
        (r#"{"Version": 2012, "Statement": []}"#.to_owned(), "Version"),
        (format!(r#"{{"Statement": {{{base}}}, "statement": 1}}"#), "statement"),
        (statement(r#""Effect": "allow", "Action": "a:b", "Resource": "*""#), "Statement[0].Effect"),
        (statement(r#""Action": "a:b", "Resource": "*""#), "Statement[0].Effect"),
        (statement(r#""Effect": "Allow", "Resource": "*""#), "Statement[0].Action"),
        (statement(r#""Effect": "Allow", "Action": [], "Resource": "*""#), "Statement[0].Action"),
        (statement(r#""Effect": "Allow", "Action": [1], "Resource": "*""#), "Statement[0].Action"),
        (statement(r#""Effect": "Allow", "Action": "SendMessage", "Resource": "*""#), "Statement[0].Action"),
        (statement(r#""Effect": "Allow", "Action": "", "Resource": "*""#), "Statement[0].Action"),
        (statement(&format!(r#"{base}, "NotAction": "a:c""#)), "Statement[0].Action"),
        (statement(r#""Effect": "Allow", "Action": "a:b""#), "Statement[0].Resource"),
        (statement(r#""Effect": "Allow", "Action": "a:b", "Resource": "bucket""#), "Statement[0].Resource"),
        (statement(r#""Effect": "Allow", "Action": "a:b", "NotResource": {}"#), "Statement[0].NotResource"),
        (statement(&format!(r#"{base}, "NotResource": "*""#)), "Statement[0].Resource"),
        (statement(&format!(r#"{base}, "Principal": "*""#)), "Statement[0].Principal"),
        (statement(&format!(r#"{base}, "Sid": "with space""#)), "Statement[0].Sid"),
        (statement(&format!(r#"{base}, "Conditions": {{}}"#)), "Statement[0].Conditions"),
        (statement(&format!(r#"{base}, "Condition": []"#)), "Statement[0].Condition"),
        (
            statement(&format!(r#"{base}, "Condition": {{"StringIs": {{"a:b": "c"}}}}"#)),
            "Statement[0].Condition.StringIs",
        ),
        (
            statement(&format!(r#"{base}, "Condition": {{"NullIfExists": {{"a:b": "true"}}}}"#)),
            "Statement[0].Condition.NullIfExists",
        ),
        (
            statement(&format!(r#"{base}, "Condition": {{"ForSomeValues:StringLike": {{"a:b": "c"}}}}"#)),
            "Statement[0].Condition.ForSomeValues:StringLike",
        ),
        (
            statement(&format!(r#"{base}, "Condition": {{"Bool": {{"a:b": "maybe"}}}}"#)),
            "Statement[0].Condition.Bool.a:b",
        ),
        (
            statement(&format!(r#"{base}, "Condition": {{"IpAddress": {{"a:b": "10.0.0.0/33"}}}}"#)),
            "Statement[0].Condition.IpAddress.a:b",
        ),
        (
            statement(&format!(r#"{base}, "Condition": {{"NumericEquals": {{"a:b": "NaN"}}}}"#)),
            "Statement[0].Condition.NumericEquals.a:b",
        ),
        (
            statement(&format!(r#"{base}, "Condition": {{"DateEquals": {{"a:b": "today"}}}}"#)),
            "Statement[0].Condition.DateEquals.a:b",
        ),
        (
            statement(&format!(r#"{base}, "Condition": {{"StringNotEquals": {{"a:b": []}}}}"#)),
            "Statement[0].Condition.StringNotEquals.a:b",
        ),
        (
            statement(&format!(r#"{base}, "Condition": {{"StringEquals": {{"a:b": null}}}}"#)),
            "Statement[0].Condition.StringEquals.a:b",
        ),
        (format!(r#"{{"Statement": [{{"Sid": "A", {base}}}, {{"Sid": "A", {base}}}]}}"#), "Statement"),
    ] {
        assert_eq!(problem(&text).0, path, "{text}");
    }
}

#[test]
fn a_member_that_stands_twice_is_refused_and_not_dropped() {
    let text = r#"{"Statement": {"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {
        "StringEquals": {"a:b": "1"}, "StringEquals": {"a:c": "1"}}}}"#;
    assert!(matches!(PolicyDocument::parse(text), Err(PolicyError::Json(_))));
}

#[test]
fn messages_say_where_and_what() {
    let error = PolicyDocument::parse(r#"{"Statement": {"Effect": "Grant", "Action": "a:b"}}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`Statement.Effect` has the value `Grant` where `Allow` or `Deny` is expected"
    );
}

#[test]
fn depth_is_refused_before_it_hurts() {
    let deep = "[".repeat(100_000);
    assert!(matches!(PolicyDocument::parse(&deep), Err(PolicyError::Json(_))));
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let word = prop_oneof![
        Just("Version"),
        Just("2012-10-17"),
        Just("Statement"),
        Just("Effect"),
        Just("Allow"),
        Just("Deny"),
        Just("Action"),
        Just("NotAction"),
        Just("Resource"),
        Just("NotResource"),
        Just("Principal"),
        Just("AWS"),
        Just("Condition"),
        Just("StringLike"),
        Just("ForAnyValue:ArnLike"),
        Just("Null"),
        Just("true"),
        Just("aws:username"),
        Just("chime:*"),
        Just("*"),
        Just("${aws:username}"),
        Just("${"),
        Just("arn:a:b"),
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        word.clone().prop_map(Into::into),
        "\\PC{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::Array),
            prop::collection::vec((word.clone().prop_map(String::from), inner), 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,120}") {
        let _ = PolicyDocument::parse(&text);
        let _ = TrustPolicy::parse(&text);
    }

    #[test]
    fn no_json_makes_the_parser_panic(value in json()) {
        let text = value.to_string();
        let _ = PolicyDocument::parse(&text);
        let _ = TrustPolicy::parse(&text);
    }
}
