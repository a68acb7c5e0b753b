//! What is told of meetings.

use super::*;

#[test]
fn evt_01_02_and_07_events_go_to_the_bus_a_queue_a_topic_and_a_function_each_by_itself() {
    run(async {
        let place = Place::new().await;
        let meetings = place.chime().meetings();
        let arn = |text: &str| format!("arn:aws:{text}");
        let queue = arn("sqs:us-east-1:123456789012:q");
        let topic = arn("sns:us-east-1:123456789012:t");
        let function = arn("lambda:us-east-1:123456789012:function:f");
        let mut command = creation("t0");
        command.notifications = notification_arns(Some(&function), Some(&topic), Some(&queue)).unwrap();
        let down = [EventTarget::Queue(queue.into()), EventTarget::Standing("bus".into())];
        place.events.fail(&down);
        let meeting = meetings.create_meeting(&command).await.unwrap();
        place.world.later(Duration::ZERO).await;
        let told = place.events.told();
        assert_eq!(told.len(), 2);
        assert_eq!(told[0].1, told[1].1, "the same content to all");
        place.world.later(Duration::from_secs(10)).await;
        assert_eq!(place.events.told(), [], "who was told is not told again");
        place.events.fail(&[]);
        place.world.later(Duration::from_secs(60)).await;
        let late = place.events.told();
        assert_eq!(late.iter().map(|(target, _)| target).collect::<Vec<_>>(), [&down[1], &down[0]]);
        assert_eq!(late[0].1, told[0].1);
        meetings.delete_meeting(&meeting.id).await.unwrap();
        place.events.fail(&down);
        place.world.later(60 * MINUTE).await;
        assert_eq!(place.left().await, Vec::<String>::new(), "retries are bounded");
    });
}

#[test]
fn evt_08_and_mtg_17_the_envelope_is_the_documented_one() {
    run(async {
        let place = Place::new().await;
        let mut command = creation("t0");
        command.external_id = Some(ExternalMeetingId::new("standup").unwrap());
        let meeting = place.chime().meetings().create_meeting(&command).await.unwrap();
        place.world.later(Duration::ZERO).await;
        let (_, event) = place.events.told().remove(0);
        let id = event["id"].clone();
        assert_eq!(
            event,
            serde_json::json!({
                "version": "0", "id": id, "detail-type": "Chime Meeting State Change", "source": "aws.chime",
                "account": "123456789012", "time": "2021-01-11T22:12:31.123Z", "region": "us-east-1",
                "resources": [],
                "detail": {
                    "version": "0", "eventType": "chime:MeetingStarted", "timestamp": 1_610_403_151_123_i64,
                    "meetingId": meeting.id.as_str(), "externalMeetingId": "standup", "mediaRegion": "us-east-1",
                },
            })
        );
        let alice = place.attendee(&meeting, "alice").await;
        place.joins(&meeting, &alice).await;
        place.world.later(Duration::ZERO).await;
        let told = place.events.told();
        let details: Vec<_> = told.iter().map(|(_, event)| &event["detail"]).collect();
        let of = |name: &str| details.iter().find(|detail| detail["eventType"] == name).unwrap();
        for (name, network) in [("chime:AttendeeAdded", None), ("chime:AttendeeJoined", Some("Voip"))] {
            let detail = of(name);
            assert_eq!(detail["attendeeId"], alice.id.as_str());
            assert_eq!(detail["externalUserId"], "alice");
            assert_eq!(detail.get("networkType").and_then(|network| network.as_str()), network);
        }
    });
}

#[test]
fn evt_04_and_09_each_of_the_17_events_is_told_when_it_happens() {
    run(async {
        for (screen_shares, expected) in [(true, 17), (false, 15)] {
            let place =
                Place::with(NotedEvents::standing(), |settings| settings.screen_share_events = screen_shares)
                    .await;
            let meetings = place.chime().meetings();
            let meeting = place.meeting("t0").await;
            let (alice, bob) =
                (place.attendee(&meeting, "alice").await, place.attendee(&meeting, "bob").await);
            let attendee = alice.id.clone();
            for content in [false, true] {
                for report in [
                    MediaReport::Authorized { attendee: attendee.clone(), content },
                    MediaReport::Joined { attendee: attendee.clone(), content },
                    MediaReport::VideoStarted { attendee: attendee.clone(), content },
                    MediaReport::VideoStopped { attendee: attendee.clone(), content },
                    MediaReport::Left { attendee: attendee.clone(), content },
                    MediaReport::Joined { attendee: attendee.clone(), content },
                    MediaReport::Dropped { attendee: attendee.clone(), content },
                ] {
                    place.report(&meeting, report.clone()).await;
                }
            }
            meetings.delete_attendee(&meeting.id, &bob.id).await.unwrap();
            meetings.delete_meeting(&meeting.id).await.unwrap();
            place.world.later(Duration::ZERO).await;
            let mut types = place.events.types();
            let of = |name: &str| types.iter().filter(|each| *each == name).count();
            assert_eq!((of("MeetingStarted"), of("MeetingEnded"), of("AttendeeJoined")), (1, 1, 2));
            types.dedup();
            assert_eq!(types.len(), expected, "{types:?}");
        }
    });
}

#[test]
fn who_is_deleted_while_connected_has_left_and_reports_of_it_say_nothing_new() {
    run(async {
        let place = Place::new().await;
        let meetings = place.chime().meetings();
        let meeting = place.meeting("t0").await;
        let alice = place.attendee(&meeting, "alice").await;
        place.joins(&meeting, &alice).await;
        place.world.later(Duration::ZERO).await;
        place.events.told();
        meetings.delete_attendee(&meeting.id, &alice.id).await.unwrap();
        place.leaves(&meeting, &alice).await;
        place.world.later(Duration::ZERO).await;
        assert_eq!(place.events.types(), ["AttendeeDeleted", "AttendeeLeft"]);
    });
}

#[test]
fn when_nobody_listens_nothing_is_kept_of_events() {
    run(async {
        let place = Place::quiet().await;
        let meeting = place.meeting("t0").await;
        place.attendee(&meeting, "alice").await;
        assert!(!dump(place.chime()).await.iter().any(|line| line.starts_with("meeting-event")));
    });
}
