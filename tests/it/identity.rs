use chime_domain::error::ErrorCode::{Conflict, Forbidden, ResourceLimitExceeded};
use chime_domain::identity::{
    CreateAppInstance, CreateAppInstanceUser, Expiration, ExpirationCriterion, Resource, Tag,
    UpdateAppInstanceUser,
};
use chime_domain::ids::{AppInstanceUserId, ClientRequestToken};
use chime_domain::limits::Quota;
use chime_domain::page::PageRequest;
use chime_domain::text::{Metadata, ResourceName, TagKey, TagValue, UserName};
use chime_tests::{World, refused, run};

fn named(name: &str) -> CreateAppInstance {
    CreateAppInstance::new(ResourceName::new(name).unwrap())
}

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: TagKey::new(key).unwrap(), value: TagValue::new(value).unwrap() }
}

#[test]
fn app_01_an_app_instance_has_a_unique_arn_and_is_legal_when_empty() {
    run(async {
        let world = World::new().await;
        let arn = world.chime.identity().create_app_instance(named("second")).await.unwrap();
        assert_ne!(arn, world.app);
        assert!(arn.as_str().starts_with("arn:aws:chime:us-east-1:123456789012:app-instance/"));
        assert_eq!(world.chime.identity().describe_app_instance(&arn).await.unwrap().name.as_str(), "second");
    });
}

#[test]
fn app_13_to_15_each_quota_holds_at_its_value_and_refuses_one_past() {
    run(async {
        let world = World::with_quotas(&[
            (Quota::AppInstancesPerAccount, 2),
            (Quota::UsersPerAppInstance, 3),
            (Quota::AdminsPerAppInstance, 1),
        ])
        .await;
        let identity = world.chime.identity();
        identity.create_app_instance(named("second")).await.unwrap();
        assert_eq!(
            refused(identity.create_app_instance(named("third")).await),
            (ResourceLimitExceeded, "APP-13")
        );
        let (alice, bob) = (world.admin("alice").await, world.user("bob").await);
        world.user("carol").await;
        let dave = CreateAppInstanceUser::new(
            world.app.clone(),
            AppInstanceUserId::new("dave").unwrap(),
            UserName::new("dave").unwrap(),
        );
        assert_eq!(
            refused(identity.create_app_instance_user(dave.clone()).await),
            (ResourceLimitExceeded, "APP-14")
        );
        assert_eq!(
            refused(identity.create_app_instance_admin(&world.app, &bob).await),
            (ResourceLimitExceeded, "APP-15")
        );
        identity.delete_app_instance_admin(&world.app, &alice).await.unwrap();
        identity.create_app_instance_admin(&world.app, &bob).await.unwrap();
        identity.delete_app_instance_user(&bob).await.unwrap();
        identity.create_app_instance_user(dave).await.unwrap();
        identity.create_app_instance_admin(&world.app, &alice).await.unwrap();
    });
}

#[test]
fn app_10_deleting_an_administrator_demotes_and_keeps_the_user() {
    run(async {
        let world = World::new().await;
        let alice = world.admin("alice").await;
        let identity = world.chime.identity();
        assert_eq!(refused(identity.create_app_instance_admin(&world.app, &alice).await), (Conflict, "T-08"));
        identity.delete_app_instance_admin(&world.app, &alice).await.unwrap();
        assert_eq!(
            refused(identity.describe_app_instance_admin(&world.app, &alice).await),
            (Forbidden, "E-06")
        );
        identity.describe_app_instance_user(&alice).await.unwrap();
        identity.delete_app_instance_admin(&world.app, &alice).await.unwrap();
    });
}

#[test]
fn app_12_a_deleted_app_instance_is_inaccessible_at_once_and_its_contents_go() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let channel = world
            .channel(&alice, chime_domain::access::Privacy::Public, chime_domain::access::Mode::Restricted)
            .await;
        world.send(&alice, &channel, "hello").await.unwrap();
        let identity = world.chime.identity();
        identity.delete_app_instance(&world.app).await.unwrap();
        assert_eq!(refused(identity.describe_app_instance(&world.app).await), (Forbidden, "E-06"));
        assert_eq!(
            refused(world.send(&alice, &channel, "again").await).0,
            chime_domain::error::ErrorCode::UnauthorizedClient
        );
        assert_eq!(
            refused(identity.list_app_instance_users(&world.app, &PageRequest::default()).await),
            (Forbidden, "E-06")
        );
        world.chime.run_due().await.unwrap();
        let id = world.app.app_instance_id();
        for kind in
            ["user", "admin", "channel", "member", "member-of", "moderator", "tags", "channel-by-privacy"]
        {
            let parent = chime_domain::ports::Key::new(kind, &[id]);
            let left = world.chime.store().scan(chime_domain::ports::Scan::below(&parent, 10)).await.unwrap();
            assert!(left.is_empty(), "{kind}: {left:?}");
        }
        identity.delete_app_instance(&world.app).await.unwrap();
    });
}

#[test]
fn app_11_a_deleted_user_loses_every_row_and_its_messages_stay() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (world.admin("alice").await, world.user("bob").await);
        let channel = world
            .channel(&alice, chime_domain::access::Privacy::Private, chime_domain::access::Mode::Restricted)
            .await;
        world.join(&alice, &channel, &bob).await;
        world.as_user(&alice).create_channel_moderator(&channel, &bob).await.unwrap();
        let id = world.send(&bob, &channel, "from bob").await.unwrap();
        let identity = world.chime.identity();
        identity.delete_app_instance_user(&bob).await.unwrap();
        let again = CreateAppInstanceUser::new(
            world.app.clone(),
            AppInstanceUserId::new("bob").unwrap(),
            UserName::new("another bob").unwrap(),
        );
        assert_eq!(refused(identity.create_app_instance_user(again.clone()).await), (Conflict, "APP-11"));
        world.chime.run_due().await.unwrap();
        let page = world
            .as_user(&alice)
            .list_channel_memberships(&channel, None, &PageRequest::default())
            .await
            .unwrap();
        assert_eq!(page.items.len(), 1);
        let page =
            world.as_user(&alice).list_channel_moderators(&channel, &PageRequest::default()).await.unwrap();
        assert_eq!(page.items.len(), 1);
        let message = world.as_user(&alice).get_channel_message(&channel, &id).await.unwrap();
        assert_eq!(message.message.sender.arn, bob);
        identity.create_app_instance_user(again).await.unwrap();
        assert_eq!(refused(world.send(&bob, &channel, "no member").await).0, Forbidden);
    });
}

#[test]
fn app_06_and_t_06_a_token_repeats_its_creation_and_an_id_is_taken_once() {
    run(async {
        let world = World::new().await;
        let identity = world.chime.identity();
        let mut command = CreateAppInstanceUser::new(
            world.app.clone(),
            AppInstanceUserId::new("alice").unwrap(),
            UserName::new("Alice").unwrap(),
        );
        command.client_request_token = Some(ClientRequestToken::new("token-1").unwrap());
        let arn = identity.create_app_instance_user(command.clone()).await.unwrap();
        assert_eq!(identity.create_app_instance_user(command.clone()).await.unwrap(), arn);
        let mut other = command.clone();
        other.name = UserName::new("Alicia").unwrap();
        assert_eq!(refused(identity.create_app_instance_user(other).await), (Conflict, "T-06"));
        command.client_request_token = Some(ClientRequestToken::new("token-2").unwrap());
        assert_eq!(refused(identity.create_app_instance_user(command).await), (Conflict, "T-08"));
        let mut instance = named("one");
        instance.client_request_token = Some(ClientRequestToken::new("token-3").unwrap());
        let first = identity.create_app_instance(instance.clone()).await.unwrap();
        assert_eq!(identity.create_app_instance(instance.clone()).await.unwrap(), first);
        identity.delete_app_instance(&first).await.unwrap();
        assert_ne!(
            identity.create_app_instance(instance).await.unwrap(),
            first,
            "a deleted object frees its token"
        );
    });
}

#[test]
fn t_07_a_token_is_forgotten_after_a_day() {
    run(async {
        let world = World::new().await;
        let identity = world.chime.identity();
        let mut instance = named("one");
        instance.client_request_token = Some(ClientRequestToken::new("token").unwrap());
        let first = identity.create_app_instance(instance.clone()).await.unwrap();
        world.days_later(2).await;
        assert_ne!(identity.create_app_instance(instance).await.unwrap(), first);
    });
}

#[test]
fn d_04_an_update_keeps_what_is_absent_and_clears_what_is_empty() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let identity = world.chime.identity();
        let mut update = UpdateAppInstanceUser::new(alice.clone());
        update.metadata = Some(Metadata::new("meta").unwrap());
        identity.update_app_instance_user(update).await.unwrap();
        let mut update = UpdateAppInstanceUser::new(alice.clone());
        update.name = Some(UserName::new("Alice").unwrap());
        identity.update_app_instance_user(update).await.unwrap();
        let user = identity.describe_app_instance_user(&alice).await.unwrap();
        assert_eq!((user.name.as_str(), user.metadata.as_str()), ("Alice", "meta"));
        let mut update = UpdateAppInstanceUser::new(alice.clone());
        update.metadata = Some(Metadata::empty());
        identity.update_app_instance_user(update).await.unwrap();
        assert_eq!(identity.describe_app_instance_user(&alice).await.unwrap().metadata.as_str(), "");
    });
}

#[test]
fn app_21_a_resource_has_at_most_50_tags() {
    run(async {
        let world = World::new().await;
        let resource = Resource::AppInstance(world.app.clone());
        let identity = world.chime.identity();
        identity
            .tag_resource(&resource, (0..50).map(|n| tag(&format!("k{n}"), "v")).collect())
            .await
            .unwrap();
        identity.tag_resource(&resource, vec![tag("k0", "w")]).await.unwrap();
        let refusal = refused(identity.tag_resource(&resource, vec![tag("k50", "v")]).await);
        assert_eq!(refusal, (ResourceLimitExceeded, "APP-21"));
        assert_eq!(identity.list_tags_for_resource(&resource).await.unwrap().len(), 50);
        identity.untag_resource(&resource, &[TagKey::new("k0").unwrap()]).await.unwrap();
        assert_eq!(identity.list_tags_for_resource(&resource).await.unwrap().len(), 49);
        let none = Resource::User(world.app.user(&AppInstanceUserId::new("nobody").unwrap()));
        assert_eq!(refused(identity.list_tags_for_resource(&none).await), (Forbidden, "E-06"));
    });
}

#[test]
fn p_04_paging_visits_every_user_once_while_others_come_and_go() {
    run(async {
        let world = World::new().await;
        for n in 0..25 {
            world.user(&format!("user-{n:02}")).await;
        }
        let identity = world.chime.identity();
        let mut seen = Vec::new();
        let mut request = PageRequest::first(4);
        loop {
            let page = identity.list_app_instance_users(&world.app, &request).await.unwrap();
            assert!(page.items.len() <= request.max_results.unwrap_or(50));
            seen.extend(page.items.iter().map(|user| user.arn.user_id().to_owned()));
            world.user(&format!("late-{}", seen.len())).await;
            let behind = world.app.user(&AppInstanceUserId::new(seen.last().unwrap()).unwrap());
            identity.delete_app_instance_user(&behind).await.unwrap();
            let Some(next) = page.next else { break };
            request = PageRequest::new(None, Some(next));
            if seen.len() >= 8 {
                request.max_results = Some(7);
            }
        }
        let users: Vec<_> = seen.iter().filter(|id| id.starts_with("user-")).collect();
        assert_eq!(users.len(), 25, "{seen:?}");
    });
}

#[test]
fn a_user_with_an_expiration_is_deleted_when_it_comes() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let identity = world.chime.identity();
        let expiration = Expiration::new(10, ExpirationCriterion::CreatedTimestamp).unwrap();
        identity.put_app_instance_user_expiration_settings(&alice, Some(expiration)).await.unwrap();
        world.days_later(9).await;
        identity.describe_app_instance_user(&alice).await.unwrap();
        world.days_later(1).await;
        assert_eq!(refused(identity.describe_app_instance_user(&alice).await), (Forbidden, "E-06"));
    });
}
