//! An offer that is read is answered section by section.
#![no_main]

use chime_media::sdp::{Answer, AnswerSection, Offer};
use chime_media::transport::Credentials;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(offer) = Offer::parse(text) else { return };
    let each = [
        AnswerSection::Audio { ssrc: 1 },
        AnswerSection::Camera,
        AnswerSection::Video { ssrc: 2, repair: 3 },
        AnswerSection::Inactive,
        AnswerSection::Rejected,
    ];
    let sections: Vec<AnswerSection> = each.into_iter().cycle().take(offer.sections.len()).collect();
    let credentials = Credentials { ufrag: "ours".into(), password: "0123456789012345678901".into() };
    let answer = Answer {
        offer: &offer,
        credentials: &credentials,
        fingerprint: "AA:BB",
        candidates: &[],
        tcp_candidates: &[],
        cname: "us",
        version: 1,
        sections: &sections,
    };
    let text = answer.text();
    assert_eq!(text.lines().filter(|line| line.starts_with("m=")).count(), sections.len());
});
