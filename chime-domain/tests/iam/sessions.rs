//! What an access key stands for, at once after every change (rules IAM-02, IAM-25; wire fact A-09).

use chime_domain::iam::{Caller, CallerKind, IamCode, Role, SessionOptions, User};

use super::world::{ACCOUNT, ALL, World, allows, assume, refused, role_arn, run, tagged, trusts};

#[test]
fn a_key_stands_for_its_user() {
    let world = World::new();
    let user = world.user("ada", &allows("chime:*", "*"));
    let (_, credentials) = world.signs_as("ada");
    let caller = &credentials.caller;
    assert_eq!((caller.arn.as_str(), caller.kind), (user.arn.as_str(), CallerKind::User));
    assert_eq!((caller.user_id.as_str(), caller.user_name.as_deref()), (user.id.as_str(), Some("ada")));
    assert!(user.id.starts_with("AIDA") && user.id.len() == 21);
    assert!(world.may(caller, "chime:CreateChannel", "*"));
    assert!(!world.may(caller, "iam:CreateUser", "*"));
}

#[test]
fn a_deleted_access_key_stops_at_once() {
    let world = World::new();
    world.user("ada", ALL);
    let (key, _) = world.signs_as("ada");
    run(world.chime.iam().delete_access_key("ada", &key)).unwrap();
    assert!(world.whose(&key, None).is_none());
}

#[test]
fn an_inactive_key_is_nobodys_until_it_is_active_again() {
    let world = World::new();
    world.user("ada", ALL);
    let (key, _) = world.signs_as("ada");
    run(world.chime.iam().update_access_key("ada", &key, false)).unwrap();
    assert!(world.whose(&key, None).is_none());
    run(world.chime.iam().update_access_key("ada", &key, true)).unwrap();
    assert!(world.whose(&key, None).is_some());
}

#[test]
fn every_change_of_policies_acts_on_the_next_request() {
    let world = World::new();
    let iam = world.chime.iam();
    world.user("ada", &allows("a:One", "*"));
    let (key, _) = world.signs_as("ada");
    let may = |action: &str| world.may(&world.whose(&key, None).unwrap().caller, action, "*");
    assert!(may("a:One") && !may("a:Two"));
    run(iam.put_inline_policy::<User>("ada", "p", &allows("a:Two", "*"))).unwrap();
    assert!(!may("a:One") && may("a:Two"));
    run(iam.delete_inline_policy::<User>("ada", "p")).unwrap();
    assert!(!may("a:Two"));
    let command = chime_domain::iam::CreatePolicy {
        name: "m".into(),
        path: Some("/team/".into()),
        description: None,
        document: allows("a:Three", "*"),
        tags: Vec::new(),
    };
    let arn = run(iam.create_policy(command)).unwrap().arn;
    run(iam.attach_policy::<User>("ada", &arn)).unwrap();
    assert!(may("a:Three"));
    run(iam.create_policy_version(&arn, &allows("a:Four", "*"), false)).unwrap();
    assert!(may("a:Three") && !may("a:Four"), "a version that is not the default has no effect");
    run(iam.set_default_policy_version(&arn, "v2")).unwrap();
    assert!(!may("a:Three") && may("a:Four"));
    run(iam.detach_policy::<User>("ada", &arn)).unwrap();
    assert!(!may("a:Four"));
}

#[test]
fn unchanged_records_give_the_very_same_credentials() {
    let world = World::new();
    world.user("ada", ALL);
    let (key, first) = world.signs_as("ada");
    assert!(std::sync::Arc::ptr_eq(&first, &world.whose(&key, None).unwrap()));
    run(world.chime.iam().untag::<User>("ada", &[])).unwrap();
    assert!(!std::sync::Arc::ptr_eq(&first, &world.whose(&key, None).unwrap()));
}

#[test]
fn tokens_and_keys_of_others_are_nobodys() {
    let world = World::new();
    let elsewhere = World::new();
    let owner = Caller::root(ACCOUNT);
    for world in [&world, &elsewhere] {
        world.role("r", &trusts(ACCOUNT), ALL);
    }
    world.user("ada", ALL);
    let (key, _) = world.signs_as("ada");
    let one = world.assume(&owner, &assume("r")).unwrap();
    let two = world.assume(&owner, &assume("r")).unwrap();
    let foreign = elsewhere.assume(&owner, &assume("r")).unwrap();
    assert!(world.session(&one).is_some());
    let (id, token) = (one.access_key_id.as_str(), one.token.0.as_str());
    for (id, token) in [
        (key.as_str(), Some(token)),
        (id, None),
        (id, Some(two.token.0.as_str())),
        (id, Some("")),
        (id, Some("AAAA")),
        (foreign.access_key_id.as_str(), Some(foreign.token.0.as_str())),
        ("AKIAAAAAAAAAAAAAAAAA", None),
        ("a/b", None),
        ("", None),
    ] {
        assert!(world.whose(id, token).is_none(), "{id} {token:?}");
    }
    for at in 0..token.len() {
        let mut changed = token.as_bytes().to_vec();
        changed[at] = if changed[at] == b'B' { b'C' } else { b'B' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(world.whose(id, Some(&changed)).is_none(), "changed at {at}");
    }
}

#[test]
fn a_session_survives_a_restart_and_holds_on_every_node() {
    let world = World::new();
    world.role("r", &trusts(ACCOUNT), ALL);
    let vended = world.assume(&Caller::root(ACCOUNT), &assume("r")).unwrap();
    let node = world.restarted();
    let found = run(node.iam().identity_of(&vended.access_key_id, Some(&vended.token.0))).unwrap().unwrap();
    assert_eq!(found.secret, vended.secret);
    assert_eq!(found.caller.arn, format!("arn:aws:sts::{ACCOUNT}:assumed-role/r/demo"));
}

#[test]
fn an_expired_session_is_refused_by_the_clock() {
    let world = World::new();
    world.role("r", &trusts(ACCOUNT), ALL);
    let options = SessionOptions { duration: Some(900), ..SessionOptions::default() };
    let command = chime_domain::iam::AssumeRole { options, ..assume("r") };
    let vended = world.assume(&Caller::root(ACCOUNT), &command).unwrap();
    let expired = || {
        let found = world.whose(&vended.access_key_id, Some(&vended.token.0)).unwrap();
        found.expired(world.chime.now())
    };
    world.advance(899);
    assert!(!expired());
    world.advance(1);
    assert!(expired());
}

#[test]
fn a_session_ends_with_its_role_even_when_the_role_is_made_again() {
    let world = World::new();
    let iam = world.chime.iam();
    world.role("r", &trusts(ACCOUNT), ALL);
    let vended = world.assume(&Caller::root(ACCOUNT), &assume("r")).unwrap();
    assert!(world.session(&vended).is_some());
    run(iam.delete_inline_policy::<Role>("r", "p")).unwrap();
    run(iam.delete_role("r")).unwrap();
    assert!(world.session(&vended).is_none());
    world.role("r", &trusts(ACCOUNT), ALL);
    assert!(world.session(&vended).is_none());
}

#[test]
fn a_change_of_the_roles_policy_acts_on_sessions_at_once() {
    let world = World::new();
    world.role("r", &trusts(ACCOUNT), &allows("a:One", "*"));
    let vended = world.assume(&Caller::root(ACCOUNT), &assume("r")).unwrap();
    assert!(world.may(&world.session(&vended).unwrap(), "a:One", "*"));
    run(world.chime.iam().put_inline_policy::<Role>("r", "p", &allows("a:Two", "*"))).unwrap();
    let session = world.session(&vended).unwrap();
    assert!(!world.may(&session, "a:One", "*") && world.may(&session, "a:Two", "*"));
}

#[test]
fn a_session_restricted_by_its_policy_cannot_do_more() {
    let world = World::new();
    world.role("r", &trusts(ACCOUNT), &allows("a:*", "*"));
    let policy =
        Some(r#"{"Statement": [{"Effect": "Allow", "Action": ["a:One", "b:One"], "Resource": "*"}]}"#.into());
    let options = SessionOptions { policy, ..SessionOptions::default() };
    let command = chime_domain::iam::AssumeRole { options, ..assume("r") };
    let vended = world.assume(&Caller::root(ACCOUNT), &command).unwrap();
    assert!(vended.packed_percent.is_some());
    let session = world.session(&vended).unwrap();
    assert!(world.may(&session, "a:One", "*"));
    assert!(!world.may(&session, "a:Two", "*"), "the session policy does not allow it");
    assert!(!world.may(&session, "b:One", "*"), "the role does not allow it");
}

#[test]
fn a_session_policy_that_is_deleted_grants_nothing_afterwards() {
    let world = World::new();
    let iam = world.chime.iam();
    world.role("r", &trusts(ACCOUNT), ALL);
    let command = chime_domain::iam::CreatePolicy {
        name: "m".into(),
        path: None,
        description: None,
        document: allows("a:One", "*"),
        tags: Vec::new(),
    };
    let arn = run(iam.create_policy(command)).unwrap().arn;
    let options = SessionOptions { policy_arns: vec![arn.clone()], ..SessionOptions::default() };
    let command = chime_domain::iam::AssumeRole { options, ..assume("r") };
    let vended = world.assume(&Caller::root(ACCOUNT), &command).unwrap();
    let session = world.session(&vended).unwrap();
    assert!(world.may(&session, "a:One", "*") && !world.may(&session, "a:Two", "*"));
    run(iam.delete_policy(&arn)).unwrap();
    let session = world.session(&vended).unwrap();
    assert!(!world.may(&session, "a:One", "*") && !world.may(&session, "a:Two", "*"));
}

#[test]
fn the_session_tag_fills_both_spellings_of_the_variable() {
    let app = "arn:aws:chime:us-east-1:123456789012:app-instance/a1";
    for variable in ["${my_applications_user_id}", "${aws:PrincipalTag/my_applications_user_id}"] {
        let world = World::new();
        let resource = format!("{app}/user/{variable}");
        world.role("r", &trusts(ACCOUNT), &allows("chime:Connect", &resource));
        let command = tagged("r", &[("my_applications_user_id", "u1")]);
        let session = world.session(&world.assume(&Caller::root(ACCOUNT), &command).unwrap()).unwrap();
        assert!(world.may(&session, "chime:Connect", &format!("{app}/user/u1")), "{variable}");
        assert!(!world.may(&session, "chime:Connect", &format!("{app}/user/u2")), "{variable}");
        let untagged = world.assume(&Caller::root(ACCOUNT), &assume("r")).unwrap();
        let session = world.session(&untagged).unwrap();
        assert!(!world.may(&session, "chime:Connect", &format!("{app}/user/u1")), "{variable} has no value");
    }
}

#[test]
fn session_tokens_of_users_and_of_the_owner_are_worth_what_they_are() {
    let world = World::new();
    let iam = world.chime.iam();
    let user = world.user("ada", &allows("a:One", "*"));
    let (_, credentials) = world.signs_as("ada");
    let vended = iam.session_token(&credentials.caller, None).unwrap();
    let session = world.session(&vended).unwrap();
    assert_eq!((session.arn.as_str(), session.temporary), (user.arn.as_str(), true));
    assert!(world.may(&session, "a:One", "*") && !world.may(&session, "a:Two", "*"));
    refused(iam.session_token(&session, None), IamCode::AccessDenied);
    run(iam.put_inline_policy::<User>("ada", "p", &allows("a:Two", "*"))).unwrap();
    assert!(!world.may(&world.session(&vended).unwrap(), "a:One", "*"));

    let owner = iam.session_token(&Caller::root(ACCOUNT), Some(129_600)).unwrap();
    assert_eq!(owner.expires.millis() - world.chime.now().millis(), 3_600_000);
    assert!(world.session(&owner).unwrap().policies.is_owner());

    let options = SessionOptions { policy: Some(allows("a:Two", "*")), ..SessionOptions::default() };
    let federated = iam.federation_token(&credentials.caller, "bob", options).unwrap();
    assert_eq!(federated.arn, format!("arn:aws:sts::{ACCOUNT}:federated-user/bob"));
    assert!(world.may(&world.session(&federated).unwrap(), "a:Two", "*"));
    let nothing = iam.federation_token(&credentials.caller, "bob", SessionOptions::default()).unwrap();
    assert!(!world.may(&world.session(&nothing).unwrap(), "a:Two", "*"));
}

#[test]
fn secrets_do_not_reach_debug_output() {
    let world = World::new();
    world.user("ada", ALL);
    let key = run(world.chime.iam().create_access_key("ada")).unwrap();
    let vended = world.assume(&Caller::root(ACCOUNT), &assume("none"));
    assert!(vended.is_err());
    world.role("r", &trusts(&role_arn("r").replace("role/r", "root")), ALL);
    let vended = world.assume(&Caller::root(ACCOUNT), &assume("r")).unwrap();
    let shown = format!("{key:?} {vended:?} {:?}", world.whose(&key.id, None).unwrap());
    for secret in [&key.secret.0, &vended.secret.0, &vended.token.0] {
        assert!(!shown.contains(secret.as_str()));
    }
}
