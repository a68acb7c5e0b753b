//! Roles for those whom an identity provider vouches for (rule IAM-26).

use chime_domain::access::policy::{RequestContext, Tag};
use chime_domain::iam::{IamCode, IamError, Vended, WebIdentity};

use super::world::{ACCOUNT, World, allows, assume, refused, run};

fn identity() -> WebIdentity {
    WebIdentity {
        issuer: "idp.example/tenant".into(),
        subject: "ada".into(),
        audience: "app".into(),
        tags: vec![Tag::new("my_applications_user_id", "u1")],
        transitive: Vec::new(),
    }
}

fn trust(provider: &str, condition: &str) -> String {
    format!(
        r#"{{"Statement": [{{"Effect": "Allow", "Principal": {{"Federated": "{provider}"}}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {{"StringEquals": {{{condition}}}}}}}]}}"#
    )
}

fn vend(world: &World, identity: &WebIdentity) -> Result<Vended, IamError> {
    let ctx = RequestContext::at(world.chime.now());
    run(world.chime.iam().assume_role_with_web_identity(identity, &assume("r"), &ctx))
}

#[test]
fn the_trust_policy_names_the_provider_by_arn_or_by_host_and_tests_its_claims() {
    let arn = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/idp.example/tenant");
    let claims = r#""idp.example/tenant:aud": "app", "idp.example/tenant:sub": "ada""#;
    for (provider, condition, may) in [
        (arn.as_str(), claims, true),
        ("idp.example/tenant", claims, true),
        ("other.example", claims, false),
        (arn.as_str(), r#""idp.example/tenant:aud": "other""#, false),
        (arn.as_str(), r#""idp.example/tenant:sub": "bob""#, false),
    ] {
        let world = World::new();
        world.role("r", &trust(provider, condition), &allows("a:b", "arn:user/${my_applications_user_id}"));
        match vend(&world, &identity()) {
            Ok(vended) => {
                assert!(may, "{provider} {condition}");
                let session = world.session(&vended).unwrap();
                assert!(
                    world.may(&session, "a:b", "arn:user/u1") && !world.may(&session, "a:b", "arn:user/u2")
                );
            }
            Err(error) => {
                assert!(!may, "{provider} {condition}: {error}");
                assert_eq!(error.code(), Some(IamCode::AccessDenied));
            }
        }
    }
}

#[test]
fn a_role_that_does_not_exist_is_denied_like_one_that_does_not_trust() {
    refused(vend(&World::new(), &identity()), IamCode::AccessDenied);
}
