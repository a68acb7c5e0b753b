//! Moderators are members beside those that fill a sub-channel.

use super::*;

/// Adds a moderator to a sub-channel.
async fn add(s: &Setting, who: &AppInstanceUserArn, sub: &SubChannelId) {
    let mia = s.world.as_user(&s.mia);
    mia.in_sub_channel(Some(sub)).create_channel_membership(&s.channel, who, Default).await.unwrap();
}

#[test]
fn moderators_neither_fill_a_sub_channel_nor_count_among_its_members() {
    run(async {
        let s = Setting::new(2, 2, 10).await;
        let (_, one) = s.join("u0").await;
        add(&s, &s.mia, &one).await;
        assert_eq!(s.join("u1").await.1, one, "there is room for another member");
        let root = s.world.admin("root").await;
        let mo = s.world.user("mo").await;
        s.world.as_user(&root).create_channel_moderator(&s.channel, &mo).await.unwrap();
        add(&s, &mo, &one).await;
        assert_eq!(s.sub_channels().await, BTreeMap::from([(one.clone(), 2)]), "full, and none is beyond");
        assert_eq!(s.members(&one).await, ["mia", "mo", "u0", "u1"].map(str::to_owned).into());
        let (_, two) = s.join("u2").await;
        add(&s, &s.mia, &two).await;
        // However they leave, what is counted stays.
        s.world
            .as_user(&s.mia)
            .in_sub_channel(Some(&one))
            .delete_channel_membership(&s.channel, &s.mia)
            .await
            .unwrap();
        s.world.as_user(&root).delete_channel_moderator(&s.channel, &mo).await.unwrap();
        s.leave(&s.mia).await;
        assert_eq!(s.sub_channels().await, BTreeMap::from([(one.clone(), 2), (two, 1)]));
        assert_eq!(s.members(&one).await, ["u0", "u1"].map(str::to_owned).into());
    });
}

#[test]
fn moderators_do_not_keep_a_sub_channel_that_has_too_few_members() {
    run(async {
        // At least ceil(40% of 5) = 2 members.
        let s = Setting::new(4, 5, 40).await;
        let mut users = Vec::new();
        for n in 0..7 {
            users.push(s.join(&format!("u{n}")).await);
        }
        let (one, two) = (users[0].1.clone(), users[6].1.clone());
        add(&s, &s.mia, &one).await;
        add(&s, &s.mia, &two).await;
        s.leave(&users[0].0).await;
        s.leave(&users[6].0).await;
        s.world.later(Duration::from_secs(11)).await;
        assert_eq!(s.sub_channels().await, BTreeMap::from([(one.clone(), 5)]));
        let everybody = ["mia", "u1", "u2", "u3", "u4", "u5"].map(str::to_owned);
        assert_eq!(s.members(&one).await, everybody.into());
    });
}
