//! Messages that are deleted while a flow is at them, or after it failed.

use super::*;

#[test]
fn msg_13_a_pending_message_that_is_deleted_is_never_sent_and_the_next_has_its_turn() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        let root = s.world.admin("root").await;
        let mut bobs = s.world.as_user(&s.bob).inbox().await.unwrap();
        let id = s.world.send(&s.bob, &s.channel, "first").await.unwrap();
        let call = s.the_call().await;
        s.world.send(&s.bob, &s.channel, "second").await.unwrap();
        for user in [&s.alice, &s.bob] {
            assert_eq!(
                refused(s.world.as_user(user).delete_channel_message(&s.channel, &id).await).0,
                Forbidden
            );
        }
        let was = s.world.as_user(&root).delete_channel_message(&s.channel, &id).await.unwrap();
        assert_eq!(was, Some(MessageStatus::Pending));
        assert_eq!(s.the_call().await.message("Content"), "second");
        let answer = s.answer(&call);
        let late = s.world.chime.channel_flow_callback(&answer);
        assert_eq!(s.world.refuses(late).await, (Conflict, "T-08"));
        assert_eq!(s.texts().await, NOTHING);
        let got = s.world.as_user(&s.bob).get_channel_message(&s.channel, &id).await;
        assert_eq!(refused(got), (NotFound, "E-06"));
        assert_eq!(s.world.as_user(&root).delete_channel_message(&s.channel, &id).await.unwrap(), None);
        let told = received(&mut bobs).await;
        let pending = ["PENDING_CREATE_CHANNEL_MESSAGE first", "PENDING_CREATE_CHANNEL_MESSAGE second"];
        assert_eq!(told, [pending[0], pending[1], "DENIED_CREATE_CHANNEL_MESSAGE first"]);
    });
}

#[test]
fn msg_13_a_failed_message_that_is_deleted_is_gone_for_its_sender_too() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        let root = s.world.admin("root").await;
        s.script.set_down(true);
        let id = s.world.send(&s.bob, &s.channel, "lost").await.unwrap();
        s.advance().await;
        let bobs = s.world.as_user(&s.bob);
        assert_eq!(bobs.get_channel_message_status(&s.channel, &id).await.unwrap(), MessageStatus::Failed);
        let was = s.world.as_user(&root).delete_channel_message(&s.channel, &id).await.unwrap();
        assert_eq!(was, Some(MessageStatus::Failed));
        assert_eq!(refused(bobs.get_channel_message(&s.channel, &id).await), (NotFound, "E-06"));
        s.world.days_later(1).await;
    });
}
