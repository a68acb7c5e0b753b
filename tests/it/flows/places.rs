//! Flows of elastic channels.

use chime_domain::access::MembershipType::Default;
use chime_domain::ids::SubChannelId;
use chime_domain::messaging::{CreateChannel, ElasticChannelConfiguration};

use super::*;

#[test]
fn a_processor_is_told_the_sub_channel_and_calls_back_for_that_one() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        let mut command = CreateChannel::new(s.world.app.clone(), name("arena"));
        command.elastic = Some(ElasticChannelConfiguration::new(4, 2, 10, 1_000).unwrap());
        let alices = s.world.as_user(&s.alice);
        let arena = alices.create_channel(command).await.unwrap();
        let bob = alices.create_channel_membership(&arena, &s.bob, Default).await.unwrap();
        alices.associate_channel_flow(&arena, &s.flow).await.unwrap();
        s.world.send(&s.bob, &arena, "hello").await.unwrap();
        s.world.chime.advance_flow(&arena).await.unwrap();
        let call = s.script.calls().remove(0);
        assert_eq!(call.message("SubChannelId"), bob.sub_channels[0].as_str());

        let id = MessageId::new(call.message("MessageId")).unwrap();
        let mut callback = ChannelFlowCallback::new(arena.clone(), call.callback(), id);
        callback.sub_channel = Some(SubChannelId::new("another").unwrap());
        let wrong = s.world.refuses(s.world.chime.channel_flow_callback(&callback)).await;
        assert_eq!(wrong, (BadRequest, "W-17"));
        callback.sub_channel = bob.sub_channels.first().cloned();
        s.world.chime.channel_flow_callback(&callback).await.unwrap();
        assert_eq!(s.world.texts(&s.bob, &arena).await, ["hello"]);

        // Where there are no sub-channels none is told, and none can be named.
        s.world.send(&s.bob, &s.channel, "plain").await.unwrap();
        let call = s.the_call().await;
        assert!(call.event["ChannelMessage"].get("SubChannelId").is_none());
        let mut callback = s.answer(&call);
        callback.sub_channel = bob.sub_channels.first().cloned();
        let wrong = s.world.refuses(s.world.chime.channel_flow_callback(&callback)).await;
        assert_eq!(wrong, (BadRequest, "W-17"));
        s.pass(&call).await;
    });
}
