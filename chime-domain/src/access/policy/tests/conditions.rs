use super::super::{RequestContext, Tag};
use super::{NOW, allows, context, statement};

fn passes(operator: &str, key: &str, values: &str, ctx: &RequestContext<'_>) -> bool {
    let policies = statement(&format!(
        r#""Effect": "Allow", "Action": "*", "Resource": "*",
           "Condition": {{"{operator}": {{"{key}": {values}}}}}"#
    ));
    allows(&policies, "a:b", "*", ctx)
}

fn check(ctx: &RequestContext<'_>, table: &[(&str, &str, &str, bool)]) {
    for (operator, key, values, expected) in table {
        assert_eq!(passes(operator, key, values, ctx), *expected, "{operator} {key} {values}");
    }
}

#[test]
fn string_operators() {
    let ctx = RequestContext { username: Some("Ada"), ..context() };
    check(
        &ctx,
        &[
            ("StringEquals", "aws:username", r#""Ada""#, true),
            ("StringEquals", "AWS:USERNAME", r#""Ada""#, true),
            ("StringEquals", "aws:username", r#""ada""#, false),
            ("StringEquals", "aws:username", r#""A*""#, false),
            ("StringEquals", "aws:username", r#"["Eve", "Ada"]"#, true),
            ("StringNotEquals", "aws:username", r#""ada""#, true),
            ("StringNotEquals", "aws:username", r#"["Eve", "Ada"]"#, false),
            ("StringEqualsIgnoreCase", "aws:username", r#""aDA""#, true),
            ("StringNotEqualsIgnoreCase", "aws:username", r#""aDA""#, false),
            ("StringLike", "aws:username", r#""A?a""#, true),
            ("StringLike", "aws:username", r#""a*""#, false),
            ("StringNotLike", "aws:username", r#""A*""#, false),
            ("StringNotLike", "aws:username", r#""B*""#, true),
            ("StringEquals", "aws:CurrentTime", r#""2021-01-11T22:12:31.123Z""#, true),
        ],
    );
}

#[test]
fn arn_operators() {
    let ctx = RequestContext { principal_arn: Some("arn:aws:iam::111122223333:role/app/Chat"), ..context() };
    check(
        &ctx,
        &[
            ("ArnEquals", "aws:PrincipalArn", r#""arn:aws:iam::*:role/app/*""#, true),
            ("ArnLike", "aws:PrincipalArn", r#""arn:aws:iam::111122223333:role/app/Cha?""#, true),
            ("ArnLike", "aws:PrincipalArn", r#""arn:*:role/app/Chat""#, false),
            ("ArnLike", "aws:PrincipalArn", r#""${aws:PrincipalArn}""#, true),
            ("ArnNotEquals", "aws:PrincipalArn", r#""arn:aws:iam::*:role/app/*""#, false),
            ("ArnNotLike", "aws:PrincipalArn", r#""arn:aws:iam::444455556666:role/*""#, true),
        ],
    );
}

#[test]
fn boolean_and_null_operators() {
    let ctx = RequestContext { secure_transport: Some(true), other: &[("x:flag", "False")], ..context() };
    check(
        &ctx,
        &[
            ("Bool", "aws:SecureTransport", r#""true""#, true),
            ("Bool", "aws:SecureTransport", "true", true),
            ("Bool", "aws:SecureTransport", r#""False""#, false),
            ("Bool", "x:flag", "false", true),
            ("Bool", "x:absent", "false", false),
            ("BoolIfExists", "x:absent", "false", true),
            ("Null", "aws:SecureTransport", "false", true),
            ("Null", "aws:SecureTransport", r#""true""#, false),
            ("Null", "aws:username", r#""true""#, true),
            ("Null", "aws:username", "false", false),
        ],
    );
}

#[test]
fn address_operators() {
    let v4 = RequestContext { source_ip: "203.0.113.77".parse().ok(), ..context() };
    let mapped = RequestContext { source_ip: "::ffff:203.0.113.77".parse().ok(), ..context() };
    for ctx in [v4, mapped] {
        check(
            &ctx,
            &[
                ("IpAddress", "aws:SourceIp", r#""203.0.113.0/24""#, true),
                ("IpAddress", "aws:SourceIp", r#""203.0.113.9/24""#, true),
                ("IpAddress", "aws:SourceIp", r#""203.0.113.77""#, true),
                ("IpAddress", "aws:SourceIp", r#""203.0.113.76/32""#, false),
                ("IpAddress", "aws:SourceIp", r#""0.0.0.0/0""#, true),
                ("IpAddress", "aws:SourceIp", r#""::/0""#, false),
                ("IpAddress", "aws:SourceIp", r#"["10.0.0.0/8", "203.0.0.0/16"]"#, true),
                ("NotIpAddress", "aws:SourceIp", r#""203.0.113.0/24""#, false),
                ("NotIpAddress", "aws:SourceIp", r#""10.0.0.0/8""#, true),
            ],
        );
    }
    let v6 = RequestContext { source_ip: "2001:db8:1::5".parse().ok(), ..context() };
    check(
        &v6,
        &[
            ("IpAddress", "aws:SourceIp", r#""2001:db8::/32""#, true),
            ("IpAddress", "aws:SourceIp", r#""2001:db8:1::5/128""#, true),
            ("IpAddress", "aws:SourceIp", r#""2001:db8:2::/48""#, false),
            ("IpAddress", "aws:SourceIp", r#""0.0.0.0/0""#, false),
        ],
    );
}

#[test]
fn date_operators() {
    let second = NOW.seconds().to_string();
    check(
        &context(),
        &[
            ("DateLessThan", "aws:CurrentTime", r#""2021-01-11T22:12:31.124Z""#, true),
            ("DateLessThan", "aws:CurrentTime", r#""2021-01-11T22:12:31.123Z""#, false),
            ("DateLessThanEquals", "aws:CurrentTime", r#""2021-01-11T22:12:31.123Z""#, true),
            ("DateGreaterThan", "aws:CurrentTime", r#""2021-01-11""#, true),
            ("DateGreaterThan", "aws:CurrentTime", r#""2021-01-11T22:13Z""#, false),
            ("DateGreaterThanEquals", "aws:CurrentTime", r#""2021-01-11T22:12Z""#, true),
            ("DateEquals", "aws:CurrentTime", r#""2021-01-11T23:12:31.123+01:00""#, true),
            ("DateNotEquals", "aws:CurrentTime", r#""2021-01-12""#, true),
            ("DateEquals", "aws:EpochTime", &second, true),
            ("DateLessThan", "aws:EpochTime", "1", false),
            ("DateLessThan", "x:absent", r#""2030-01-01""#, false),
            ("DateLessThanIfExists", "x:absent", r#""2030-01-01""#, true),
        ],
    );
}

#[test]
fn numeric_operators() {
    let ctx = RequestContext { other: &[("x:n", "10"), ("x:text", "ten")], ..context() };
    check(
        &ctx,
        &[
            ("NumericEquals", "x:n", r#""10.0""#, true),
            ("NumericEquals", "x:n", "10", true),
            ("NumericNotEquals", "x:n", "10", false),
            ("NumericLessThan", "x:n", "10", false),
            ("NumericLessThanEquals", "x:n", "10", true),
            ("NumericGreaterThan", "x:n", "9.5", true),
            ("NumericGreaterThanEquals", "x:n", "11", false),
            ("NumericLessThan", "aws:EpochTime", "1610403152", true),
            ("NumericEquals", "x:text", "10", false),
            ("NumericNotEquals", "x:text", "10", true),
        ],
    );
}

#[test]
fn an_absent_key_fails_a_test_passes_its_negation_and_passes_if_exists() {
    for (operator, value) in [
        ("StringEquals", "a"),
        ("StringEqualsIgnoreCase", "a"),
        ("StringLike", "*"),
        ("ArnEquals", "*:*:*:*:*:*"),
        ("ArnLike", "*:*:*:*:*:*"),
        ("IpAddress", "0.0.0.0/0"),
        ("DateEquals", "2021-01-01"),
        ("NumericEquals", "1"),
    ] {
        let negated = match operator {
            "IpAddress" => "NotIpAddress".to_owned(),
            "ArnLike" => "ArnNotLike".to_owned(),
            "StringLike" => "StringNotLike".to_owned(),
            equals => equals.replace("Equals", "NotEquals"),
        };
        let value = format!("\"{value}\"");
        assert!(!passes(operator, "x:absent", &value, &context()), "{operator}");
        assert!(passes(&format!("{operator}IfExists"), "x:absent", &value, &context()), "{operator}IfExists");
        assert!(passes(&negated, "x:absent", &value, &context()), "{negated}");
        assert!(!passes(&format!("ForAnyValue:{operator}"), "x:absent", &value, &context()), "{operator}");
        assert!(passes(&format!("ForAllValues:{operator}"), "x:absent", &value, &context()), "{operator}");
    }
}

#[test]
fn set_operators_quantify_over_the_values_of_the_request() {
    let tags = [Tag::new("env", "1")];
    let keys = ["team".to_owned()];
    let ctx = RequestContext { request_tags: &tags, request_tag_keys: &keys, ..context() };
    check(
        &ctx,
        &[
            ("ForAllValues:StringEquals", "aws:TagKeys", r#"["env", "team", "more"]"#, true),
            ("ForAllValues:StringEquals", "aws:TagKeys", r#""env""#, false),
            ("ForAnyValue:StringEquals", "aws:TagKeys", r#""env""#, true),
            ("ForAnyValue:StringEquals", "aws:TagKeys", r#""floor""#, false),
            ("ForAnyValue:StringLike", "aws:TagKeys", r#""te*""#, true),
            ("ForAllValues:StringNotEquals", "aws:TagKeys", r#""floor""#, true),
            ("ForAllValues:StringNotEquals", "aws:TagKeys", r#""env""#, false),
            ("ForAnyValue:StringNotEquals", "aws:TagKeys", r#""env""#, true),
            ("ForAnyValue:StringNotEquals", "aws:TagKeys", r#"["env", "team"]"#, false),
            ("StringEquals", "aws:TagKeys", r#""team""#, true),
            ("StringNotEquals", "aws:TagKeys", r#""team""#, false),
        ],
    );
}

#[test]
fn a_service_key_reaches_the_condition_by_its_name_in_any_case() {
    let ctx = RequestContext { other: &[("kms:ViaService", "kinesis.eu-west-1.amazonaws.com")], ..context() };
    assert!(passes("StringLike", "KMS:viaservice", r#""kinesis.*.amazonaws.com""#, &ctx));
    assert!(!passes("StringLike", "kms:ViaService", r#""sqs.*.amazonaws.com""#, &ctx));
}

#[test]
fn all_operators_and_all_keys_must_pass() {
    let ctx = RequestContext { username: Some("ada"), secure_transport: Some(false), ..context() };
    let both = |user: &str, tls: &str| {
        statement(&format!(
            r#""Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {{
               "StringEquals": {{"aws:username": "{user}", "aws:PrincipalType": ["User", "{user}"]}},
               "Bool": {{"aws:SecureTransport": "{tls}"}}}}"#
        ))
    };
    let ctx = RequestContext { principal_type: Some("User"), ..ctx };
    assert!(allows(&both("ada", "false"), "a:b", "*", &ctx));
    assert!(!allows(&both("ada", "true"), "a:b", "*", &ctx));
    assert!(!allows(&both("eve", "false"), "a:b", "*", &ctx));
    let ctx = RequestContext { principal_type: None, ..ctx };
    assert!(!allows(&both("ada", "false"), "a:b", "*", &ctx));
}
