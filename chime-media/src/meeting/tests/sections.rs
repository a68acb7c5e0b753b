//! Offers with other sections than browsers with a microphone have.

use crate::event::Farewell;
use crate::ids::{Attendee, Capabilities, SessionId};
use crate::signal::proto::{FrameType, Join, SignalFrame, Subscribe};
use crate::signal::{decode, encode};
use crate::testing::World;

const GUEST: SessionId = SessionId(900);

/// Somebody who offers these sections, media and direction of each; tells the answer.
pub(super) fn guest(world: &mut World, sections: &[(&str, &str)]) -> String {
    let attendee = Attendee {
        id: "guest".into(),
        external_user_id: "user-guest".into(),
        content: false,
        capabilities: Capabilities::default(),
        replica: None,
    };
    world.meeting.connect(GUEST, attendee);
    let join = SignalFrame { join: Some(Join::default()), ..SignalFrame::new(1, FrameType::Join) };
    world.meeting.message(world.now, GUEST, &encode(&join)).unwrap();
    subscribe(world, sections)
}

fn subscribe(world: &mut World, sections: &[(&str, &str)]) -> String {
    let mut offer = String::from("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n");
    let fingerprint = crate::testing::identity().fingerprint();
    for (mid, (kind, direction)) in sections.iter().enumerate() {
        let (payload, codec) = if *kind == "audio" { (111, "opus/48000/2") } else { (96, "VP8/90000") };
        for line in [
            format!("m={kind} 9 UDP/TLS/RTP/SAVPF {payload}"),
            "c=IN IP4 0.0.0.0".into(),
            "a=ice-ufrag:abcdefgh".into(),
            "a=ice-pwd:abcdefghabcdefghabcdefgh".into(),
            format!("a=fingerprint:sha-256 {fingerprint}"),
            "a=setup:actpass".into(),
            format!("a=mid:{mid}"),
            format!("a={direction}"),
            "a=rtcp-mux".into(),
            format!("a=rtpmap:{payload} {codec}"),
        ] {
            offer.push_str(&line);
            offer.push_str("\r\n");
        }
    }
    let sub = Some(Subscribe { sdp_offer: Some(offer), ..Subscribe::default() });
    let subscribe = SignalFrame { sub, ..SignalFrame::new(1, FrameType::Subscribe) };
    world.meeting.message(world.now, GUEST, &encode(&subscribe)).unwrap();
    world.flush();
    let told = std::mem::take(&mut world.told);
    let mut answers = told.iter().filter_map(|message| decode(message).unwrap().suback?.sdp_answer);
    answers.next_back().unwrap()
}

/// Direction of each section, and whether it has a source of ours.
fn directions(answer: &str) -> Vec<(&str, bool)> {
    let direction =
        |section: &'static str, text: &str| text.contains(&format!("a={section}\r\n")).then_some(section);
    answer
        .split("m=")
        .skip(1)
        .map(|text| {
            let known = ["sendrecv", "sendonly", "recvonly", "inactive"];
            let found = known.into_iter().find_map(|each| direction(each, text)).unwrap();
            (found, text.contains("a=ssrc:"))
        })
        .collect()
}

#[test]
fn audio_is_answered_as_far_as_it_is_offered() {
    let mut world = World::new(81);
    for (offered, answered) in [
        ("sendrecv", ("sendrecv", true)),
        ("recvonly", ("sendonly", true)),
        ("sendonly", ("recvonly", false)),
        ("inactive", ("inactive", false)),
    ] {
        let answer = guest(&mut world, &[("audio", offered)]);
        assert_eq!(directions(&answer), [answered], "{offered}");
        world.meeting.disconnected(world.now, GUEST);
        world.meeting.remove(world.now, "guest", Farewell::Removed);
    }
}

#[test]
fn whoever_has_no_microphone_hears_in_the_section_it_listens_in() {
    let mut world = World::new(82);
    let without = [("audio", "inactive"), ("video", "inactive"), ("audio", "recvonly")];
    let expected = [("inactive", false), ("inactive", false), ("sendonly", true)];
    assert_eq!(directions(&guest(&mut world, &without)), expected);
    // With one from now on: the mix stays where it is.
    let with = [("audio", "sendrecv"), ("video", "inactive"), ("audio", "recvonly")];
    let expected = [("recvonly", false), ("inactive", false), ("sendonly", true)];
    assert_eq!(directions(&subscribe(&mut world, &with)), expected);
    let only = [("audio", "sendrecv"), ("video", "inactive"), ("audio", "inactive")];
    let expected = [("sendrecv", true), ("inactive", false), ("inactive", false)];
    assert_eq!(directions(&subscribe(&mut world, &only)), expected);
}
