//! Clients that do what none should, and packets of nobody's: they are left out, memory stays bounded, others go on.

use std::net::SocketAddr;
use std::time::Duration;

use super::SECOND;
use crate::client::{Client, Event, Random, Show};
use crate::ids::SessionId;
use crate::signal::proto::{FrameType, SignalFrame, StreamServiceType, Subscribe};
use crate::signal::{FrameError, encode};
use crate::testing::World;
use crate::transport::stun;

/// Ann talks, bob listens, and mallory does what the test says.
fn world(seed: u64) -> (World, SessionId, SessionId, SessionId) {
    let mut world = World::new(seed);
    let (ann, bob, mallory) = (world.join("ann"), world.join("bob"), world.join("mallory"));
    world.actor(ann).talks = true;
    world.run(2 * SECOND);
    (world, ann, bob, mallory)
}

/// Runs for a time in which mallory does something every 10 ms; then nothing of ann may be missing at bob.
fn unharmed(
    world: &mut World,
    ann: SessionId,
    bob: SessionId,
    seconds: u32,
    mut what: impl FnMut(&mut World),
) {
    let (from, slot) = (world.now, world.actor(ann).slot);
    for _ in 0..seconds * 100 {
        what(world);
        world.run(Duration::from_millis(10));
    }
    let to = world.now;
    let heard = world.actor(bob).ear.count(slot, from, to);
    let expected = usize::try_from(seconds).unwrap() * 50;
    assert!(heard + 1 >= expected, "{heard} of {expected} frames");
    assert_eq!(world.client(bob).hearing().lost, 0);
    assert_eq!(world.client(bob).roster().names().get("ann"), Some(&false), "bob still knows ann");
}

#[test]
fn frames_that_are_none_change_nothing() {
    let (mut world, ann, bob, mallory) = world(41);
    let mut random = Random::new(41);
    let real =
        encode(&SignalFrame { sub: Some(Subscribe::default()), ..SignalFrame::new(1, FrameType::Subscribe) });
    unharmed(&mut world, ann, bob, 3, |world| {
        let mut bytes = vec![0; random.below(300) as usize];
        random.fill(&mut bytes);
        let _refused = world.meeting.message(world.now, mallory, &bytes);
        let mut close = real.clone();
        let at = random.below(close.len() as u64) as usize;
        close[at] ^= random.number() as u8;
        close.truncate(1 + random.below(close.len() as u64) as usize);
        let _refused = world.meeting.message(world.now, mallory, &close);
    });
}

#[test]
fn a_flood_of_frames_is_left_out() {
    let (mut world, ann, bob, mallory) = world(42);
    let ping = {
        use crate::signal::proto::{PingPong, PingPongType};
        let ping_pong = Some(PingPong { kind: PingPongType::Ping.into(), ping_id: 7 });
        encode(&SignalFrame { ping_pong, ..SignalFrame::new(1, FrameType::PingPong) })
    };
    let (mut taken, mut left) = (0, 0);
    unharmed(&mut world, ann, bob, 2, |world| {
        for _ in 0..200 {
            match world.meeting.message(world.now, mallory, &ping) {
                Ok(()) => taken += 1,
                Err(error) => {
                    assert_eq!(error, FrameError::TooMany);
                    left += 1;
                }
            }
        }
    });
    assert!((4000..5000).contains(&taken), "{taken} taken, {left} left out");
}

#[test]
fn offers_that_are_too_large_or_none_are_refused() {
    let (mut world, ann, bob, mallory) = world(43);
    let offers = ["v=0".to_owned(), String::new(), format!("v=0\r\n{}", "a=x\r\n".repeat(90_000))];
    for offer in offers {
        let subscribe = Subscribe {
            duplex: Some(StreamServiceType::Rx.into()),
            sdp_offer: Some(offer),
            ..Subscribe::default()
        };
        let frame = SignalFrame { sub: Some(subscribe), ..SignalFrame::new(1, FrameType::Subscribe) };
        let _answered = world.meeting.message(world.now, mallory, &encode(&frame));
        world.run(SECOND);
    }
    let refused =
        world.actor(mallory).events.iter().filter(|(_, event)| *event == Event::Refused(400)).count();
    assert_eq!(refused, 3);
    assert_eq!(
        world.meeting.message(world.now, mallory, &vec![5; 600_000]),
        Err(FrameError::TooLarge(600_000))
    );
    unharmed(&mut world, ann, bob, 1, |_| {});
}

/// What the meeting sends back for a datagram, in octets.
fn answer(world: &mut World, id: SessionId, from: SocketAddr, datagram: &[u8]) -> usize {
    world.flush();
    world.meeting.datagram(world.now, id, from, &mut datagram.to_vec());
    let octets = world.meeting.datagrams().iter().map(|(_, datagram)| datagram.len()).sum();
    world.meeting.datagrams().clear();
    octets
}

#[test]
fn nobody_else_is_answered_and_nothing_is_amplified() {
    let (mut world, _, bob, _) = world(44);
    let ours = world.meeting.sessions[&bob].peer.as_ref().unwrap().transport.credentials().clone();
    let identity = crate::testing::identity();
    let check =
        |name: &str, password: &str| stun::request(name, password, [7; 12], identity.crypto()).unwrap();
    let stranger = SocketAddr::from(([203, 0, 113, 9], 999));
    let genuine = check(&format!("{}:x", ours.ufrag), &ours.password);
    let wrong = check(&format!("{}:x", ours.ufrag), "not the password at all");
    let other = check("somebody:x", &ours.password);
    let hello = [&[22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40, 1][..], &[0; 39]].concat();
    for (what, datagram) in [("wrong", &wrong), ("other", &other), ("hello", &hello)] {
        assert_eq!(answer(&mut world, bob, stranger, datagram), 0, "{what}");
    }
    let mut cut = genuine.clone();
    cut.truncate(genuine.len() - 8);
    assert_eq!(answer(&mut world, bob, stranger, &cut), 0, "without its fingerprint");
    let answered = answer(&mut world, bob, stranger, &genuine);
    assert!(answered > 0 && answered <= genuine.len(), "{answered} for {}", genuine.len());
}

#[test]
fn packets_that_come_twice_or_from_nobody_are_not_heard() {
    let (mut world, ann, bob, _) = world(45);
    let before = *world.meeting.audio_stats();
    let (from, mut random) = (world.actor(ann).address, Random::new(45));
    let voice = world.client(ann).sources().1;
    unharmed(&mut world, ann, bob, 3, |world| {
        let now = world.now;
        let datagrams: Vec<Vec<u8>> = world
            .actors
            .get_mut(&ann)
            .unwrap()
            .client
            .datagrams()
            .iter()
            .map(|(_, each)| each.to_vec())
            .collect();
        for datagram in datagrams {
            // The copy is first: the genuine one is the replay.
            world.meeting.datagram(now, ann, from, &mut datagram.clone());
        }
        // Packets of sources that ann does not have, and of the one that she has, which she did not make.
        for ssrc in [random.number() as u32, voice] {
            let mut forged = vec![0; 120];
            random.fill(&mut forged);
            forged[..2].copy_from_slice(&[0x80, 111]);
            forged[8..12].copy_from_slice(&ssrc.to_be_bytes());
            world.meeting.datagram(now, ann, from, &mut forged);
        }
    });
    let stats = world.meeting.audio_stats();
    assert_eq!(stats.duplicate, before.duplicate);
    assert!(stats.decoded - before.decoded <= 152, "{stats:?}");
}

#[test]
fn garbage_behind_good_keys_harms_nobody() {
    let (mut world, ann, bob, mallory) = world(46);
    let mut random = Random::new(46);
    let now = world.now;
    world.client(mallory).show(now, Show::simulcast(100, 300, 900));
    world.run(SECOND);
    let mut index = 1_000_000;
    unharmed(&mut world, ann, bob, 3, |world| {
        let client: &mut Client = world.client(mallory);
        let (cameras, voice) = client.sources();
        let mut junk = vec![0; random.below(200) as usize];
        random.fill(&mut junk);
        index += 1;
        let strange = random.number() as u32;
        // Sources that nobody has, audio and video; RED and VP8 of junk in those that are known; RTCP of all kinds.
        let level: (u8, &[u8]) = (1, &[random.below(128) as u8]);
        client.forge_rtp(111, strange, index, &[level], &junk);
        client.forge_rtp(63, voice, index, &[level], &junk);
        for (media, repair) in cameras {
            client.forge_rtp(96, media, index, &[(3, &junk[..junk.len().min(4)]), (10, b"hi")], &junk);
            client.forge_rtp(97, repair, index, &[(11, b"low")], &junk);
        }
        client.forge_rtp(96, strange, index, &[(10, b"mid")], &junk);
        for kind in 192..=213 {
            let mut report = vec![0x80 | random.below(32) as u8, kind, 0, (junk.len() / 4) as u8];
            report.extend_from_slice(&junk);
            report.resize(report.len().max(8), 0);
            client.forge_rtcp(&report);
        }
        world.flush();
    });
}

#[test]
fn a_hundred_megabits_of_one_are_not_heard_by_others() {
    let (mut world, ann, bob, mallory) = world(47);
    let now = world.now;
    world.client(mallory).show(now, Show::single(300));
    world.run(SECOND);
    let (camera, mut index) = (world.client(mallory).sources().0[0].0, 2_000_000);
    let payload = [[0x90, 0x80, 0x81, 0x02, 0x00].as_slice(), &[0; 1180]].concat();
    world.actor(bob).down.kbps = Some(8000);
    let mut sent = 0;
    unharmed(&mut world, ann, bob, 2, |world| {
        for _ in 0..104 {
            index += 1;
            world.client(mallory).forge_rtp(96, camera, index, &[], &payload);
            sent += payload.len();
        }
        world.flush();
    });
    assert!(sent > 24_000_000, "{sent} octets in two seconds");
    let got = world.actor(bob).down.octets;
    assert!(got < 4_000_000, "{got} octets reached bob");
}
