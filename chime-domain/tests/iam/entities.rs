use chime_domain::access::policy::Tag;
use chime_domain::iam::{
    CreatePolicy, CreateUser, IamCode, ListRequest, PolicyScope, Role, UpdateRole, User,
};
use proptest::prelude::*;

use super::world::{ACCOUNT, ALL, World, allows, create_role, refused, run, trusts};

const CHIME_SDK: &str = "arn:aws:iam::aws:policy/AmazonChimeSDK";

fn new_user(name: &str) -> CreateUser {
    CreateUser { name: name.into(), path: None, tags: Vec::new() }
}

fn new_policy(name: &str, document: &str) -> CreatePolicy {
    CreatePolicy {
        name: name.into(),
        path: None,
        description: None,
        document: document.into(),
        tags: Vec::new(),
    }
}

#[test]
fn names_are_taken_whatever_their_case() {
    let world = World::new();
    let iam = world.chime.iam();
    run(iam.create_user(new_user("Ada"))).unwrap();
    refused(run(iam.create_user(new_user("aDA"))), IamCode::EntityAlreadyExists);
    run(iam.create_role(create_role("Ada", &trusts(ACCOUNT)))).unwrap();
    refused(run(iam.create_role(create_role("ada", &trusts(ACCOUNT)))), IamCode::EntityAlreadyExists);
    run(iam.create_policy(new_policy("P", ALL))).unwrap();
    refused(run(iam.create_policy(new_policy("p", ALL))), IamCode::EntityAlreadyExists);
}

#[test]
fn names_fit_their_pattern_up_to_their_limit() {
    let world = World::new();
    let iam = world.chime.iam();
    for name in ["", "a b", "a/b", "ü", &"x".repeat(65)] {
        refused(run(iam.create_user(new_user(name))), IamCode::Validation);
        refused(run(iam.create_role(create_role(name, &trusts(ACCOUNT)))), IamCode::Validation);
    }
    for name in ["a_b+c=d,e.f@g-h", &"x".repeat(64)] {
        run(iam.create_user(new_user(name))).unwrap();
        run(iam.create_role(create_role(name, &trusts(ACCOUNT)))).unwrap();
    }
    run(iam.create_policy(new_policy(&"x".repeat(128), ALL))).unwrap();
    refused(run(iam.create_policy(new_policy(&"x".repeat(129), ALL))), IamCode::Validation);
}

#[test]
fn a_third_access_key_an_eleventh_policy_and_a_sixth_version_are_refused() {
    let world = World::new();
    let iam = world.chime.iam();
    world.user("ada", ALL);
    for _ in 0..2 {
        run(iam.create_access_key("ada")).unwrap();
    }
    refused(run(iam.create_access_key("ada")), IamCode::LimitExceeded);
    let mut last = String::new();
    for n in 0..11 {
        last = run(iam.create_policy(new_policy(&format!("p{n}"), ALL))).unwrap().arn;
        let attached = run(iam.attach_policy::<User>("ada", &last));
        if n < 10 { attached.unwrap() } else { refused(attached, IamCode::LimitExceeded) }
    }
    for _ in 0..4 {
        run(iam.create_policy_version(&last, ALL, false)).unwrap();
    }
    refused(run(iam.create_policy_version(&last, ALL, false)), IamCode::LimitExceeded);
}

#[test]
fn inline_policies_of_one_user_share_one_limit_that_ignores_white_space() {
    let world = World::new();
    let iam = world.chime.iam();
    run(iam.create_user(new_user("ada"))).unwrap();
    let of_size = |size: usize| {
        let frame = allows("a:b", "").len() - allows("a:b", "").matches(' ').count();
        format!("{}\n   ", allows("a:b", &format!("arn:{}", "x".repeat(size - frame - 4))))
    };
    run(iam.put_inline_policy::<User>("ada", "one", &of_size(1024))).unwrap();
    refused(run(iam.put_inline_policy::<User>("ada", "two", &of_size(1025))), IamCode::LimitExceeded);
    run(iam.put_inline_policy::<User>("ada", "two", &of_size(1024))).unwrap();
    run(iam.put_inline_policy::<User>("ada", "two", &of_size(1024))).unwrap();
    assert_eq!(run(iam.inline_policy::<User>("ada", "two")).unwrap(), of_size(1024), "kept as it was given");
}

#[test]
fn a_document_that_is_no_policy_is_malformed_wherever_it_is_put() {
    let world = World::new();
    let iam = world.chime.iam();
    world.user("ada", ALL);
    world.role("r", &trusts(ACCOUNT), ALL);
    let code = IamCode::MalformedPolicyDocument;
    for text in ["", "{}", "not json", r#"{"Statement": [{"Effect": "Maybe"}]}"#, &trusts(ACCOUNT)] {
        refused(run(iam.put_inline_policy::<User>("ada", "x", text)), code);
        refused(run(iam.create_policy(new_policy("x", text))), code);
    }
    refused(run(iam.update_trust("r", ALL)), code);
    refused(run(iam.create_role(create_role("x", ALL))), code);
}

#[test]
fn nothing_is_deleted_while_something_hangs_on_it() {
    let world = World::new();
    let iam = world.chime.iam();
    let conflict = IamCode::DeleteConflict;
    world.user("ada", ALL);
    let key = run(iam.create_access_key("ada")).unwrap();
    let policy = run(iam.create_policy(new_policy("p", ALL))).unwrap().arn;
    run(iam.attach_policy::<User>("ada", &policy)).unwrap();
    run(iam.create_policy_version(&policy, ALL, true)).unwrap();

    refused(run(iam.delete_user("ada")), conflict);
    run(iam.delete_access_key("ada", &key.id)).unwrap();
    refused(run(iam.delete_user("ada")), conflict);
    run(iam.delete_inline_policy::<User>("ada", "p")).unwrap();
    refused(run(iam.delete_user("ada")), conflict);
    refused(run(iam.delete_policy(&policy)), conflict);
    run(iam.detach_policy::<User>("ada", &policy)).unwrap();
    run(iam.delete_user("ada")).unwrap();
    refused(run(iam.delete_policy(&policy)), conflict);
    refused(run(iam.delete_policy_version(&policy, "v2")), conflict);
    run(iam.delete_policy_version(&policy, "v1")).unwrap();
    run(iam.delete_policy(&policy)).unwrap();
    refused(run(iam.delete_policy(&policy)), IamCode::NoSuchEntity);
}

#[test]
fn built_in_policies_exist_are_counted_and_cannot_be_changed() {
    let world = World::new();
    let iam = world.chime.iam();
    world.user("ada", ALL);
    run(iam.attach_policy::<User>("ada", CHIME_SDK)).unwrap();
    run(iam.attach_policy::<User>("ada", CHIME_SDK)).unwrap();
    assert_eq!(run(iam.policy(CHIME_SDK)).unwrap().attachments, 1, "attaching twice is attaching once");
    let page = run(iam.list_policies(PolicyScope::All, true, &ListRequest::default())).unwrap();
    assert_eq!(page.items.len(), 1);
    refused(run(iam.delete_policy(CHIME_SDK)), IamCode::AccessDenied);
    refused(run(iam.create_policy_version(CHIME_SDK, ALL, true)), IamCode::AccessDenied);
    let of_service = "arn:aws:iam::aws:policy/aws-service-role/AmazonChimeSDKMessagingServiceRolePolicy";
    refused(run(iam.attach_policy::<User>("ada", of_service)), IamCode::PolicyNotAttachable);
    refused(run(iam.attach_policy::<User>("ada", "arn:aws:iam::aws:policy/Nothing")), IamCode::NoSuchEntity);
    let (first, in_force) = run(iam.policy_version(CHIME_SDK, "v1")).unwrap();
    assert!(in_force && first.document.contains("chime:CreateMeeting\""));
}

#[test]
fn a_renamed_user_keeps_its_id_its_keys_and_its_policies() {
    let world = World::new();
    let before = world.user("ada", ALL);
    let (key, _) = world.signs_as("ada");
    run(world.chime.iam().update_user("ada", Some("Lovelace"), Some("/staff/"))).unwrap();
    refused(run(world.chime.iam().user("ada")), IamCode::NoSuchEntity);
    let after = world.whose(&key, None).unwrap();
    assert_eq!(after.caller.arn, format!("arn:aws:iam::{ACCOUNT}:user/staff/Lovelace"));
    assert_eq!(after.caller.user_id, before.id);
    assert!(world.may(&after.caller, "chime:CreateChannel", "*"));
    world.user("other", ALL);
    refused(
        run(world.chime.iam().update_user("lovelace", Some("OTHER"), None)),
        IamCode::EntityAlreadyExists,
    );
}

#[test]
fn roles_are_bounded_and_change_within_their_bounds() {
    let world = World::new();
    let iam = world.chime.iam();
    for (seconds, fits) in [(3_599, false), (3_600, true), (43_200, true), (43_201, false)] {
        let update = UpdateRole { max_session: Some(seconds), ..UpdateRole::default() };
        let mut command = create_role(&format!("r{seconds}"), &trusts(ACCOUNT));
        command.max_session = Some(seconds);
        assert_eq!(run(iam.create_role(command)).is_ok(), fits, "{seconds}");
        assert_eq!(run(iam.update_role("r3600", &update)).is_ok(), fits && seconds >= 3_600, "{seconds}");
    }
    let mut command = create_role("x", &trusts(ACCOUNT));
    command.path = Some("/aws-service-role/chime.amazonaws.com/".into());
    refused(run(iam.create_role(command)), IamCode::Validation);
}

#[test]
fn tags_are_one_for_each_key_whatever_its_case() {
    let world = World::new();
    let iam = world.chime.iam();
    world.role("r", &trusts(ACCOUNT), ALL);
    run(iam.tag::<Role>("r", &[Tag::new("Team", "a"), Tag::new("x", "")])).unwrap();
    run(iam.tag::<Role>("r", &[Tag::new("team", "b")])).unwrap();
    let tags = run(iam.list_tags::<Role>("r", &ListRequest::default())).unwrap().items;
    assert_eq!(tags, [Tag::new("team", "b"), Tag::new("x", "")]);
    refused(run(iam.tag::<Role>("r", &[Tag::new("a", "1"), Tag::new("A", "2")])), IamCode::InvalidInput);
    for bad in [Tag::new("aws:x", "1"), Tag::new("", "1"), Tag::new("a", "!"), Tag::new("k".repeat(129), "")]
    {
        refused(run(iam.tag::<Role>("r", &[bad])), IamCode::Validation);
    }
    run(iam.untag::<Role>("r", &["TEAM".into()])).unwrap();
    let many: Vec<_> = (0..49).map(|n| Tag::new(format!("k{n}"), "v")).collect();
    run(iam.tag::<Role>("r", &many)).unwrap();
    refused(run(iam.tag::<Role>("r", &[Tag::new("one-more", "v")])), IamCode::LimitExceeded);
}

#[test]
fn lists_come_in_pages_that_neither_hide_nor_repeat() {
    let world = World::new();
    let iam = world.chime.iam();
    for n in 0..7 {
        let path = Some(if n % 2 == 0 { "/even/" } else { "/odd/" }.to_owned());
        run(iam.create_user(CreateUser { path, ..new_user(&format!("u{n}")) })).unwrap();
    }
    let mut request =
        ListRequest { max_items: Some(2), path_prefix: Some("/even/".into()), ..ListRequest::default() };
    let mut seen = Vec::new();
    loop {
        let page = run(iam.list_users(&request)).unwrap();
        seen.extend(page.items.into_iter().map(|user| user.name));
        let Some(next) = page.next else { break };
        request.marker = Some(next);
    }
    assert_eq!(seen, ["u0", "u2", "u4", "u6"]);
    request.path_prefix = None;
    refused(run(iam.list_users(&request)), IamCode::Validation);
    for (size, fits) in [(0, false), (1, true), (1_000, true), (1_001, false)] {
        let request = ListRequest { max_items: Some(size), ..ListRequest::default() };
        assert_eq!(run(iam.list_users(&request)).is_ok(), fits);
    }
}

#[test]
fn the_list_of_policies_pages_through_both_kinds() {
    let world = World::new();
    let iam = world.chime.iam();
    for n in 0..3 {
        run(iam.create_policy(new_policy(&format!("p{n}"), ALL))).unwrap();
    }
    let all = run(iam.list_policies(PolicyScope::All, false, &ListRequest::default())).unwrap().items;
    let own = all.iter().filter(|policy| policy.arn.contains(ACCOUNT)).count();
    assert_eq!(own, 3);
    for size in 1..5 {
        let mut request = ListRequest { max_items: Some(size), ..ListRequest::default() };
        let mut seen = Vec::new();
        loop {
            let page = run(iam.list_policies(PolicyScope::All, false, &request)).unwrap();
            assert!(page.items.len() <= size);
            seen.extend(page.items);
            let Some(next) = page.next else { break };
            request.marker = Some(next);
        }
        assert_eq!(seen, all, "pages of {size}");
    }
}

/// What a user may have done to it.
#[derive(Clone, Debug)]
enum Step {
    Create,
    Delete,
    NewKey,
    DropKey,
    Attach,
    Detach,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_history_leaves_what_a_naive_model_has(steps in prop::collection::vec(
        prop_oneof![
            Just(Step::Create), Just(Step::Delete), Just(Step::NewKey), Just(Step::DropKey),
            Just(Step::Attach), Just(Step::Detach),
        ], 0..40)) {
        let world = World::new();
        let iam = world.chime.iam();
        let policy = run(iam.create_policy(new_policy("p", ALL))).unwrap().arn;
        // Exists, its keys, attached.
        let mut model: Option<(Vec<String>, bool)> = None;
        let mut gone: Vec<String> = Vec::new();
        for step in steps {
            match step {
                Step::Create => {
                    prop_assert_eq!(run(iam.create_user(new_user("u"))).is_ok(), model.is_none());
                    model.get_or_insert_with(Default::default);
                }
                Step::Delete => {
                    let empty = model == Some((Vec::new(), false));
                    prop_assert_eq!(run(iam.delete_user("u")).is_ok(), empty);
                    if empty { model = None; }
                }
                Step::NewKey => {
                    let made = run(iam.create_access_key("u"));
                    let room = model.as_ref().is_some_and(|(keys, _)| keys.len() < 2);
                    prop_assert_eq!(made.is_ok(), room);
                    if let (Ok(key), Some((keys, _))) = (made, &mut model) { keys.push(key.id); }
                }
                Step::DropKey => {
                    if let Some((keys, _)) = &mut model && let Some(key) = keys.pop() {
                        run(iam.delete_access_key("u", &key)).unwrap();
                        gone.push(key);
                    }
                }
                Step::Attach => {
                    prop_assert_eq!(run(iam.attach_policy::<User>("u", &policy)).is_ok(), model.is_some());
                    if let Some((_, attached)) = &mut model { *attached = true; }
                }
                Step::Detach => {
                    let was = matches!(model, Some((_, true)));
                    prop_assert_eq!(run(iam.detach_policy::<User>("u", &policy)).is_ok(), was);
                    if let Some((_, attached)) = &mut model { *attached = false; }
                }
            }
            let (keys, attached) = model.clone().unwrap_or_default();
            for key in &keys {
                let caller = &world.whose(key, None).unwrap().caller;
                prop_assert_eq!(world.may(caller, "a:b", "*"), attached);
            }
            for key in &gone {
                prop_assert!(world.whose(key, None).is_none());
            }
            prop_assert_eq!(run(iam.policy(&policy)).unwrap().attachments, u64::from(attached));
        }
    }
}

#[test]
fn a_principal_is_found_by_its_exact_arn_with_the_policies_it_has_now() {
    let world = World::new();
    let named = |arn: &str| run(world.chime.iam().caller_named(arn)).unwrap();
    let user = world.user("Ada", &allows("chime:DescribeChannel", "*"));
    let role = world.role("Chat", &trusts(ACCOUNT), &allows("chime:ListChannels", "*"));
    let ada = named(&user.arn).unwrap();
    assert_eq!((ada.arn.as_str(), ada.user_name.as_deref()), (user.arn.as_str(), Some("Ada")));
    assert!(world.may(&ada, "chime:DescribeChannel", "*") && !world.may(&ada, "chime:ListChannels", "*"));
    run(world.chime.iam().put_inline_policy::<User>("Ada", "p", ALL)).unwrap();
    assert!(world.may(&named(&user.arn).unwrap(), "chime:ListChannels", "*"));

    let any = named(&role.arn).unwrap();
    let session = named(&format!("arn:aws:sts::{ACCOUNT}:assumed-role/Chat/demo")).unwrap();
    assert_eq!((any.principal_arn, session.principal_arn.as_str()), (role.arn.clone(), role.arn.as_str()));
    assert_eq!(session.user_id, format!("{}:demo", role.id));
    assert!(world.may(&session, "chime:ListChannels", "*"));
    assert!(named(&format!("arn:aws:iam::{ACCOUNT}:root")).unwrap().policies.is_owner());

    for nobody in
        ["user/ada", "user/team/Ada", "role/Ada", "user/Bob", "user", "group/Ada", "assumed-role/Chat/demo"]
    {
        assert!(named(&format!("arn:aws:iam::{ACCOUNT}:{nobody}")).is_none(), "{nobody}");
    }
    for nobody in ["", "root", "Ada", "arn:aws:iam::210987654321:user/Ada", "arn:aws:iam::210987654321:root"]
    {
        assert!(named(nobody).is_none(), "{nobody}");
    }
}
