use super::super::evaluate::{Grant, Layer, Refused, StatementRef, Verdict, denied_message};
use super::super::explain::Outcome;
use super::super::{PolicySet, RequestContext, Tag};
use super::{CHANNEL, OTHER_USER, USER, allows, context, named, policy, statement};

const ALL: &str = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
const NO_BANS: &str = r#"{"Statement": [
    {"Effect": "Deny", "Action": "chime:*ChannelBan", "Resource": "*"},
    {"Effect": "Allow", "Action": "chime:*", "Resource": "*"}]}"#;

fn at(layer: Layer, policy: usize, statement: usize) -> StatementRef {
    StatementRef { layer, policy, statement }
}

#[test]
fn nothing_is_allowed_unless_something_allows_it() {
    let ctx = context();
    assert_eq!(PolicySet::default().evaluate("a:b", "*", &ctx), Verdict::ImplicitDeny(Layer::Identity));
    assert_eq!(
        policy(ALL).evaluate("a:b", "*", &ctx),
        Verdict::Allowed(Grant::Statement(at(Layer::Identity, 0, 0)))
    );
}

#[test]
fn an_explicit_deny_wins_wherever_it_stands() {
    let first = PolicySet::new(vec![named("deny", NO_BANS), named("all", ALL)]);
    let last = PolicySet::new(vec![named("all", ALL), named("deny", NO_BANS)]);
    let ctx = context();
    let deny = |policy| Verdict::ExplicitDeny(at(Layer::Identity, policy, 0));
    assert_eq!(first.evaluate("chime:CreateChannelBan", CHANNEL, &ctx), deny(0));
    assert_eq!(last.evaluate("chime:CreateChannelBan", CHANNEL, &ctx), deny(1));
    assert!(allows(&last, "chime:CreateChannel", CHANNEL, &ctx));
}

#[test]
fn a_session_policy_only_narrows() {
    let connect = r#"{"Statement": {"Effect": "Allow", "Action": "chime:Connect", "Resource": "*"}}"#;
    let ctx = context();
    let narrowed = policy(ALL).with_session(vec![named("session", connect)]);
    assert!(allows(&narrowed, "chime:Connect", USER, &ctx));
    assert_eq!(narrowed.evaluate("chime:CreateChannel", USER, &ctx), Verdict::ImplicitDeny(Layer::Session));
    let widened = policy(connect).with_session(vec![named("session", ALL)]);
    assert_eq!(widened.evaluate("chime:CreateChannel", USER, &ctx), Verdict::ImplicitDeny(Layer::Identity));
    let denied = policy(ALL).with_session(vec![named("session", NO_BANS)]);
    assert_eq!(
        denied.evaluate("chime:DeleteChannelBan", CHANNEL, &ctx),
        Verdict::ExplicitDeny(at(Layer::Session, 0, 0))
    );
}

#[test]
fn the_owner_may_do_everything_that_the_session_policy_leaves() {
    let ctx = context();
    assert_eq!(PolicySet::owner().evaluate("iam:CreateUser", "*", &ctx), Verdict::Allowed(Grant::Owner));
    let narrowed = PolicySet::owner().with_session(vec![named("session", NO_BANS)]);
    assert!(allows(&narrowed, "chime:CreateChannel", CHANNEL, &ctx));
    assert!(!allows(&narrowed, "chime:CreateChannelBan", CHANNEL, &ctx));
    assert!(!allows(&narrowed, "iam:CreateUser", "*", &ctx));
}

#[test]
fn not_action_and_not_resource_mean_all_others() {
    let ctx = context();
    let not_action =
        statement(r#""Effect": "Allow", "NotAction": ["chime:Delete*", "iam:*"], "Resource": "*""#);
    assert!(allows(&not_action, "chime:CreateChannel", CHANNEL, &ctx));
    assert!(!allows(&not_action, "chime:deletechannel", CHANNEL, &ctx));
    assert!(!allows(&not_action, "iam:CreateUser", "*", &ctx));
    let not_resource =
        statement(&format!(r#""Effect": "Allow", "Action": "*", "NotResource": ["{CHANNEL}", "arn:x*"]"#));
    assert!(allows(&not_resource, "a:b", USER, &ctx));
    assert!(!allows(&not_resource, "a:b", CHANNEL, &ctx));
    assert!(!allows(&not_resource, "a:b", "arn:xyz", &ctx));
}

#[test]
fn actions_compare_without_case_and_resources_with_it() {
    let policies =
        statement(&format!(r#""Effect": "Allow", "Action": "CHIME:connect", "Resource": "{USER}""#));
    assert!(allows(&policies, "chime:Connect", USER, &context()));
    assert!(!allows(&policies, "chime:Connect", &USER.replace("user", "User"), &context()));
}

#[test]
fn a_statement_limited_to_arns_does_not_grant_an_action_without_resources() {
    let limited = statement(r#""Effect": "Allow", "Action": "chime:*", "Resource": "arn:aws:chime:*:*:*""#);
    assert!(!allows(&limited, "chime:CreateAppInstance", "*", &context()));
    assert!(allows(&limited, "chime:DescribeChannel", CHANNEL, &context()));
}

#[test]
fn every_resource_of_a_request_must_be_allowed() {
    let ctx = context();
    let user_only = statement(&format!(r#""Effect": "Allow", "Action": "chime:*", "Resource": "{USER}""#));
    let missing = Refused { resource: 1, verdict: Verdict::ImplicitDeny(Layer::Identity) };
    assert_eq!(user_only.evaluate_all("chime:SendChannelMessage", &[USER, CHANNEL], &ctx), Err(missing));

    let split = policy(&format!(
        r#"{{"Statement": [
            {{"Effect": "Allow", "Action": "chime:*", "Resource": "{CHANNEL}"}},
            {{"Effect": "Allow", "Action": "chime:*", "Resource": "{USER}"}},
            {{"Effect": "Deny", "Action": "chime:*", "Resource": "{OTHER_USER}"}}]}}"#
    ));
    assert_eq!(
        split.evaluate_all("chime:SendChannelMessage", &[USER, CHANNEL], &ctx),
        Ok(Grant::Statement(at(Layer::Identity, 0, 1)))
    );
    let denied = Refused { resource: 1, verdict: Verdict::ExplicitDeny(at(Layer::Identity, 0, 2)) };
    assert_eq!(split.evaluate_all("chime:CreateChannel", &["arn:nobody", OTHER_USER], &ctx), Err(denied));
}

#[test]
fn a_request_without_resources_asks_for_the_star() {
    let limited = statement(r#""Effect": "Allow", "Action": "*", "Resource": "arn:x""#);
    assert!(limited.evaluate_all("a:b", &[], &context()).is_err());
    assert!(policy(ALL).evaluate_all("a:b", &[], &context()).is_ok());
}

#[test]
fn more_resources_than_one_pass_holds_are_all_looked_at() {
    let policies = policy(
        r#"{"Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "arn:ok*"},
            {"Effect": "Deny", "Action": "*", "Resource": "arn:ok:denied"}]}"#,
    );
    let ctx = context();
    let mut resources = vec!["arn:ok"; 70];
    assert!(policies.evaluate_all("a:b", &resources, &ctx).is_ok());
    resources[40] = "arn:bad";
    let missing = Refused { resource: 40, verdict: Verdict::ImplicitDeny(Layer::Identity) };
    assert_eq!(policies.evaluate_all("a:b", &resources, &ctx), Err(missing));
    resources[69] = "arn:ok:denied";
    let denied = Refused { resource: 69, verdict: Verdict::ExplicitDeny(at(Layer::Identity, 0, 1)) };
    assert_eq!(policies.evaluate_all("a:b", &resources, &ctx), Err(denied));
}

#[test]
fn refusals_read_as_the_service_words_them() {
    let caller = "arn:aws:iam::111122223333:user/ada";
    let text = |verdict| denied_message(caller, "chime:CreateChannel", "*", verdict);
    let head = "User: arn:aws:iam::111122223333:user/ada is not authorized to perform: \
                chime:CreateChannel on resource: *";
    assert_eq!(
        text(Verdict::ImplicitDeny(Layer::Identity)),
        format!("{head} because no identity-based policy allows the chime:CreateChannel action")
    );
    assert_eq!(
        text(Verdict::ImplicitDeny(Layer::Session)),
        format!("{head} because no session policy allows the chime:CreateChannel action")
    );
    assert_eq!(
        text(Verdict::ExplicitDeny(at(Layer::Identity, 0, 0))),
        format!("{head} with an explicit deny in an identity-based policy")
    );
    assert_eq!(
        text(Verdict::ExplicitDeny(at(Layer::Session, 0, 0))),
        format!("{head} with an explicit deny in a session policy")
    );
}

#[test]
fn an_explanation_says_what_kept_each_statement_from_applying() {
    let policies = PolicySet::new(vec![
        named(
            "inline:Chat",
            r#"{"Version": "2012-10-17", "Statement": [
                {"Sid": "Read", "Effect": "Allow", "Action": "chime:List*", "Resource": "*"},
                {"Effect": "Allow", "Action": "chime:*", "Resource": "arn:x/${my_id}"},
                {"Effect": "Allow", "Action": "chime:*", "Resource": "*",
                 "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
                {"Effect": "Allow", "Action": "chime:*", "Resource": "*",
                 "Condition": {"StringEquals": {"aws:username": "ada"}}}]}"#,
        ),
        named("arn:aws:iam::aws:policy/NoBans", NO_BANS),
    ]);
    let ctx = RequestContext { secure_transport: Some(false), ..context() };
    let explained = policies.explain("chime:CreateChannelBan", CHANNEL, &ctx);
    assert_eq!(explained.verdict, policies.evaluate("chime:CreateChannelBan", CHANNEL, &ctx));
    assert_eq!(explained.policies[0].statements[0].outcome, Outcome::OtherAction);
    assert_eq!(explained.policies[1].statements[1].outcome, Outcome::Applies);
    assert_eq!(
        explained.to_string(),
        format!(
            "chime:CreateChannelBan on {CHANNEL}
  identity-based policy inline:Chat
    Statement[0] Read (Allow): is about other actions
    Statement[1] (Allow): is about other resources, arn:x/${{my_id}}; ${{my_id}} has no value in this request
    Statement[2] (Allow): condition Bool on aws:SecureTransport fails for false
    Statement[3] (Allow): condition StringEquals fails, as the request has no aws:username
  identity-based policy arn:aws:iam::aws:policy/NoBans
    Statement[0] (Deny): applies
    Statement[1] (Allow): applies
  verdict: denied, by Statement[0] of the identity-based policy arn:aws:iam::aws:policy/NoBans"
        )
    );
    let owner = PolicySet::owner().explain("iam:CreateUser", "*", &ctx).to_string();
    assert!(owner.ends_with("verdict: allowed, by ownership of the account"), "{owner}");
}

#[test]
fn an_allowed_request_allocates_nothing() {
    let policies = PolicySet::new(vec![named("inline:User", super::examples::USER_ROLE_POLICY)])
        .with_session(vec![named(
            "session",
            r#"{"Version": "2012-10-17", "Statement": [
                {"Effect": "Deny", "Action": "iam:*", "Resource": "*"},
                {"Effect": "Allow", "Action": "*", "Resource": ["arn:aws:*/${aws:PrincipalTag/app_user}", "*/channel/*"],
                 "Condition": {"StringLike": {"aws:username": ["a?a", "x*"]}, "Bool": {"aws:SecureTransport": "true"},
                  "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "DateLessThan": {"aws:CurrentTime": "2030-01-01"},
                  "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}}]}"#,
        )]);
    let tags = [
        Tag::new("Chime_App_Instance_Arn", super::APP),
        Tag::new("my_applications_user_id", "u1"),
        Tag::new("app_user", "u1"),
    ];
    let mut verdict = None;
    let counted = allocation_counter::measure(|| {
        let ctx = RequestContext {
            username: Some("ada"),
            principal_arn: Some("arn:aws:iam::111122223333:role/Chat"),
            session_tags: &tags,
            source_ip: Some([10, 1, 2, 3].into()),
            secure_transport: Some(true),
            ..context()
        };
        verdict = Some(policies.evaluate_all(
            "chime:ListChannelMembershipsForAppInstanceUser",
            &[USER, CHANNEL],
            &ctx,
        ));
    });
    assert_eq!(verdict, Some(Ok(Grant::Statement(at(Layer::Identity, 0, 1)))));
    assert_eq!(counted.count_total, 0);
}
