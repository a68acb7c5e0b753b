//! Records of one key one after the other, of many keys at once.
//!
//! A service that may take a later record of a run and refuse an earlier one keeps the order of a key only while it has
//! one record of that key at a time.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use chime_domain::ports::SinkRecord;

/// What is still to be handed over of a run.
#[derive(Debug)]
pub(crate) struct Chains {
    /// Indices by key; the keys in the order of their first record.
    chains: Vec<VecDeque<usize>>,
    taken: Vec<usize>,
}

impl Chains {
    pub(crate) fn new(records: &[SinkRecord]) -> Self {
        let mut places: HashMap<&Arc<str>, usize> = HashMap::new();
        let mut chains: Vec<VecDeque<usize>> = Vec::new();
        for (index, record) in records.iter().enumerate() {
            let place = *places.entry(&record.key).or_insert_with(|| {
                chains.push(VecDeque::new());
                chains.len() - 1
            });
            if let Some(chain) = chains.get_mut(place) {
                chain.push_back(index);
            }
        }
        Self { chains, taken: Vec::new() }
    }

    /// The first record of every key of which something is left: so many, with so many bytes, at most, but one if any
    /// is left.
    pub(crate) fn wave(&self, records: &[SinkRecord], most: usize, bytes: usize) -> Vec<usize> {
        let (mut wave, mut sum) = (Vec::new(), 0_usize);
        for index in self.chains.iter().filter_map(|chain| chain.front().copied()).take(most) {
            sum += records.get(index).map_or(0, |record| record.data.0.len() + record.key.len());
            if sum > bytes && !wave.is_empty() {
                break;
            }
            wave.push(index);
        }
        wave
    }

    /// Records of the wave that arrived.
    pub(crate) fn took(&mut self, indices: &[usize]) {
        self.taken.extend_from_slice(indices);
        for chain in &mut self.chains {
            if chain.front().is_some_and(|front| indices.contains(front)) {
                chain.pop_front();
            }
        }
        self.chains.retain(|chain| !chain.is_empty());
    }

    /// Everything that arrived, in ascending order.
    pub(crate) fn into_taken(self) -> Vec<usize> {
        let mut taken = self.taken;
        taken.sort_unstable();
        taken
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chime_domain::ports::Position;
    use chime_domain::text::Private;

    use super::*;

    #[test]
    fn a_key_waits_for_its_first_record_and_holds_up_no_other() {
        let record = |key: &str| SinkRecord {
            key: key.into(),
            data: Private(Bytes::from_static(b"123456789")),
            position: Position(0),
        };
        let records = ["a", "b", "a", "c", "b", "a"].map(record);
        let mut chains = Chains::new(&records);
        assert_eq!(chains.wave(&records, 9, 30), [0, 1, 3]);
        assert_eq!(chains.wave(&records, 2, 30), [0, 1]);
        assert_eq!(chains.wave(&records, 9, 20), [0, 1]);
        assert_eq!(chains.wave(&records, 9, 1), [0]);
        chains.took(&[1, 3]);
        assert_eq!(chains.wave(&records, 9, 30), [0, 4]);
        chains.took(&[4, 0]);
        assert_eq!(chains.wave(&records, 9, 30), [2]);
        chains.took(&[2]);
        chains.took(&[]);
        assert_eq!(chains.wave(&records, 9, 30), [5]);
        assert_eq!(chains.into_taken(), [0, 1, 2, 3, 4]);
    }
}
