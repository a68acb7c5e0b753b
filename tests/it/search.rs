//! `SearchChannels`: by members, within what the caller may see.

use chime_domain::access::MembershipType::{Default, Hidden};
use chime_domain::access::Mode::Unrestricted;
use chime_domain::access::Privacy::{Private, Public};
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::error::ErrorCode::{BadRequest, Forbidden, UnauthorizedClient};
use chime_domain::identity::{CreateAppInstance, CreateAppInstanceUser};
use chime_domain::ids::{AppInstanceUserId, ChannelId};
use chime_domain::messaging::SearchOperator::{Equals, Includes};
use chime_domain::messaging::{CreateChannel, SearchField, SearchOperator};
use chime_domain::page::PageRequest;
use chime_domain::text::{ResourceName, UserName};
use chime_tests::{World, refused, run};

/// Alice, bob and carol in every company of two or three; each channel is called after its members.
struct Stage {
    world: World,
    boss: AppInstanceUserArn,
    alice: AppInstanceUserArn,
    bob: AppInstanceUserArn,
    carol: AppInstanceUserArn,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new().await;
        let (boss, alice) = (world.admin("boss").await, world.user("alice").await);
        let (bob, carol) = (world.user("bob").await, world.user("carol").await);
        let stage = Self { world, boss, alice, bob, carol };
        let (alice, bob, carol) = (&stage.alice, &stage.bob, &stage.carol);
        for (id, private, members) in [
            ("a", false, vec![alice]),
            ("ab", true, vec![alice, bob]),
            ("ac", false, vec![alice, carol]),
            ("bc", true, vec![bob, carol]),
            ("abc", true, vec![alice, bob, carol]),
        ] {
            let mut command = CreateChannel::new(stage.world.app.clone(), ResourceName::new(id).unwrap());
            command.id = Some(ChannelId::new(id).unwrap());
            (command.mode, command.privacy) = (Unrestricted, if private { Private } else { Public });
            let command = command.with_members(members[1..].iter().map(|user| (*user).clone()));
            stage.world.as_user(members[0]).create_channel(command).await.unwrap();
        }
        stage
    }

    /// The ids of the channels that a user finds, in the order of all pages of `size`.
    async fn pages(
        &self,
        user: &AppInstanceUserArn,
        fields: &[SearchField],
        size: usize,
    ) -> Vec<Vec<String>> {
        let (mut pages, mut next) = (Vec::new(), None);
        loop {
            let page = PageRequest::new(Some(size), next);
            let found = self.world.as_user(user).search_channels(fields, &page).await.unwrap();
            pages.push(found.items.iter().map(|view| view.channel.arn.channel_id().to_owned()).collect());
            next = found.next;
            if next.is_none() {
                return pages;
            }
        }
    }

    async fn finds(
        &self,
        user: &AppInstanceUserArn,
        operator: SearchOperator,
        members: &[&AppInstanceUserArn],
    ) -> String {
        let mut found = self.pages(user, &[field(operator, members)], 50).await.concat();
        found.sort();
        found.join(" ")
    }
}

fn field(operator: SearchOperator, members: &[&AppInstanceUserArn]) -> SearchField {
    SearchField { operator, members: members.iter().map(|member| (*member).clone()).collect() }
}

fn all() -> PageRequest {
    PageRequest::default()
}

#[test]
fn search_includes_finds_channels_with_at_least_these_members_among_the_callers_own() {
    run(async {
        let stage = Stage::new().await;
        let (alice, bob, carol) = (&stage.alice, &stage.bob, &stage.carol);
        assert_eq!(stage.finds(alice, Includes, &[alice]).await, "a ab abc ac");
        assert_eq!(stage.finds(alice, Includes, &[bob]).await, "ab abc");
        assert_eq!(stage.finds(alice, Includes, &[bob, carol]).await, "abc");
        assert_eq!(stage.finds(bob, Includes, &[alice]).await, "ab abc", "public ones of others are not his");
        assert_eq!(stage.finds(alice, Includes, &[bob, bob]).await, "ab abc", "a value given twice is one");
    });
}

#[test]
fn search_equals_finds_channels_with_exactly_these_members() {
    run(async {
        let stage = Stage::new().await;
        let (alice, bob, carol) = (&stage.alice, &stage.bob, &stage.carol);
        assert_eq!(stage.finds(alice, Equals, &[alice]).await, "a");
        assert_eq!(stage.finds(alice, Equals, &[bob, alice]).await, "ab", "their order does not matter");
        assert_eq!(stage.finds(alice, Equals, &[alice, bob, carol]).await, "abc");
        assert_eq!(stage.finds(alice, Equals, &[bob, carol]).await, "", "the caller is no member of it");
        assert_eq!(stage.finds(bob, Equals, &[bob, carol]).await, "bc");
        assert_eq!(stage.finds(alice, Equals, &[alice, alice]).await, "a");
    });
}

#[test]
fn search_shows_administrators_all_channels_and_others_only_their_own_whoever_they_ask_for() {
    run(async {
        let stage = Stage::new().await;
        let (boss, alice, bob, carol) = (&stage.boss, &stage.alice, &stage.bob, &stage.carol);
        assert_eq!(stage.finds(boss, Includes, &[bob]).await, "ab abc bc");
        assert_eq!(stage.finds(boss, Equals, &[bob, carol]).await, "bc");
        assert_eq!(stage.finds(boss, Includes, &[boss]).await, "");
        let stranger = stage.world.user("stranger").await;
        assert_eq!(stage.finds(&stranger, Includes, &[alice]).await, "");
        // A moderator who is no member has no channels to search.
        let channel = stage.world.app.channel(&ChannelId::new("ab").unwrap());
        stage.world.as_user(alice).create_channel_moderator(&channel, &stranger).await.unwrap();
        assert_eq!(stage.finds(&stranger, Includes, &[alice]).await, "");
        // What a demoted administrator saw is gone.
        stage.world.chime.identity().delete_app_instance_admin(&stage.world.app, boss).await.unwrap();
        assert_eq!(stage.finds(boss, Includes, &[bob]).await, "");
    });
}

#[test]
fn search_wants_every_field_to_hold() {
    run(async {
        let stage = Stage::new().await;
        let (alice, bob, carol) = (&stage.alice, &stage.bob, &stage.carol);
        let both = [field(Includes, &[bob]), field(Includes, &[carol])];
        assert_eq!(stage.pages(alice, &both, 50).await, [["abc"]]);
        let narrowed = [field(Includes, &[bob]), field(Equals, &[alice, bob])];
        assert_eq!(stage.pages(alice, &narrowed, 50).await, [["ab"]]);
        let never = [field(Equals, &[alice]), field(Equals, &[alice, bob])];
        assert_eq!(stage.pages(alice, &never, 50).await.concat(), [""; 0]);
    });
}

#[test]
fn search_follows_memberships_hidden_ones_too_as_they_come_and_go() {
    run(async {
        let stage = Stage::new().await;
        let (world, alice, bob, carol) = (&stage.world, &stage.alice, &stage.bob, &stage.carol);
        let channel = |id: &str| -> ChannelArn { world.app.channel(&ChannelId::new(id).unwrap()) };
        let added = world.as_user(alice).create_channel_membership(&channel("ab"), carol, Hidden).await;
        added.unwrap();
        assert_eq!(stage.finds(carol, Includes, &[carol]).await, "ab abc ac bc");
        assert_eq!(stage.finds(alice, Equals, &[alice, bob]).await, "", "a hidden member is a member");
        assert_eq!(world.members(alice, &channel("ab"), Default).await, ["alice", "bob"]);
        world.as_user(alice).delete_channel_membership(&channel("ab"), carol).await.unwrap();
        assert_eq!(stage.finds(alice, Equals, &[alice, bob]).await, "ab");
        world.as_user(alice).create_channel_ban(&channel("ab"), bob).await.unwrap();
        assert_eq!(stage.finds(alice, Includes, &[bob]).await, "abc");
        assert_eq!(stage.finds(bob, Includes, &[alice]).await, "abc", "nor does who is banned find it");
        world.as_user(alice).delete_channel(&channel("abc")).await.unwrap();
        assert_eq!(stage.finds(alice, Includes, &[carol]).await, "ac");
        world.chime.identity().delete_app_instance_user(carol).await.unwrap();
        world.chime.run_due().await.unwrap();
        assert_eq!(stage.finds(alice, Equals, &[alice]).await, "a ab ac");
    });
}

#[test]
fn search_finds_nobody_by_the_hidden_membership_of_another_but_for_those_who_lead() {
    run(async {
        let stage = Stage::new().await;
        let (world, boss, alice) = (&stage.world, &stage.boss, &stage.alice);
        let (bob, carol) = (&stage.bob, &stage.carol);
        let channel = world.app.channel(&ChannelId::new("ab").unwrap());
        world.as_user(alice).create_channel_membership(&channel, carol, Hidden).await.unwrap();
        assert_eq!(stage.finds(alice, Includes, &[carol]).await, "ab abc ac", "she moderates it");
        assert_eq!(stage.finds(bob, Includes, &[carol]).await, "abc bc");
        assert_eq!(stage.finds(carol, Includes, &[bob]).await, "ab abc bc", "her own membership");
        assert_eq!(stage.finds(boss, Includes, &[bob, carol]).await, "ab abc bc");
        let (two, three) = ([alice, bob], [alice, bob, carol]);
        assert_eq!(stage.finds(bob, Equals, &two).await, "ab", "as if she were not there");
        assert_eq!(stage.finds(bob, Equals, &three).await, "abc");
        for sees in [alice, carol, boss] {
            assert_eq!(stage.finds(sees, Equals, &two).await, "", "{sees}");
            assert_eq!(stage.finds(sees, Equals, &three).await, "ab abc", "{sees}");
        }
        // Very many hidden members are looked through.
        for n in 0..70 {
            let ghost = world.user(&format!("ghost{n}")).await;
            world.as_user(alice).create_channel_membership(&channel, &ghost, Hidden).await.unwrap();
        }
        assert_eq!(stage.finds(bob, Equals, &two).await, "ab");
        world.join(alice, &channel, &world.user("zoe").await).await;
        assert_eq!(stage.finds(bob, Equals, &two).await, "");
    });
}

#[test]
fn search_pages_hold_each_channel_once_and_their_tokens_fit_the_same_search_only() {
    run(async {
        let stage = Stage::new().await;
        let (boss, alice, bob) = (&stage.boss, &stage.alice, &stage.bob);
        let fields = [field(Includes, &[alice])];
        let whole = stage.pages(boss, &fields, 50).await.concat();
        assert_eq!(whole.len(), 4);
        for size in 1..=4 {
            let pages = stage.pages(boss, &fields, size).await;
            assert!(pages.iter().all(|page| page.len() <= size), "{pages:?}");
            assert_eq!(pages.concat(), whole, "{size}");
        }
        let first = stage.world.as_user(boss).search_channels(&fields, &PageRequest::first(2)).await.unwrap();
        let more = || PageRequest::new(None, first.next.clone());
        let searches: [(&AppInstanceUserArn, [SearchField; 1]); 3] =
            [(alice, fields.clone()), (boss, [field(Includes, &[bob])]), (boss, [field(Equals, &[alice])])];
        for (user, fields) in searches {
            let page = stage.world.as_user(user).search_channels(&fields, &more()).await;
            assert_eq!(refused(page).0, BadRequest, "{fields:?}");
        }
        let listed = stage.world.as_user(boss).list_channels(&stage.world.app, None, &more()).await;
        assert_eq!(refused(listed).0, BadRequest);
        // What is deleted between two pages is missing, and nothing else is.
        let gone = stage.world.app.channel(&ChannelId::new(&whole[2]).unwrap());
        stage.world.as_user(boss).delete_channel(&gone).await.unwrap();
        let rest = stage.world.as_user(boss).search_channels(&fields, &more()).await.unwrap();
        let rest: Vec<_> = rest.items.iter().map(|view| view.channel.arn.channel_id()).collect();
        assert_eq!(rest, whole[3..]);
    });
}

#[test]
fn search_takes_1_to_20_fields_of_1_to_20_users_of_the_app_instance() {
    run(async {
        let stage = Stage::new().await;
        let (world, alice) = (&stage.world, &stage.alice);
        let many = |count| vec![field(Includes, &vec![alice; count])];
        for fields in [many(20), vec![field(Includes, &[alice]); 20]] {
            assert_eq!(stage.pages(alice, &fields, 50).await.concat().len(), 4);
        }
        for fields in [vec![], many(0), many(21), vec![field(Includes, &[alice]); 21]] {
            let search = world.as_user(alice).search_channels(&fields, &all()).await;
            assert_eq!(refused(search).0, BadRequest, "{}", fields.len());
        }
        let identity = world.chime.identity();
        let other = CreateAppInstance::new(ResourceName::new("other").unwrap());
        let other = identity.create_app_instance(other).await.unwrap();
        let id = AppInstanceUserId::new("foreign").unwrap();
        let foreign = CreateAppInstanceUser::new(other, id, UserName::new("foreign").unwrap());
        let foreign = identity.create_app_instance_user(foreign).await.unwrap();
        let search = world.as_user(alice).search_channels(&[field(Includes, &[&foreign])], &all()).await;
        assert_eq!(refused(search).0, Forbidden);
        let nobody = world.app.user(&AppInstanceUserId::new("nobody").unwrap());
        let search = world.as_user(&nobody).search_channels(&[field(Includes, &[alice])], &all()).await;
        assert_eq!(refused(search).0, UnauthorizedClient);
        assert_eq!(
            stage.finds(alice, Includes, &[&nobody]).await,
            "",
            "a user who is none is a member of nothing"
        );
    });
}

#[test]
fn search_that_looks_at_very_many_channels_goes_on_in_the_next_page() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        for n in 0..2_100 {
            let mut command = CreateChannel::new(world.app.clone(), ResourceName::new("x").unwrap());
            command.id = Some(ChannelId::new(format!("c{n:04}")).unwrap());
            // Those that are of alice alone are the first, one at the end of what a request looks at, and the last.
            let alone = [0, 999, 2_099].contains(&n);
            let command = command.with_members((!alone).then(|| bob.clone()));
            world.as_user(&alice).create_channel(command).await.unwrap();
        }
        let stage = Stage { boss: world.admin("boss").await, carol: bob.clone(), world, alice, bob };
        let alone = [field(Equals, &[&stage.alice])];
        for user in [&stage.alice, &stage.boss] {
            assert_eq!(stage.pages(user, &alone, 50).await, [vec!["c0000", "c0999"], vec![], vec!["c2099"]]);
            assert_eq!(stage.pages(user, &alone, 1).await.concat(), ["c0000", "c0999", "c2099"]);
            let both = [field(Includes, &[&stage.alice, &stage.bob])];
            let pages = stage.pages(user, &both, 50).await;
            assert_eq!(pages.concat().len(), 2_097);
            assert!(pages.iter().all(|page| page.len() <= 50), "{pages:?}");
        }
        // Whoever is in few channels is who is looked at.
        let few = stage.world.user("few").await;
        let channel = stage.world.app.channel(&ChannelId::new("c2000").unwrap());
        stage.world.as_user(&stage.alice).create_channel_membership(&channel, &few, Default).await.unwrap();
        for user in [&stage.alice, &stage.boss] {
            assert_eq!(stage.pages(user, &[field(Includes, &[&few, &stage.bob])], 50).await, [["c2000"]]);
        }
    });
}
