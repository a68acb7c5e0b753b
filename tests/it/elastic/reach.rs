//! Who reaches which sub-channel.

use chime_domain::access::Privacy::{Private, Public};

use super::*;

#[test]
fn a_target_is_a_member_of_the_sub_channel_that_the_message_goes_to() {
    run(async {
        let s = Setting::new(4, 2, 10).await;
        let ((ada, one), (ben, _), (cleo, two)) =
            (s.join("ada").await, s.join("ben").await, s.join("cleo").await);
        assert_ne!(one, two);
        let to = |target: &AppInstanceUserArn| {
            let mut message = s.message("psst");
            message.target = Some(target.clone());
            message
        };
        let adas = s.world.as_user(&ada);
        for elsewhere in [&cleo, &s.mia] {
            assert_eq!(s.world.refuses(adas.send_channel_message(to(elsewhere))).await, (BadRequest, "W-17"));
        }
        let mut inbox = s.world.as_user(&ben).inbox().await.unwrap();
        adas.send_channel_message(to(&ben)).await.unwrap();
        assert_eq!(received(&mut inbox).await, ["CREATE_CHANNEL_MESSAGE psst"]);
    });
}

#[test]
fn in_a_public_channel_members_read_other_sub_channels_as_strangers_do_and_in_a_private_one_neither() {
    run(async {
        for privacy in [Public, Private] {
            let s = Setting::of(privacy, ElasticChannelConfiguration::new(4, 2, 10, 1_000).unwrap()).await;
            let ((ada, one), _, (cleo, two)) =
                (s.join("ada").await, s.join("ben").await, s.join("cleo").await);
            let id = s.world.as_user(&cleo).send_channel_message(s.message("hi")).await.unwrap().id;
            let (stranger, page) = (s.world.user("stranger").await, PageRequest::default());
            for reader in [&ada, &stranger] {
                let there = s.world.as_user(reader).in_sub_channel(Some(&two));
                let got = there.get_channel_message(&s.channel, &id).await.map(drop);
                let command = ListChannelMessages::new(s.channel.clone());
                let listed = there.list_channel_messages(&command).await.map(drop);
                let members = there.list_channel_memberships(&s.channel, None, &page).await.map(drop);
                for read in [got, listed, members] {
                    match privacy {
                        Public => read.unwrap(),
                        Private => assert_eq!(refused(read).0, Forbidden),
                    }
                }
                let send = s.world.refuses(there.send_channel_message(s.message("no"))).await;
                assert_eq!(send.0, Forbidden, "reading is all");
            }
            let mia = s.world.as_user(&s.mia).in_sub_channel(Some(&two));
            let hidden = mia.list_channel_memberships(&s.channel, Some(Hidden), &page).await.unwrap();
            assert_eq!(hidden.items, [], "an elastic channel has none");
            // Where it does not say, a member of one sub-channel means that one.
            s.world.as_user(&ada).send_channel_message(s.message("own")).await.unwrap();
            assert_eq!(s.texts(&ada, None).await, ["own"]);
            assert_eq!(s.texts(&ada, Some(&one)).await, ["own"]);
        }
    });
}
