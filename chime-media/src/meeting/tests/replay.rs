//! The same seed is the same meeting.

use super::schedule::Schedule;

fn trace(seed: u64) -> Vec<String> {
    let mut schedule = Schedule::new(seed);
    schedule.world.trace = Some(Vec::new());
    schedule.run(30);
    schedule.world.trace.unwrap()
}

#[test]
fn a_seed_replays_byte_for_byte() {
    for seed in [3, 8] {
        let (first, second) = (trace(seed), trace(seed));
        let differs = first.iter().zip(&second).position(|(one, other)| one != other);
        if let Some(at) = differs {
            panic!("seed {seed} differs at line {at}:\n{}\n{}", first[at], second[at]);
        }
        assert_eq!(first.len(), second.len());
        assert!(first.len() > 1000, "something happened");
    }
    assert_ne!(trace(3), trace(8));
}
