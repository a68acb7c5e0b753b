//! What attendees are told of the relay when they join.

use std::sync::Arc;
use std::time::Duration;

use crate::audio::{self, Channels};
use crate::config::{Config, Limits, TurnService};
use crate::event::Output;
use crate::ids::{Attendee, Capabilities, SessionId};
use crate::meeting::Meeting;
use crate::signal::proto::{FrameType, Join, SignalFrame, TurnCredentials};
use crate::signal::{decode, encode};
use crate::testing::{Beacon, identity, start};

/// Wall clock when the meeting begins, in seconds.
const WALL: u64 = 1_700_000_000;

#[test]
fn credentials_are_good_from_the_join_on_however_long_the_meeting_lasts() {
    let ttl = Duration::from_secs(3600);
    let turn = TurnService { uris: vec!["turn:192.0.2.1:3478".into()], ttl, secret: [7; 32] };
    let config = Arc::new(Config { turn: Some(turn.clone()), ..Config::default() });
    let audio = audio::Config { channels: Channels::Mono, ..audio::Config::default() };
    let identity = identity().clone();
    let limits = Limits::default();
    let mut meeting =
        Meeting::new(config, limits, identity, audio, Beacon, start(), WALL * 1_000_000_000).unwrap();
    for (number, after) in [(1, 0), (2, 26 * 3600)] {
        let told = joined(&mut meeting, SessionId(number), Duration::from_secs(after));
        let (username, password) = turn.credentials("ann", WALL + after);
        assert_eq!((told.username, told.password), (Some(username), Some(password)));
        assert_eq!((told.ttl, told.uris), (Some(3600), turn.uris.clone()));
    }
}

fn joined(meeting: &mut Meeting<Beacon>, id: SessionId, after: Duration) -> TurnCredentials {
    let now = start() + after;
    let attendee = Attendee {
        id: "ann".into(),
        external_user_id: "user".into(),
        content: false,
        capabilities: Capabilities::default(),
        replica: None,
    };
    meeting.connect(id, attendee);
    let frame = SignalFrame { join: Some(Join::default()), ..SignalFrame::new(0, FrameType::Join) };
    meeting.message(now, id, &encode(&frame)).unwrap();
    let outputs = std::iter::from_fn(|| meeting.poll_output());
    let frames = outputs.filter_map(|output| match output {
        Output::Signal { session, message } if session == id => decode(&message).ok(),
        _ => None,
    });
    frames.filter_map(|frame| frame.joinack?.turn_credentials).next().expect("a JOIN_ACK")
}
