//! Random lives of meetings on the real services and on a naive model, on a clock that jumps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chime_domain::error::ErrorCode;
use chime_domain::ids::AttendeeId;
use chime_domain::meetings::{Attendee, MediaReport, Meeting};
use chime_domain::page::PageRequest;
use chime_tests::{NotedMedia, run};
use proptest::prelude::*;

use super::{Place, creation, user, wanted};

const TOKENS: usize = 3;
const USERS: usize = 4;

#[derive(Clone, Debug)]
enum Command {
    Create(usize),
    Delete(usize),
    Attend(usize, usize),
    Dismiss(usize, usize),
    Join(usize, usize, bool),
    Leave(usize, usize, bool),
    Reset,
    Wait(u64),
}

fn command() -> impl Strategy<Value = Command> {
    let (meeting, who) = (0..TOKENS, 0..USERS);
    prop_oneof![
        2 => meeting.clone().prop_map(Command::Create),
        1 => meeting.clone().prop_map(Command::Delete),
        4 => (meeting.clone(), who.clone()).prop_map(|(m, u)| Command::Attend(m, u)),
        1 => (meeting.clone(), who.clone()).prop_map(|(m, u)| Command::Dismiss(m, u)),
        8 => (meeting.clone(), who.clone(), any::<bool>()).prop_map(|(m, u, c)| Command::Join(m, u, c)),
        5 => (meeting, who, any::<bool>()).prop_map(|(m, u, c)| Command::Leave(m, u, c)),
        1 => Just(Command::Reset),
        6 => prop_oneof![0u64..400, 1500u64..2000, 3600u64..40_000].prop_map(Command::Wait),
    ]
}

/// A meeting as a child would keep it: who may come, who is there, and the second since when there are so few.
#[derive(Debug)]
struct Naive {
    began: u64,
    invited: BTreeSet<usize>,
    there: BTreeSet<usize>,
    nobody_since: Option<u64>,
    few_since: Option<u64>,
}

impl Naive {
    fn new(now: u64) -> Self {
        let nobody = BTreeSet::new;
        let (invited, there) = (nobody(), nobody());
        Self { began: now, invited, there, nobody_since: Some(now), few_since: Some(now) }
    }

    fn count(&mut self, now: u64) {
        let since = |holds: bool, since: Option<u64>| holds.then(|| since.unwrap_or(now));
        self.nobody_since = since(self.there.is_empty(), self.nobody_since);
        self.few_since = since(self.there.len() < 2, self.few_since);
    }

    fn is_over(&self, now: u64) -> bool {
        let past = |since: Option<u64>, seconds: u64| since.is_some_and(|since| now > since + seconds);
        past(self.nobody_since, 300) || past(self.few_since, 1800) || now > self.began + 86_400
    }
}

struct Both {
    place: Place,
    now: u64,
    naive: BTreeMap<usize, Naive>,
    /// The last meeting of each token, over or not.
    meetings: BTreeMap<usize, Meeting>,
    /// The last attendee that each user was in each of them.
    attendees: BTreeMap<(usize, usize), Attendee>,
}

impl Both {
    async fn step(&mut self, command: &Command) {
        let (now, place) = (self.now, &self.place);
        let meetings = place.chime().meetings();
        match *command {
            Command::Create(m) => {
                let made = meetings.create_meeting(&creation(&format!("token-{m}"))).await.unwrap();
                if self.naive.contains_key(&m) {
                    assert_eq!(made.id, self.meetings[&m].id);
                } else {
                    assert!(self.meetings.values().all(|other| other.id != made.id));
                    self.naive.insert(m, Naive::new(now));
                    self.attendees.retain(|(of, _), _| *of != m);
                }
                self.meetings.insert(m, made);
            }
            Command::Delete(m) => {
                let Some(meeting) = self.meetings.get(&m) else { return };
                let deleted = meetings.delete_meeting(&meeting.id).await;
                assert_eq!(deleted.is_ok(), self.naive.remove(&m).is_some());
            }
            Command::Attend(m, u) => {
                let Some(meeting) = self.meetings.get(&m) else { return };
                let made = meetings.create_attendee(&meeting.id, wanted(&format!("user-{u}"))).await;
                let Some(naive) = self.naive.get_mut(&m) else {
                    return assert_eq!(made.unwrap_err().refusal().unwrap().code(), ErrorCode::NotFound);
                };
                let made = made.unwrap();
                if !naive.invited.insert(u) {
                    assert_eq!(made, self.attendees[&(m, u)]);
                }
                self.attendees.insert((m, u), made);
            }
            Command::Dismiss(m, u) => {
                let Some(attendee) = self.attendees.get(&(m, u)) else { return };
                let gone = meetings.delete_attendee(&self.meetings[&m].id, &attendee.id).await;
                let naive = self.naive.get_mut(&m);
                assert_eq!(
                    gone.is_ok(),
                    naive.is_some_and(|naive| {
                        naive.there.remove(&u);
                        naive.count(now);
                        naive.invited.remove(&u)
                    })
                );
            }
            Command::Join(m, u, content) => {
                let Some(attendee) = self.attendees.get(&(m, u)) else { return };
                let report = MediaReport::Joined { attendee: attendee.id.clone(), content };
                let meeting = &self.meetings[&m];
                meetings.report(&meeting.id, &meeting.node, report).await.unwrap();
                if let Some(naive) =
                    self.naive.get_mut(&m).filter(|naive| naive.invited.contains(&u) && !content)
                {
                    naive.there.insert(u);
                    naive.count(now);
                }
            }
            Command::Leave(m, u, content) => {
                let Some(attendee) = self.attendees.get(&(m, u)) else { return };
                let report = MediaReport::Left { attendee: attendee.id.clone(), content };
                let meeting = &self.meetings[&m];
                meetings.report(&meeting.id, &meeting.node, report).await.unwrap();
                if let Some(naive) = self.naive.get_mut(&m).filter(|_| !content) {
                    naive.there.remove(&u);
                    naive.count(now);
                }
            }
            Command::Reset => {
                meetings.reset(NotedMedia::NODE).await.unwrap();
                for naive in self.naive.values_mut() {
                    naive.there.clear();
                    naive.count(now);
                }
            }
            Command::Wait(seconds) => {
                place.world.later(Duration::from_secs(seconds)).await;
                self.now += seconds;
                let now = self.now;
                self.naive.retain(|_, naive| !naive.is_over(now));
            }
        }
    }

    async fn compare(&self) {
        let meetings = self.place.chime().meetings();
        let page = PageRequest::default();
        let listed: BTreeSet<_> =
            meetings.list_meetings(&page).await.unwrap().items.into_iter().map(|each| each.id).collect();
        let expected: BTreeSet<_> = self.naive.keys().map(|m| self.meetings[m].id.clone()).collect();
        assert_eq!(listed, expected);
        for (m, naive) in &self.naive {
            let id = &self.meetings[m].id;
            let attendees = meetings.list_attendees(id, &page).await.unwrap().items;
            let ids: BTreeSet<AttendeeId> = attendees.iter().map(|each| each.id.clone()).collect();
            let of = |u: &usize| self.attendees[&(*m, *u)].id.clone();
            assert_eq!(ids, naive.invited.iter().map(of).collect());
            for u in 0..USERS {
                let Some(attendee) = self.attendees.get(&(*m, u)) else { continue };
                let admitted = meetings.admit(id.as_str(), &attendee.join_token.0).await;
                assert_eq!(admitted.is_ok(), naive.invited.contains(&u));
                assert_eq!(attendee.external_user_id, user(&format!("user-{u}")));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn end_01_to_04_and_06_meetings_live_and_end_as_in_a_naive_model(
        commands in proptest::collection::vec(command(), 1..80),
    ) {
        run(async {
            let place = Place::quiet().await;
            let none = BTreeMap::new;
            let (naive, meetings) = (none(), BTreeMap::new());
            let mut both = Both { place, now: 0, naive, meetings, attendees: BTreeMap::new() };
            for command in &commands {
                both.step(command).await;
                both.compare().await;
            }
            both.place.world.later(Duration::from_secs(86_401)).await;
            assert_eq!(both.place.left().await, Vec::<String>::new(), "nothing is left of meetings that ended");
        });
    }
}
