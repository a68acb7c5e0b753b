//! Meetings that nobody has a WebSocket of, and since when. One timer is enough for all of them.

use std::collections::HashMap;
use std::time::Duration;

use chime_domain::ids::MeetingId;
use tokio::time::Instant;

/// How long a meeting that everybody has left is kept: as long as the longest data message (rule MED-09).
const KEPT: Duration = Duration::from_secs(300);

/// The empty ones of the meetings that live here.
#[derive(Debug, Default)]
pub(super) struct Empty {
    since: HashMap<MeetingId, Instant>,
    /// Somebody asks when there is one that is over.
    watched: bool,
}

impl Empty {
    /// The last has left a meeting. Says whether somebody has to begin to ask for [`Self::over`].
    pub(super) fn left(&mut self, meeting: &MeetingId, now: Instant) -> bool {
        self.since.insert(meeting.clone(), now);
        !std::mem::replace(&mut self.watched, true)
    }

    /// Somebody has come to a meeting, or it has ended.
    pub(super) fn came(&mut self, meeting: &MeetingId) {
        self.since.remove(meeting);
    }

    /// The meetings that have been empty for long enough, once; and when to ask again. Nobody has to any more, without.
    pub(super) fn over(&mut self, now: Instant) -> (Vec<MeetingId>, Option<Instant>) {
        let over = |since: &Instant| now >= *since + KEPT;
        let gone: Vec<_> =
            self.since.extract_if(|_, since| over(since)).map(|(meeting, _)| meeting).collect();
        let next = self.since.values().min().map(|since| *since + KEPT);
        self.watched = next.is_some();
        (gone, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> MeetingId {
        MeetingId::new(format!("00000000-0000-4000-8000-{n:012x}")).unwrap()
    }

    #[test]
    fn a_meeting_is_over_once_it_has_stayed_empty_for_five_minutes() {
        let (mut empty, start) = (Empty::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(empty.left(&id(1), after(0)), "somebody has to begin to ask");
        assert!(!empty.left(&id(2), after(10)), "who asks does so for all");
        assert_eq!(empty.over(after(299)), (vec![], Some(after(300))));
        empty.came(&id(1));
        assert_eq!(empty.over(after(300)), (vec![], Some(after(310))));
        assert!(!empty.left(&id(1), after(305)), "it is empty since then");
        assert_eq!(empty.over(after(310)), (vec![id(2)], Some(after(605))));
        assert_eq!(empty.over(after(605)), (vec![id(1)], None));
        assert!(empty.left(&id(3), after(700)), "nobody asked any more");
        empty.came(&id(3));
        assert_eq!(empty.over(after(1000)), (vec![], None));
    }

    #[test]
    fn who_comes_and_goes_again_and_again_leaves_one_entry() {
        let (mut empty, now) = (Empty::default(), Instant::now());
        for _ in 0..1000 {
            empty.left(&id(1), now);
        }
        assert_eq!(empty.since.len(), 1);
    }
}
