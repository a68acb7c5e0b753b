//! When meetings end by themselves.

use super::*;

#[test]
fn end_01_a_meeting_that_nobody_joins_ends_after_more_than_5_minutes() {
    run(async {
        let place = Place::new().await;
        let meeting = place.meeting("t0").await;
        place.world.later(5 * MINUTE).await;
        assert!(place.lives(&meeting).await, "at five minutes it has not been more than five");
        place.events.told();
        place.world.later(Duration::from_millis(1)).await;
        assert!(!place.lives(&meeting).await);
        assert_eq!(place.events.types(), ["MeetingEnded"]);
        assert_eq!(place.media.told(), [format!("end {} {}", meeting.id, NotedMedia::NODE)]);
    });
}

#[test]
fn end_06_who_comes_back_at_4_59_clears_the_timer_of_5_minutes() {
    run(async {
        let place = Place::quiet().await;
        let meeting = place.meeting("t0").await;
        let (alice, bob) = (place.attendee(&meeting, "alice").await, place.attendee(&meeting, "bob").await);
        place.world.later(Duration::from_secs(299)).await;
        place.joins(&meeting, &alice).await;
        place.joins(&meeting, &bob).await;
        place.world.later(60 * MINUTE).await;
        assert!(place.lives(&meeting).await);
        place.leaves(&meeting, &alice).await;
        place.leaves(&meeting, &bob).await;
        place.world.later(Duration::from_secs(299)).await;
        place.joins(&meeting, &alice).await;
        place.world.later(Duration::from_secs(2)).await;
        assert!(place.lives(&meeting).await);
        place.leaves(&meeting, &alice).await;
        place.world.later(5 * MINUTE).await;
        assert!(place.lives(&meeting).await);
        place.world.later(MINUTE).await;
        assert!(!place.lives(&meeting).await);
    });
}

#[test]
fn end_02_one_alone_keeps_a_meeting_for_30_minutes_and_two_keep_it() {
    run(async {
        let place = Place::quiet().await;
        let meeting = place.meeting("t0").await;
        let (alice, bob) = (place.attendee(&meeting, "alice").await, place.attendee(&meeting, "bob").await);
        place.joins(&meeting, &alice).await;
        place.world.later(20 * MINUTE).await;
        place.joins(&meeting, &bob).await;
        place.world.later(120 * MINUTE).await;
        place.leaves(&meeting, &bob).await;
        place.world.later(30 * MINUTE).await;
        assert!(place.lives(&meeting).await);
        place.world.later(Duration::from_secs(1)).await;
        assert!(!place.lives(&meeting).await);
    });
}

#[test]
fn a_node_that_the_meeting_has_left_has_nothing_to_say_of_it() {
    run(async {
        let place = Place::quiet().await;
        let meeting = place.meeting("t0").await;
        let (alice, bob) = (place.attendee(&meeting, "alice").await, place.attendee(&meeting, "bob").await);
        place.joins(&meeting, &alice).await;
        place.joins(&meeting, &bob).await;
        let chime = place.chime();
        for attendee in [&alice, &bob] {
            let dropped = MediaReport::Dropped { attendee: attendee.id.clone(), content: false };
            chime.meetings().report(&meeting.id, "a node of before", dropped).await.unwrap();
        }
        place.world.later(60 * MINUTE).await;
        assert!(place.lives(&meeting).await);
    });
}

#[test]
fn end_03_a_content_share_is_no_audio_connection_and_keeps_nothing_alive() {
    run(async {
        let place = Place::quiet().await;
        let meeting = place.meeting("t0").await;
        let alice = place.attendee(&meeting, "alice").await;
        place.joins(&meeting, &alice).await;
        let share = MediaReport::Joined { attendee: alice.id.clone(), content: true };
        place.report(&meeting, share).await;
        place.world.later(30 * MINUTE).await;
        assert!(place.lives(&meeting).await);
        place.world.later(Duration::from_secs(1)).await;
        assert!(!place.lives(&meeting).await);
    });
}

#[test]
fn end_03_a_meeting_of_two_that_talk_does_not_end_because_nobody_shares() {
    run(async {
        let place = Place::quiet().await;
        let meeting = place.meeting("t0").await;
        for name in ["alice", "bob"] {
            let attendee = place.attendee(&meeting, name).await;
            place.joins(&meeting, &attendee).await;
        }
        place.world.later(23 * 60 * MINUTE).await;
        assert!(place.lives(&meeting).await);
    });
}

#[test]
fn end_04_after_24_hours_a_meeting_ends_whatever_goes_on() {
    run(async {
        let place = Place::quiet().await;
        let meeting = place.meeting("t0").await;
        for name in ["alice", "bob", "carol"] {
            let attendee = place.attendee(&meeting, name).await;
            place.joins(&meeting, &attendee).await;
        }
        place.world.days_later(1).await;
        assert!(place.lives(&meeting).await);
        place.world.later(Duration::from_millis(1)).await;
        assert!(!place.lives(&meeting).await);
        assert_eq!(place.left().await, Vec::<String>::new());
    });
}

#[test]
fn a_node_that_starts_anew_has_no_connections() {
    run(async {
        let place = Place::new().await;
        let meetings = place.chime().meetings();
        let meeting = place.meeting("t0").await;
        for name in ["alice", "bob"] {
            let attendee = place.attendee(&meeting, name).await;
            place.joins(&meeting, &attendee).await;
            place.report(&meeting, MediaReport::Joined { attendee: attendee.id, content: true }).await;
        }
        place.world.later(10 * MINUTE).await;
        place.events.told();
        assert_eq!(meetings.reset("another").await.unwrap(), 0);
        assert_eq!(meetings.reset(NotedMedia::NODE).await.unwrap(), 1);
        assert_eq!(meetings.reset(NotedMedia::NODE).await.unwrap(), 1);
        place.world.later(Duration::ZERO).await;
        let twice = |name: &str| [name.to_owned(), name.to_owned()];
        let expected = [twice("AttendeeContentDropped"), twice("AttendeeDropped")].concat();
        assert_eq!(place.events.types(), expected);
        place.world.later(6 * MINUTE).await;
        assert!(!place.lives(&meeting).await);
    });
}
