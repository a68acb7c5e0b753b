use std::net::{IpAddr, Ipv6Addr};

use super::super::{PolicyError, RequestContext, Tag, TrustPolicy, Verdict};
use super::{NOW, USER, allows, context, policy, statement};

fn resource(pattern: &str, effect: &str) -> super::PolicySet {
    statement(&format!(r#""Effect": "{effect}", "Action": "*", "Resource": "{pattern}""#))
}

#[test]
fn every_variable_has_the_value_of_its_key() {
    let session_tags = [Tag::new("Team", "blue")];
    let principal_tags = [Tag::new("team", "hidden"), Tag::new("floor", "3")];
    let request_tags = [Tag::new("env", "test")];
    let resource_tags = [Tag::new("owner", "ada")];
    let ctx = RequestContext {
        principal_arn: Some("arn:aws:iam::1:user/ada"),
        principal_account: Some("111122223333"),
        principal_type: Some("User"),
        username: Some("ada"),
        userid: Some("AIDA1"),
        session_tags: &session_tags,
        principal_tags: &principal_tags,
        source_ip: Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        secure_transport: Some(true),
        requested_region: Some("us-east-1"),
        user_agent: Some("aws-cli"),
        referer: Some("https://x.example"),
        request_tags: &request_tags,
        resource_tags: &resource_tags,
        external_id: Some("e-1"),
        role_session_name: Some("demo"),
        other: &[("idp.example:sub", "s-1")],
        ..context()
    };
    for (variable, value) in [
        ("aws:PrincipalArn", "arn:aws:iam::1:user/ada"),
        ("aws:PrincipalAccount", "111122223333"),
        ("aws:PrincipalType", "User"),
        ("aws:username", "ada"),
        ("AWS:UserName", "ada"),
        ("aws:userid", "AIDA1"),
        ("aws:PrincipalTag/team", "blue"),
        ("aws:principaltag/FLOOR", "3"),
        ("team", "blue"),
        ("aws:SourceIp", "::1"),
        ("aws:SecureTransport", "true"),
        ("aws:CurrentTime", "2021-01-11T22:12:31.123Z"),
        ("aws:EpochTime", "1610403151"),
        ("aws:RequestedRegion", "us-east-1"),
        ("aws:UserAgent", "aws-cli"),
        ("aws:Referer", "https://x.example"),
        ("aws:RequestTag/env", "test"),
        ("aws:ResourceTag/owner", "ada"),
        ("sts:ExternalId", "e-1"),
        ("sts:RoleSessionName", "demo"),
        ("idp.example:sub", "s-1"),
        ("aws:username, 'nobody'", "ada"),
        ("nobody-has-this, 'default, with comma'", "default, with comma"),
    ] {
        let policies = resource(&format!("arn:x/${{{variable}}}/*"), "Allow");
        assert!(allows(&policies, "a:b", &format!("arn:x/{value}/y"), &ctx), "{variable}");
        assert!(!allows(&policies, "a:b", &format!("arn:x/{value}0/y"), &ctx), "{variable}");
    }
}

#[test]
fn a_session_tag_answers_to_its_bare_name_and_to_the_real_syntax() {
    let tags = [Tag::new("my_applications_user_id", "u1")];
    let ctx = RequestContext { session_tags: &tags, ..context() };
    for variable in ["${my_applications_user_id}", "${aws:PrincipalTag/my_applications_user_id}"] {
        let app = "arn:aws:chime:us-east-1:111122223333:app-instance/a1";
        let policies = resource(&format!("{app}/user/{variable}"), "Allow");
        assert!(allows(&policies, "chime:Connect", USER, &ctx), "{variable}");
        assert!(!allows(&policies, "chime:Connect", &format!("{app}/user/u2"), &ctx), "{variable}");
        assert!(!allows(&policies, "chime:Connect", USER, &context()), "{variable} without the tag");
    }
}

#[test]
fn the_tag_of_a_user_or_role_has_no_bare_name() {
    let tags = [Tag::new("id", "u1")];
    let ctx = RequestContext { principal_tags: &tags, ..context() };
    assert!(!allows(&resource("arn:x/${id}", "Allow"), "a:b", "arn:x/u1", &ctx));
    assert!(allows(&resource("arn:x/${aws:PrincipalTag/id}", "Allow"), "a:b", "arn:x/u1", &ctx));
}

#[test]
fn an_unresolved_variable_matches_nothing_not_even_behind_a_wildcard() {
    for pattern in ["arn:x/${missing}", "arn:x/${missing}*", "*${missing}", "${missing}*", "arn:*/${missing}"]
    {
        for text in ["arn:x/", "arn:x/anything", "*", "arn:x/${missing}", ""] {
            assert!(!allows(&resource(pattern, "Allow"), "a:b", text, &context()), "{pattern} {text}");
        }
    }
}

#[test]
fn an_unresolved_variable_never_widens_an_allow_and_never_weakens_a_deny() {
    let except = |effect: &str| {
        policy(&format!(
            r#"{{"Version": "2012-10-17", "Statement": [
                {{"Effect": "Allow", "Action": "x:*", "Resource": "*"}},
                {{"Effect": "{effect}", "Action": "*", "NotResource": "arn:x/${{missing}}"}}]}}"#
        ))
    };
    assert!(!allows(&except("Allow"), "a:b", "arn:y", &context()));
    assert!(matches!(except("Deny").evaluate("x:b", "arn:y", &context()), Verdict::ExplicitDeny(_)));

    let ctx = RequestContext { username: Some("ada"), ..context() };
    let condition = r#""Condition": {"StringNotEquals": {"aws:username": "${aws:PrincipalTag/owner}"}}"#;
    let allow = statement(&format!(r#""Effect": "Allow", "Action": "*", "Resource": "*", {condition}"#));
    assert!(!allows(&allow, "a:b", "*", &ctx));
    let deny = policy(&format!(
        r#"{{"Version": "2012-10-17", "Statement": [
            {{"Effect": "Allow", "Action": "*", "Resource": "*"}},
            {{"Effect": "Deny", "Action": "*", "Resource": "*", {condition}}}]}}"#
    ));
    assert!(matches!(deny.evaluate("a:b", "*", &ctx), Verdict::ExplicitDeny(_)));
}

#[test]
fn the_value_of_a_variable_is_no_pattern() {
    let tags = [Tag::new("id", "*"), Tag::new("nested", "${id}")];
    let ctx = RequestContext { session_tags: &tags, ..context() };
    assert!(!allows(&resource("arn:x/${id}", "Allow"), "a:b", "arn:x/u1", &ctx));
    assert!(allows(&resource("arn:x/${id}", "Allow"), "a:b", "arn:x/*", &ctx));
    assert!(allows(&resource("arn:x/${nested}", "Allow"), "a:b", "arn:x/${id}", &ctx));
}

#[test]
fn escapes_stand_for_the_characters_themselves() {
    let policies = resource("arn:x/${*}${?}${$}{a}", "Allow");
    assert!(allows(&policies, "a:b", "arn:x/*?${a}", &context()));
    assert!(!allows(&policies, "a:b", "arn:x/yy${a}", &context()));
}

#[test]
fn the_first_version_of_the_language_has_no_variables() {
    let ctx = RequestContext { username: Some("ada"), ..context() };
    for version in [r#""Version": "2008-10-17","#, ""] {
        let policies = policy(&format!(
            r#"{{{version} "Statement": {{"Effect": "Allow", "Action": "*", "Resource": "arn:x/${{aws:username}}"}}}}"#
        ));
        assert!(!allows(&policies, "a:b", "arn:x/ada", &ctx));
        assert!(allows(&policies, "a:b", "arn:x/${aws:username}", &ctx));
    }
}

#[test]
fn a_key_of_several_values_is_no_variable() {
    let keys = ["a".to_owned()];
    let ctx =
        RequestContext { request_tag_keys: &keys, other: &[("i:amr", "x"), ("i:amr", "y")], ..context() };
    assert!(!allows(&resource("arn:x/${aws:TagKeys}", "Allow"), "a:b", "arn:x/a", &ctx));
    assert!(!allows(&resource("arn:x/${i:amr}", "Allow"), "a:b", "arn:x/x", &ctx));
}

#[test]
fn a_session_tag_cannot_pose_as_another_key() {
    let tags = [Tag::new("idp.example:sub", "victim"), Tag::new("aws:username", "root")];
    let ctx = RequestContext { session_tags: &tags, ..context() };
    assert!(!allows(&resource("arn:x/${idp.example:sub}", "Allow"), "a:b", "arn:x/victim", &ctx));
    assert!(!allows(&resource("arn:x/${aws:username}", "Allow"), "a:b", "arn:x/root", &ctx));
}

#[test]
fn malformed_variables_are_refused_where_they_stand() {
    for pattern in
        ["arn:x/${", "arn:x/${}", "arn:x/${ }", "arn:x/${a${b}}", "arn:x/${a, b}", "arn:x/${a, 'b}"]
    {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "*", "Resource": "{pattern}"}}}}"#
        );
        match super::PolicyDocument::parse(&text) {
            Err(PolicyError::Invalid { path, .. }) => assert_eq!(path, "Statement.Resource"),
            other => panic!("{pattern}: {other:?}"),
        }
    }
}

#[test]
fn trust_policies_have_variables_too() {
    let trust = TrustPolicy::parse(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*",
            "Condition": {"StringEquals": {"sts:RoleSessionName": "${aws:username}"}}}}"#,
    )
    .unwrap();
    let caller = super::super::TrustPrincipal::User { account: "1", arn: "arn:aws:iam::1:user/ada" };
    let ctx =
        RequestContext { username: Some("ada"), role_session_name: Some("ada"), ..RequestContext::at(NOW) };
    assert!(trust.allows("sts:AssumeRole", &caller, &ctx));
    let ctx = RequestContext { role_session_name: Some("eve"), ..ctx };
    assert!(!trust.allows("sts:AssumeRole", &caller, &ctx));
}
