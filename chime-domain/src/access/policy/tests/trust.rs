use super::super::managed::STREAMING_ROLE_TRUST;
use super::super::{PolicyError, PrincipalMatch, RequestContext, TrustPolicy, TrustPrincipal, TrustVerdict};
use super::context;

const ASSUME: &str = "sts:AssumeRole";
const SERVER: TrustPrincipal<'_> = TrustPrincipal::Role {
    account: "111122223333",
    arn: "arn:aws:iam::111122223333:role/ChimeSampleAppServerRole",
    session_arn: "arn:aws:sts::111122223333:assumed-role/ChimeSampleAppServerRole/i-1",
};
const ADA: TrustPrincipal<'_> =
    TrustPrincipal::User { account: "111122223333", arn: "arn:aws:iam::111122223333:user/ada" };
const ROOT: TrustPrincipal<'_> = TrustPrincipal::Root { account: "111122223333" };
const STRANGER: TrustPrincipal<'_> =
    TrustPrincipal::User { account: "444455556666", arn: "arn:aws:iam::444455556666:user/ada" };
const IDP: TrustPrincipal<'_> = TrustPrincipal::Federated { provider: "idp.example" };

fn trust(members: &str) -> TrustPolicy {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{{{members}}}]}}"#);
    TrustPolicy::parse(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn principal(principal: &str) -> TrustPolicy {
    trust(&format!(r#""Effect": "Allow", "Principal": {principal}, "Action": "sts:AssumeRole""#))
}

fn by(policy: &TrustPolicy, caller: &TrustPrincipal<'_>) -> Option<PrincipalMatch> {
    match policy.evaluate(ASSUME, caller, &context()) {
        TrustVerdict::Allowed { by, .. } => Some(by),
        _ => None,
    }
}

#[test]
fn the_guides_trust_relationship_trusts_the_server_role_and_nobody_else() {
    let policy = principal(r#"{"AWS": "arn:aws:iam::111122223333:role/ChimeSampleAppServerRole"}"#);
    assert_eq!(by(&policy, &SERVER), Some(PrincipalMatch::Named));
    for caller in [ADA, ROOT, STRANGER, IDP] {
        assert_eq!(by(&policy, &caller), None, "{caller:?}");
    }
    assert!(!policy.allows("sts:TagSession", &SERVER, &context()));
}

#[test]
fn a_session_can_be_named_alone() {
    let policy =
        principal(r#"{"AWS": "arn:aws:sts::111122223333:assumed-role/ChimeSampleAppServerRole/i-1"}"#);
    assert_eq!(by(&policy, &SERVER), Some(PrincipalMatch::Named));
}

#[test]
fn an_account_stands_for_all_its_identities() {
    for name in [r#"{"AWS": "111122223333"}"#, r#"{"AWS": ["arn:aws:iam::111122223333:root"]}"#] {
        let policy = principal(name);
        for caller in [SERVER, ADA, ROOT] {
            assert_eq!(by(&policy, &caller), Some(PrincipalMatch::Account), "{caller:?}");
        }
        for caller in [STRANGER, IDP] {
            assert_eq!(by(&policy, &caller), None, "{caller:?}");
        }
    }
}

#[test]
fn the_star_trusts_everybody_and_the_closest_naming_is_told() {
    for name in [r#""*""#, r#"{"AWS": "*"}"#] {
        assert_eq!(by(&principal(name), &STRANGER), Some(PrincipalMatch::Anyone));
    }
    let policy = principal(r#"{"AWS": ["*", "111122223333", "arn:aws:iam::111122223333:user/ada"]}"#);
    assert_eq!(by(&policy, &ADA), Some(PrincipalMatch::Named));
    assert_eq!(by(&policy, &ROOT), Some(PrincipalMatch::Account));
}

#[test]
fn a_named_arn_is_no_pattern() {
    let policy = principal(r#"{"AWS": "arn:aws:iam::111122223333:user/*"}"#);
    assert_eq!(by(&policy, &ADA), None);
}

#[test]
fn a_web_identity_is_trusted_by_its_provider_and_claims() {
    let policy = trust(
        r#""Effect": "Allow", "Principal": {"Federated": "idp.example"},
           "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
           "Condition": {"StringEquals": {"idp.example:aud": "chat"}}"#,
    );
    let action = "sts:AssumeRoleWithWebIdentity";
    let ctx = RequestContext { other: &[("idp.example:aud", "chat")], ..context() };
    assert!(policy.allows(action, &IDP, &ctx));
    assert!(policy.allows("sts:TagSession", &IDP, &ctx));
    assert!(!policy.allows(ASSUME, &IDP, &ctx));
    assert!(!policy.allows(action, &IDP, &context()));
    assert!(!policy.allows(action, &TrustPrincipal::Federated { provider: "other.example" }, &ctx));
    assert!(!policy.allows(action, &SERVER, &ctx));
}

#[test]
fn the_streaming_role_trusts_the_service() {
    let policy = TrustPolicy::parse(STREAMING_ROLE_TRUST).unwrap();
    assert!(policy.allows(ASSUME, &TrustPrincipal::Service { name: "chime.amazonaws.com" }, &context()));
    assert!(!policy.allows(ASSUME, &TrustPrincipal::Service { name: "ec2.amazonaws.com" }, &context()));
    assert!(!policy.allows(ASSUME, &ROOT, &context()));
}

#[test]
fn a_deny_wins_and_not_principal_spares_the_named() {
    let policy = TrustPolicy::parse(
        r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "sts:*"},
            {"Effect": "Deny", "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:user/ada"}, "Action": "sts:AssumeRole"}]}"#,
    )
    .unwrap();
    assert!(policy.allows(ASSUME, &ADA, &context()));
    assert_eq!(policy.evaluate(ASSUME, &SERVER, &context()), TrustVerdict::ExplicitDeny { statement: 1 });
    assert!(policy.allows("sts:TagSession", &SERVER, &context()));
}

#[test]
fn an_external_id_must_be_given() {
    let policy = trust(
        r#""Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole",
           "Condition": {"StringEquals": {"sts:ExternalId": "secret"}}"#,
    );
    assert!(!policy.allows(ASSUME, &STRANGER, &context()));
    let ctx = RequestContext { external_id: Some("secret"), ..context() };
    assert!(policy.allows(ASSUME, &STRANGER, &ctx));
}

#[test]
fn breaks_of_the_grammar_are_named_with_their_place() {
    for (members, path) in [
        (r#""Effect": "Allow", "Action": "sts:AssumeRole""#, "Statement[0].Principal"),
        (
            r#""Effect": "Allow", "Action": "sts:*", "Principal": "*", "Resource": "*""#,
            "Statement[0].Resource",
        ),
        (r#""Effect": "Allow", "Action": "sts:*", "Principal": "ada""#, "Statement[0].Principal"),
        (r#""Effect": "Allow", "Action": "sts:*", "Principal": {}"#, "Statement[0].Principal"),
        (
            r#""Effect": "Allow", "Action": "sts:*", "Principal": {"AWS": "ada"}"#,
            "Statement[0].Principal.AWS",
        ),
        (
            r#""Effect": "Allow", "Action": "sts:*", "Principal": {"AWS": "arn:aws"}"#,
            "Statement[0].Principal.AWS",
        ),
        (
            r#""Effect": "Allow", "Action": "sts:*", "Principal": {"User": "x"}"#,
            "Statement[0].Principal.User",
        ),
        (r#""Effect": "Allow", "Action": "sts:*", "NotPrincipal": "*""#, "Statement[0].NotPrincipal"),
    ] {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{{{members}}}]}}"#);
        match TrustPolicy::parse(&text) {
            Err(PolicyError::Invalid { path: found, .. }) => assert_eq!(found, path, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}
