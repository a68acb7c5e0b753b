//! Who may assume a role, and for how long (rules IAM-22 to IAM-24).

use chime_domain::access::policy::Tag;
use chime_domain::iam::{AssumeRole, Caller, IamCode, SessionOptions};

use super::world::{
    ACCOUNT, ALL, World, allows, assume, create_role, refused, role_arn, run, tagged, trusts, trusts_to,
};

#[test]
fn both_sides_must_allow_assuming_a_role() {
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/ada");
    let mine = allows("sts:AssumeRole", &role_arn("r"));
    let other = allows("sts:AssumeRole", &role_arn("other"));
    let trusting = trusts(&arn);
    let distrusting = trusts(&format!("arn:aws:iam::{ACCOUNT}:user/bob"));
    for (policy, trust, may) in [
        (&mine, &trusting, true),
        (&mine, &trusts(ACCOUNT), true),
        (&other, &trusting, false),
        (&mine, &distrusting, false),
        (&mine, &trusts("999999999999"), false),
        (&mine, &trusts_to(&arn, r#""sts:TagSession""#), false),
    ] {
        let world = World::new();
        world.user("ada", policy);
        world.role("r", trust, ALL);
        let (_, credentials) = world.signs_as("ada");
        let outcome = world.assume(&credentials.caller, &assume("r"));
        if may { drop(outcome.unwrap()) } else { refused(outcome, IamCode::AccessDenied) }
    }
}

#[test]
fn the_owner_assumes_a_role_that_trusts_the_account_and_no_other() {
    let world = World::new();
    let owner = Caller::root(ACCOUNT);
    world.role("open", &trusts(&format!("arn:aws:iam::{ACCOUNT}:root")), ALL);
    world.role("closed", &trusts(&format!("arn:aws:iam::{ACCOUNT}:user/ada")), ALL);
    let vended = world.assume(&owner, &assume("open")).unwrap();
    assert!(vended.access_key_id.starts_with("ASIA") && vended.access_key_id.len() == 20);
    assert_eq!(vended.secret.0.len(), 40);
    refused(world.assume(&owner, &assume("closed")), IamCode::AccessDenied);
    refused(world.assume(&owner, &assume("missing")), IamCode::AccessDenied);
    refused(world.assume(&owner, &assume("open").into_other_account()), IamCode::AccessDenied);
}

trait Elsewhere {
    fn into_other_account(self) -> Self;
}

impl Elsewhere for AssumeRole {
    fn into_other_account(mut self) -> Self {
        self.role_arn = self.role_arn.replace(ACCOUNT, "999999999999");
        self
    }
}

/// The documentation's own example: two roles, policies that name `sts:AssumeRole` alone, and a tag.
#[test]
fn the_documented_vending_of_credentials_with_a_tag_works() {
    let world = World::new();
    let server = role_arn("ChimeSampleAppServerRole");
    let users = role_arn("ChimeMessagingSampleAppUserRole");
    world.role("ChimeSampleAppServerRole", &trusts(ACCOUNT), &allows("sts:AssumeRole", &users));
    let resource = "arn:aws:chime:us-east-1:123456789012:app-instance/a/user/${my_applications_user_guid}";
    world.role(
        "ChimeMessagingSampleAppUserRole",
        &trusts_to(&server, r#""sts:AssumeRole""#),
        &allows("chime:SendChannelMessage", resource),
    );
    let application = world.assume(&Caller::root(ACCOUNT), &assume("ChimeSampleAppServerRole")).unwrap();
    let application = world.session(&application).unwrap();
    let command = tagged("ChimeMessagingSampleAppUserRole", &[("my_applications_user_guid", "123456789")]);
    let session = world.session(&world.assume(&application, &command).unwrap()).unwrap();
    let user = |id: &str| resource.replace("${my_applications_user_guid}", id);
    assert!(world.may(&session, "chime:SendChannelMessage", &user("123456789")));
    assert!(!world.may(&session, "chime:SendChannelMessage", &user("987654321")));
}

#[test]
fn passing_tags_can_be_denied_by_either_side_and_made_to_need_permission() {
    let deny = |side: &str| {
        side.replacen(
            "\"Statement\": [",
            r#""Statement": [{"Effect": "Deny", "Action": "sts:TagSession", RESOURCE},"#,
            1,
        )
    };
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/ada");
    let policy = allows("sts:AssumeRole", "*");
    let trust = trusts_to(&arn, r#""sts:AssumeRole""#);
    let denying_policy = deny(&policy).replace("RESOURCE", r#""Resource": "*""#);
    let denying_trust = deny(&trust).replace("RESOURCE", r#""Principal": "*""#);
    let tagging_policy = ALL.to_owned();
    let tagging_trust = trusts(&arn);
    for (required, policy, trust, may) in [
        (false, &policy, &trust, true),
        (false, &denying_policy, &trust, false),
        (false, &policy, &denying_trust, false),
        (true, &policy, &trust, false),
        (true, &tagging_policy, &trust, false),
        (true, &policy, &tagging_trust, false),
        (true, &tagging_policy, &tagging_trust, true),
    ] {
        let world = World::with(|settings| settings.tag_session_required = required);
        world.user("ada", policy);
        world.role("r", trust, ALL);
        let (_, credentials) = world.signs_as("ada");
        assert!(world.assume(&credentials.caller, &assume("r")).is_ok(), "without tags it is allowed");
        let outcome = world.assume(&credentials.caller, &tagged("r", &[("a", "b")]));
        if may { drop(outcome.unwrap()) } else { refused(outcome, IamCode::AccessDenied) }
    }
}

#[test]
fn conditions_of_the_trust_policy_see_external_id_name_and_tags() {
    let with = |condition: &str| {
        format!(
            r#"{{"Statement": [{{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Condition": {{"StringEquals": {{{condition}}}}}}}]}}"#
        )
    };
    for (condition, command) in [
        (r#""sts:ExternalId": "e""#, AssumeRole { external_id: Some("e".into()), ..assume("r") }),
        (r#""sts:RoleSessionName": "ada""#, AssumeRole { session_name: "ada".into(), ..assume("r") }),
        (r#""aws:RequestTag/team": "blue""#, tagged("r", &[("team", "blue")])),
    ] {
        let world = World::new();
        world.role("r", &with(condition), ALL);
        let owner = Caller::root(ACCOUNT);
        refused(world.assume(&owner, &assume("r")), IamCode::AccessDenied);
        world.assume(&owner, &command).unwrap();
    }
}

#[test]
fn durations_are_bounded_by_the_role_and_by_chaining() {
    let world = World::new();
    let mut long = create_role("long", &trusts(ACCOUNT));
    long.max_session = Some(43_200);
    run(world.chime.iam().create_role(long)).unwrap();
    world.role("r", &trusts(ACCOUNT), &allows("sts:AssumeRole", "*"));
    let owner = Caller::root(ACCOUNT);
    let chained = world.session(&world.assume(&owner, &assume("r")).unwrap()).unwrap();
    let lasting = |role: &str, seconds| AssumeRole {
        options: SessionOptions { duration: Some(seconds), ..SessionOptions::default() },
        ..assume(role)
    };
    for (caller, role, seconds, fits) in [
        (&owner, "r", 899, false),
        (&owner, "r", 900, true),
        (&owner, "r", 3_600, true),
        (&owner, "r", 3_601, false),
        (&owner, "long", 43_200, true),
        (&owner, "long", 43_201, false),
        (&*chained, "long", 3_600, true),
        (&*chained, "long", 3_601, false),
    ] {
        let outcome = world.assume(caller, &lasting(role, seconds));
        match outcome {
            Ok(vended) => {
                assert!(fits, "{role} {seconds}");
                let lasts = vended.expires.millis() - world.chime.now().millis();
                assert_eq!(lasts, i64::from(seconds) * 1_000);
            }
            Err(error) => {
                assert!(!fits, "{role} {seconds}: {error}");
                assert_eq!(error.code(), Some(IamCode::Validation));
            }
        }
    }
    let usual = world.assume(&owner, &assume("long")).unwrap();
    assert_eq!(usual.expires.millis() - world.chime.now().millis(), 3_600_000);
}

#[test]
fn transitive_tags_go_on_and_cannot_be_given_again() {
    let world = World::new();
    world.role("one", &trusts(ACCOUNT), &allows("sts:*", "*"));
    world.role("two", &trusts(ACCOUNT), &allows("a:b", "arn:x:${team}:${floor}"));
    let mut command = tagged("one", &[("team", "blue"), ("floor", "3")]);
    command.options.transitive = vec!["TEAM".into()];
    let first = world.session(&world.assume(&Caller::root(ACCOUNT), &command).unwrap()).unwrap();
    refused(world.assume(&first, &tagged("two", &[("Team", "red")])), IamCode::Validation);
    let second = world.assume(&first, &tagged("two", &[("floor", "4")])).unwrap();
    let second = world.session(&second).unwrap();
    assert!(world.may(&second, "a:b", "arn:x:blue:4"));
    assert_eq!(second.session_tags, [Tag::new("floor", "4"), Tag::new("team", "blue")]);
    command.options.transitive = vec!["unknown".into()];
    refused(world.assume(&Caller::root(ACCOUNT), &command), IamCode::Validation);
}

#[test]
fn what_is_out_of_bounds_is_refused_before_anything_else() {
    let world = World::new();
    world.role("r", &trusts(ACCOUNT), ALL);
    let owner = Caller::root(ACCOUNT);
    for name in ["", "x", "a b", "a/b", &"x".repeat(65)] {
        let command = AssumeRole { session_name: name.into(), ..assume("r") };
        refused(world.assume(&owner, &command), IamCode::Validation);
    }
    let tags: Vec<_> = (0..51).map(|n| format!("k{n}")).collect();
    let tags: Vec<_> = tags.iter().map(|key| (key.as_str(), "v")).collect();
    refused(world.assume(&owner, &tagged("r", &tags)), IamCode::Validation);
    world.assume(&owner, &tagged("r", &tags[..50])).unwrap();
    refused(world.assume(&owner, &tagged("r", &[("a", "1"), ("A", "2")])), IamCode::InvalidInput);
    let long = "v".repeat(256);
    let tags: Vec<_> = tags.iter().take(50).map(|(key, _)| (*key, long.as_str())).collect();
    refused(world.assume(&owner, &tagged("r", &tags)), IamCode::PackedPolicyTooLarge);
    let with_policy = |policy: String| AssumeRole {
        options: SessionOptions { policy: Some(policy), ..SessionOptions::default() },
        ..assume("r")
    };
    refused(world.assume(&owner, &with_policy("{}".into())), IamCode::MalformedPolicyDocument);
    let padded = |size: usize| format!("{ALL}{}", " ".repeat(size - ALL.len()));
    world.assume(&owner, &with_policy(padded(2_048))).unwrap();
    refused(world.assume(&owner, &with_policy(padded(2_049))), IamCode::Validation);
}
