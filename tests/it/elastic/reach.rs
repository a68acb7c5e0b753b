//! Who reaches which sub-channel.

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
