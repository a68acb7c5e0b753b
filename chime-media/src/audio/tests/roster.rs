//! Nobody hears himself, whatever people do. Each attendee sends a tone of his own, through a codec that changes nothing;
//! whoever has sent it may not hear any of it.

use std::time::Duration;

use proptest::prelude::*;

use super::pcm::Pcm;
use super::signal::{amplitude, left, tone};
use super::world::World;
use crate::audio::{Config, FRAME, Role, SourceId};

#[derive(Debug, Clone)]
enum Act {
    Join(u32),
    Leave(u32),
    Share(u32),
    Talk(u32, bool),
    Mute(u32, bool),
    May(u32, bool, bool),
    Lose(u32, u8),
    Delay(u32, u8),
    Wait(u8),
}

const PEOPLE: u32 = 6;

fn any_act() -> impl Strategy<Value = Act> {
    let who = 0..PEOPLE;
    prop_oneof![
        3 => who.clone().prop_map(Act::Join),
        1 => who.clone().prop_map(Act::Leave),
        1 => who.clone().prop_map(Act::Share),
        5 => (who.clone(), any::<bool>()).prop_map(|(n, on)| Act::Talk(n, on)),
        1 => (who.clone(), any::<bool>()).prop_map(|(n, on)| Act::Mute(n, on)),
        1 => (who.clone(), any::<bool>(), any::<bool>()).prop_map(|(n, a, b)| Act::May(n, a, b)),
        1 => (who.clone(), 0_u8..50).prop_map(|(n, percent)| Act::Lose(n, percent)),
        1 => (who, 0_u8..100).prop_map(|(n, ms)| Act::Delay(n, ms)),
        6 => (1_u8..25).prop_map(Act::Wait),
    ]
}

#[derive(Debug, Clone, Copy, Default)]
struct Person {
    here: bool,
    shares: bool,
    talks: bool,
    loses: u8,
    delay: u8,
}

/// Multiples of 200 Hz fall together with the Hann window's zeros over 10 ticks.
fn hertz(n: u32, share: bool) -> f32 {
    400.0 + 400.0 * n as f32 + if share { 200.0 } else { 0.0 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn nobody_hears_himself(acts in prop::collection::vec(any_act(), 1..60), places in 1_usize..6) {
        let config = Config { max_talkers: places, ..Config::default() };
        let mut world = World::new(Pcm, config);
        let mut people = [Person::default(); PEOPLE as usize];
        let mut frame = 0;
        for act in acts {
            match act {
                Act::Join(n) if !people[n as usize].here => {
                    world.join(n);
                    people[n as usize] = Person { here: true, talks: true, ..Person::default() };
                }
                Act::Leave(n) if people[n as usize].here => {
                    world.leave(SourceId(n));
                    if people[n as usize].shares {
                        world.leave(SourceId(n + 100));
                    }
                    people[n as usize] = Person::default();
                }
                Act::Share(n) if people[n as usize].here && !people[n as usize].shares => {
                    world.join_as(n + 100, Role::Content { owner: Some(SourceId(n)) });
                    people[n as usize].shares = true;
                }
                Act::Talk(n, on) => people[n as usize].talks = on,
                Act::Mute(n, on) => world.room.set_muted(SourceId(n), on),
                Act::May(n, send, hear) => world.room.set_capabilities(SourceId(n), send, hear),
                Act::Lose(n, percent) => people[n as usize].loses = percent,
                Act::Delay(n, ms) => people[n as usize].delay = ms,
                Act::Wait(ticks) => {
                    for _ in 0..ticks {
                        for (n, person) in (0_u32..).zip(people).filter(|(_, person)| person.here) {
                            // Not random, but out of step with everything else.
                            let lost = (frame as u32 * 37 + n * 11) % 100 < u32::from(person.loses);
                            let wait = u64::from(person.delay) * ((frame as u64 * 13) % 7) / 6;
                            let delay = (!lost).then(|| Duration::from_millis(wait));
                            if person.talks {
                                world.say_over(SourceId(n), &tone(hertz(n, false), 0.1, frame), delay);
                            } else {
                                world.pause(SourceId(n), 1);
                            }
                            if person.shares {
                                let mono = tone(hertz(n, true), 0.1, frame);
                                let stereo: Vec<_> = mono.iter().flat_map(|x| [*x, *x]).collect();
                                world.say_over(SourceId(n + 100), &stereo, delay);
                            }
                        }
                        world.tick();
                        frame += 1;
                    }
                    let mut alone = people.iter().filter(|person| person.here);
                    if let (Some(_), None) = (alone.next(), alone.next()) {
                        let stereo = world.listeners.values().next().map(|l| l.heard.clone()).unwrap_or_default();
                        let last = &stereo[stereo.len() - 2 * FRAME.min(stereo.len() / 2)..];
                        prop_assert!(last.iter().all(|x| *x == 0.0), "a meeting of one is silence");
                    }
                }
                _ => {}
            }
        }
        for (id, listener) in &world.listeners {
            // 100 ms at a time, so that no short slip is averaged away; a tone at work measures 0.1.
            for part in left(&listener.heard).chunks_exact(5 * FRAME) {
                // Joins and losses of others are broken tones, whose spectrum is broad: compare with the neighbours.
                let own = amplitude(part, hertz(id.0, false)).max(amplitude(part, hertz(id.0, true)));
                prop_assert!(own < 0.02, "{id:?} hears himself: {own}");
            }
        }
    }
}
