//! The newest announcements in memory, in the order of their positions, whichever way they came.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chime_domain::ports::{Announced, Position};
use tokio::sync::{Notify, watch};

const MOST: usize = 65_536;
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Announcements that may wait for those before them; further ones are read from the database when their turn comes.
const MOST_EARLY: usize = 65_536;

#[derive(Debug)]
pub(super) struct Tail {
    inner: Mutex<Inner>,
    /// The newest that is here with everything before it.
    pub(super) end: watch::Sender<Position>,
    /// Something may be missing.
    pub(super) look: Notify,
}

#[derive(Debug)]
struct Inner {
    /// Everything after this position, up to the end, is here.
    floor: Position,
    end: Position,
    announced: VecDeque<Announced>,
    bytes: usize,
    /// Runs that came before their turn, by their first position.
    early: BTreeMap<u64, Vec<Announced>>,
    early_count: usize,
}

impl Tail {
    /// A tail that begins after `floor`.
    pub(super) fn after(floor: Position) -> Self {
        let inner = Inner {
            floor,
            end: floor,
            announced: VecDeque::new(),
            bytes: 0,
            early: BTreeMap::new(),
            early_count: 0,
        };
        Self { inner: Mutex::new(inner), end: watch::Sender::new(floor), look: Notify::new() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest that is here with everything before it.
    pub(super) fn end(&self) -> Position {
        self.inner().end
    }

    /// What follows `after`, or `None` when some of it must be read from the database.
    pub(super) fn read(&self, after: Position, limit: usize) -> Option<Vec<Announced>> {
        let inner = self.inner();
        if after < inner.floor {
            return None;
        }
        // Positions have no gaps.
        let start = usize::try_from(after.0 - inner.floor.0).unwrap_or(usize::MAX);
        Some(inner.announced.iter().skip(start).take(limit).cloned().collect())
    }

    /// True when something came before its turn.
    pub(super) fn has_hole(&self) -> bool {
        !self.inner().early.is_empty()
    }

    /// Says that `position` has been announced.
    pub(super) fn hint(&self, position: Position) {
        if position > self.end() {
            self.look.notify_one();
        }
    }

    /// Takes in announcements in their order. Those that are here already are left out.
    pub(super) fn push(&self, announced: impl IntoIterator<Item = Announced>) {
        let mut inner = self.inner();
        let before = inner.end;
        let mut run: Vec<Announced> = Vec::new();
        for announced in announced {
            if run.last().is_some_and(|last| last.position.0 + 1 != announced.position.0) {
                inner.take(std::mem::take(&mut run));
            }
            run.push(announced);
        }
        inner.take(run);
        inner.trim();
        let (end, hole) = (inner.end, !inner.early.is_empty());
        // Under the lock, so that the end that is told does not go back.
        if end > before {
            self.end.send_replace(end);
        }
        drop(inner);
        if hole {
            self.look.notify_one();
        }
    }

    /// Goes on after `position`: what was before it is gone for good.
    pub(super) fn jump(&self, position: Position) {
        let mut inner = self.inner();
        if position > inner.end {
            inner.announced.clear();
            inner.bytes = 0;
            (inner.floor, inner.end) = (position, position);
            inner.absorb();
            self.end.send_replace(inner.end);
        }
    }
}

impl Inner {
    /// Takes in a run without gaps.
    fn take(&mut self, run: Vec<Announced>) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
        if last.position <= self.end {
            return;
        }
        if first.position.0 <= self.end.0 + 1 {
            self.append(run);
            self.absorb();
        } else if self.early_count + run.len() <= MOST_EARLY {
            self.early_count += run.len();
            if let Some(old) = self.early.insert(first.position.0, run) {
                self.early_count -= old.len();
            }
        }
    }

    fn append(&mut self, run: Vec<Announced>) {
        for announced in run {
            if announced.position > self.end {
                self.end = announced.position;
                self.bytes += announced.record.bytes().len();
                self.announced.push_back(announced);
            }
        }
    }

    /// Takes in early runs whose turn has come.
    fn absorb(&mut self) {
        while let Some(entry) = self.early.first_entry() {
            if *entry.key() > self.end.0 + 1 {
                break;
            }
            let run = entry.remove();
            self.early_count -= run.len();
            self.append(run);
        }
    }

    fn trim(&mut self) {
        while self.announced.len() > MOST || self.bytes > MOST_BYTES {
            let Some(oldest) = self.announced.pop_front() else { break };
            self.bytes -= oldest.record.bytes().len();
            self.floor = oldest.position;
        }
    }
}

#[cfg(test)]
mod tests {
    use chime_domain::conformance::things::{key, thing};

    use super::*;

    fn run(positions: impl IntoIterator<Item = u64>) -> Vec<Announced> {
        let one = |position: u64| Announced {
            position: Position(position),
            subject: key("s"),
            record: thing(&position.to_string()),
            entry: None,
        };
        positions.into_iter().map(one).collect()
    }

    fn read(tail: &Tail, after: u64) -> Option<Vec<u64>> {
        Some(tail.read(Position(after), 100)?.iter().map(|one| one.position.0).collect())
    }

    #[test]
    fn what_comes_early_waits_for_what_is_before_it() {
        let tail = Tail::after(Position(3));
        tail.push(run([6, 7]));
        tail.push(run([9]));
        assert_eq!((read(&tail, 3), tail.has_hole()), (Some(vec![]), true));
        tail.push(run([4, 5]));
        assert_eq!((read(&tail, 4), tail.end()), (Some(vec![5, 6, 7]), Position(7)));
        tail.push(run([8]));
        assert_eq!((read(&tail, 3), tail.has_hole()), (Some(vec![4, 5, 6, 7, 8, 9]), false));
        assert_eq!(read(&tail, 2), None);
    }

    #[test]
    fn what_comes_twice_or_in_parts_is_there_once() {
        let tail = Tail::after(Position(0));
        for positions in [1..4, 2..6, 8..10, 9..12, 1..3, 4..9, 5..7] {
            tail.push(run(positions));
        }
        assert_eq!(read(&tail, 0), Some((1..12).collect()));
        tail.push(run([12, 14, 13]));
        assert_eq!(read(&tail, 10), Some(vec![11, 12, 13, 14]));
        assert!(!tail.has_hole());
    }

    #[test]
    fn after_a_jump_it_goes_on_behind_what_is_gone() {
        let tail = Tail::after(Position(0));
        tail.push(run([1, 2, 7, 8]));
        tail.jump(Position(6));
        assert_eq!((read(&tail, 6), read(&tail, 2), tail.end()), (Some(vec![7, 8]), None, Position(8)));
        tail.jump(Position(5));
        assert_eq!(tail.end(), Position(8));
    }
}
