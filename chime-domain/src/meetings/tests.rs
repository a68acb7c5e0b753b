use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::events::MeetingEventType;
use super::report::{MediaReport, Presence};
use super::rules::{auto_end, features};
use super::types::{ContentResolution, MeetingFeatures, VideoResolution};
use super::{AUTO_END, notification_arns};
use crate::error::ErrorCode;
use crate::ids::{AttendeeId, MediaRegion, MeetingId};
use crate::limits::MEDIA_REGIONS;
use crate::ports::{Capabilities, MediaCapability, MediaPlacement};
use crate::text::{ExternalMeetingId, ExternalUserId, TenantId};
use crate::time::Timestamp;

fn attendee(n: u8) -> AttendeeId {
    AttendeeId::new(format!("00000000-0000-4000-8000-0000000000{n:02x}")).unwrap()
}

#[test]
fn mtg_13_there_are_18_media_regions_and_no_other_is_one() {
    assert_eq!(MEDIA_REGIONS.iter().collect::<BTreeSet<_>>().len(), 18);
    for region in MEDIA_REGIONS {
        assert_eq!(MediaRegion::new(region).unwrap().as_str(), region);
    }
    for text in ["", "us-east-3", "US-EAST-1", "us-east-1 ", "us-gov-west-1"] {
        let refusal = MediaRegion::new(text).unwrap_err().of("MediaRegion");
        assert_eq!((refusal.code(), refusal.rule()), (ErrorCode::BadRequest, "MTG-13"), "{text}");
    }
}

#[test]
fn mtg_12_the_region_of_a_meeting_that_names_none_is_us_east_1() {
    assert_eq!(MediaRegion::default_region().as_str(), "us-east-1");
}

#[test]
fn mtg_01_ids_of_meetings_are_uuids_in_lower_case() {
    assert!(MeetingId::new("01234567-89ab-4cde-8f01-23456789abcd").is_ok());
    for text in ["", "01234567-89AB-4cde-8f01-23456789abcd", "0123456789ab4cde8f0123456789abcd", "x"] {
        assert!(MeetingId::new(text).is_err(), "{text}");
    }
}

#[test]
fn mtg_10_mtg_16_and_mtg_25_ids_of_the_application_are_opaque_and_2_to_64_characters() {
    for (length, fits) in [(1, false), (2, true), (64, true), (65, false)] {
        assert_eq!(ExternalUserId::new("ß".repeat(length)).is_ok(), fits, "{length}");
        assert_eq!(ExternalMeetingId::new("m".repeat(length)).is_ok(), fits, "{length}");
    }
    assert!(ExternalUserId::new("\u{1f9ea} any # thing").is_ok());
    assert!(ExternalUserId::new("AWS:mine").is_err() && ExternalMeetingId::new("aws:mine").is_err());
    for (tenant, fits) in [("a", false), ("ab", true), ("aaab", true), ("xaaaa", false), ("a b", false)] {
        assert_eq!(TenantId::new(tenant).is_ok(), fits, "{tenant}");
    }
    assert!(!format!("{:?}", ExternalUserId::new("secret").unwrap()).contains("secret"));
}

#[test]
fn evt_03_queues_and_topics_have_to_be_in_us_east_1() {
    let arn =
        |service: &str, region: &str, name: &str| format!("arn:aws:{service}:{region}:123456789012:{name}");
    let of = |f: Option<&str>, t: Option<&str>, q: Option<&str>| {
        notification_arns(f, t, q).map_err(|refusal| refusal.rule())
    };
    let (queue, topic) = (arn("sqs", "us-east-1", "q"), arn("sns", "us-east-1", "t"));
    let function = arn("lambda", "eu-west-1", "function:f");
    let all = of(Some(&function), Some(&topic), Some(&queue)).unwrap();
    assert_eq!((&*all.queue.unwrap(), &*all.topic.unwrap()), (queue.as_str(), topic.as_str()));
    assert_eq!(of(None, None, Some(&arn("sqs", "us-west-2", "q"))), Err("EVT-03"));
    assert_eq!(of(None, Some(&arn("sns", "eu-west-1", "t")), None), Err("EVT-03"));
    for bad in ["", "q", "arn:aws:sqs:us-east-1:1:q", topic.as_str(), "arn:aws:sqs:us-east-1:123456789012:"] {
        assert_eq!(of(None, None, Some(bad)), Err("MTG-10"), "{bad}");
    }
    assert_eq!(of(None, None, Some(&arn("sqs", "us-east-1", &"q".repeat(1024)))), Err("MTG-10"));
    assert_eq!(of(Some(&queue), None, None), Err("MTG-10"));
}

#[test]
fn evt_09_there_are_17_types_of_events_with_a_prefix() {
    let names: BTreeSet<_> = MeetingEventType::ALL.iter().map(|each| each.name()).collect();
    assert_eq!(names.len(), 17);
    assert!(names.iter().all(|name| name.starts_with("chime:")));
    assert!(names.contains("chime:AttendeeContentVideoStopped") && names.contains("chime:MeetingStarted"));
}

#[test]
fn mtg_02_and_med_01_the_placement_has_its_eight_urls_over_secure_transports() {
    let id = MeetingId::new("01234567-89ab-4cde-8f01-23456789abcd").unwrap();
    let urls = MediaPlacement::at("chime.test:8443", "chime.test:3478", &id);
    assert_eq!(urls.signaling_url, format!("wss://chime.test:8443/control/{id}"));
    assert_eq!(urls.event_ingestion_url, format!("https://chime.test:8443/events/{id}"));
    assert_eq!(urls.audio_host_url, "chime.test:3478");
    let all = serde_json::to_value(&urls).unwrap();
    let names: BTreeSet<_> = all.as_object().unwrap().keys().map(String::as_str).collect();
    let documented = [
        "AudioFallbackUrl",
        "AudioHostUrl",
        "EventIngestionUrl",
        "ScreenDataUrl",
        "ScreenSharingUrl",
        "ScreenViewingUrl",
        "SignalingUrl",
        "TurnControlUrl",
    ];
    assert_eq!(names, documented.into());
}

#[test]
fn capabilities_follow_what_the_meeting_offers_row_by_row() {
    use MediaCapability::{None as No, Receive, Send, SendReceive};
    let with = |video, content| MeetingFeatures { video, content, ..MeetingFeatures::default() };
    let all = with(None, None);
    let no_video = with(Some(VideoResolution::None), None);
    let no_content = with(None, Some(ContentResolution::None));
    let neither = with(Some(VideoResolution::None), Some(ContentResolution::None));
    for (offered, video, content) in [
        (&all, SendReceive, SendReceive),
        (&no_video, Receive, SendReceive),
        (&no_content, SendReceive, No),
        (&neither, No, No),
    ] {
        let expected = Capabilities { audio: SendReceive, video, content };
        assert_eq!(features::default_capabilities(offered), expected);
    }
    for audio in MediaCapability::ALL {
        for video in MediaCapability::ALL {
            for content in MediaCapability::ALL {
                let wanted = Capabilities { audio, video, content };
                let fits = |offered| features::capabilities(offered, &wanted).is_ok();
                let receives = !content.receives() || video.receives();
                assert_eq!(fits(&all), receives, "{wanted:?}");
                assert_eq!(fits(&no_video), video == No && receives, "{wanted:?}");
                assert_eq!(fits(&no_content), content == No, "{wanted:?}");
                assert_eq!(fits(&neither), video == No && content == No, "{wanted:?}");
            }
        }
    }
    assert!(Send.sends() && !Send.receives() && Receive.receives() && !Receive.sends() && !No.sends());
}

#[test]
fn high_resolutions_need_a_count_of_at_most_25() {
    let of = |video, content, max_attendees| {
        features::features(&MeetingFeatures { video, content, max_attendees, echo_reduction: None }).is_ok()
    };
    let (hd, fhd) = (Some(VideoResolution::Hd), Some(VideoResolution::Fhd));
    for (count, plain, high) in [
        (None, true, false),
        (Some(0), false, false),
        (Some(1), true, true),
        (Some(25), true, true),
        (Some(26), true, false),
        (Some(250), true, false),
        (Some(251), false, false),
    ] {
        assert_eq!(of(hd, None, count), plain, "{count:?}");
        assert_eq!(of(fhd, None, count), high, "{count:?}");
        assert_eq!(of(None, Some(ContentResolution::Uhd), count), high, "{count:?}");
    }
}

#[test]
fn end_05_the_four_documented_conditions_end_meetings_and_no_other() {
    let rows: Vec<_> = AUTO_END.iter().map(|row| (row.rule, row.after.as_secs())).collect();
    assert_eq!(rows, [("END-01", 300), ("END-02", 1800), ("END-03", 1800), ("END-04", 86_400)]);
}

#[test]
fn end_03_a_share_that_somebody_looks_at_stops_its_timer_and_no_other() {
    let mut presence = Presence::begin(Timestamp::from_millis(0));
    let join = |presence: &mut Presence, n, content| {
        presence.take(&MediaReport::Joined { attendee: attendee(n), content });
        auto_end::settle(presence, Timestamp::from_millis(1000));
    };
    join(&mut presence, 1, false);
    join(&mut presence, 1, true);
    let since = |at: [Option<i64>; 4]| at.map(|at| at.map(Timestamp::from_millis));
    assert_eq!(presence.since, since([None, Some(0), Some(0), Some(0)]), "nobody else looks");
    join(&mut presence, 2, true);
    assert_eq!(presence.since, since([None, Some(0), None, Some(0)]));
    join(&mut presence, 2, false);
    assert_eq!(presence.since, since([None, None, None, Some(0)]));
}

fn report() -> impl Strategy<Value = MediaReport> {
    let about = (0u8..4, any::<bool>(), 0u8..6);
    about.prop_map(|(n, content, kind)| {
        let attendee = attendee(n);
        match kind {
            0 => MediaReport::Joined { attendee, content },
            1 => MediaReport::Left { attendee, content },
            2 => MediaReport::Dropped { attendee, content },
            3 => MediaReport::VideoStarted { attendee, content },
            4 => MediaReport::VideoStopped { attendee, content },
            _ => MediaReport::Authorized { attendee, content },
        }
    })
}

proptest! {
    #[test]
    fn a_report_told_twice_is_told_once(reports in proptest::collection::vec(report(), 0..40)) {
        let mut presence = Presence::begin(Timestamp::from_millis(0));
        for report in reports {
            presence.take(&report);
            let once = presence.clone();
            let again = presence.take(&report);
            prop_assert_eq!(&presence, &once);
            let authorized = matches!(report, MediaReport::Authorized { content: false, .. });
            prop_assert!(again.is_empty() || authorized);
        }
        prop_assert!(presence.video.is_subset(&presence.attendees));
        prop_assert!(presence.content_video.is_subset(&presence.content));
    }

    /// The timers against a naive model, which remembers every moment and asks how long each condition has held.
    #[test]
    fn end_01_to_04_and_06_the_timers_agree_with_a_memory_of_every_moment(
        steps in proptest::collection::vec((report(), 1u64..900), 1..60),
    ) {
        let at = |seconds: u64| Timestamp::from_millis(i64::try_from(seconds).unwrap() * 1000);
        let mut presence = Presence::begin(at(0));
        // Who was there from which second on.
        let mut history: Vec<(u64, Presence)> = vec![(0, presence.clone())];
        let mut now = 0;
        for (report, seconds) in steps {
            now += seconds;
            if auto_end::due(&presence) <= at(now) {
                break;
            }
            presence.take(&report);
            auto_end::settle(&mut presence, at(now));
            history.push((now, presence.clone()));
        }
        let last = history.last().unwrap().0;
        let held = |holds: &dyn Fn(&Presence) -> bool| {
            let since = history.iter().rev().take_while(|(_, then)| holds(then)).last();
            since.map(|(from, _)| *from)
        };
        let ends = [
            held(&|then| then.attendees.is_empty()).map(|from| from + 300),
            held(&|then| then.attendees.len() < 2).map(|from| from + 1800),
            Some(86_400),
        ];
        let expected = ends.into_iter().flatten().min().unwrap();
        prop_assert_eq!(auto_end::due(&presence), at(expected) + Duration::from_millis(1), "after {}", last);
    }

    #[test]
    fn any_text_is_an_arn_of_a_target_or_is_refused_without_a_panic(text in ".{0,80}") {
        let _ = notification_arns(Some(&text), Some(&text), Some(&text));
        let _ = MeetingId::new(&text);
        let _ = TenantId::new(&text);
    }
}
