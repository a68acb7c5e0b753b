//! Data messages: who gets them, how long they live, and how many there may be.

use std::time::Duration;

use super::SECOND;
use crate::client::Event;
use crate::ids::SessionId;
use crate::testing::World;

/// Topics, data and whether they were throttled, as a client got them.
fn got(world: &World, id: SessionId) -> Vec<(String, bool)> {
    let data = world.actors[&id].events.iter().filter_map(|(_, event)| match event {
        Event::Data(message) => Some(message),
        _ => None,
    });
    let text = |data: &Option<Vec<u8>>| String::from_utf8(data.clone().unwrap()).unwrap();
    data.map(|message| (text(&message.data), message.ingest_time_ns == Some(0))).collect()
}

#[test]
fn med_12_messages_reach_all_others_and_those_who_come_in_their_lifetime() {
    let mut world = World::new(21);
    let (ann, bob) = (world.join("ann"), world.join("bob"));
    world.run(SECOND);
    let now = world.now;
    world.client(ann).tell(now, "chat", b"gone at once", 0);
    world.client(ann).tell(now, "chat", b"gone soon", 1000);
    world.client(ann).tell(now, "chat", b"stays", 60_000);
    world.client(ann).tell(now, "no topic", b"refused", 0);
    world.run(3 * SECOND);
    let all = ["gone at once", "gone soon", "stays"].map(|text| (text.to_owned(), false));
    assert_eq!(got(&world, bob), all);
    assert!(got(&world, ann).is_empty(), "not to who said it");
    let late = world.join("cid");
    world.run(SECOND);
    assert_eq!(got(&world, late), [("stays".to_owned(), false)]);
    world.run(60 * SECOND);
    let later = world.join("dot");
    world.run(SECOND);
    assert!(got(&world, later).is_empty());
}

#[test]
fn too_many_messages_come_back() {
    let mut world = World::new(22);
    let (ann, bob) = (world.join("ann"), world.join("bob"));
    world.run(SECOND);
    for _ in 0..100 {
        let now = world.now;
        for _ in 0..5 {
            world.client(ann).tell(now, "chat", b"x", 300_000);
        }
        world.run(Duration::from_millis(10));
    }
    world.run(SECOND);
    let (passed, back) = (got(&world, bob).len(), got(&world, ann));
    assert!((290..=310).contains(&passed), "200 at once and 100 a second: {passed}");
    assert_eq!(back.len(), 500 - passed);
    assert!(back.iter().all(|(_, throttled)| *throttled));
}
