//! What arrives, in bits per second.

use std::collections::VecDeque;
use std::time::Duration;

use super::rate;

/// Time over which is measured: some pictures.
const OVER: Duration = Duration::from_millis(500);
/// Least time that tells something.
const LEAST: Duration = Duration::from_millis(200);

#[derive(Clone, Debug, Default)]
pub(super) struct Acked {
    packets: VecDeque<(Duration, usize)>,
    octets: usize,
}

impl Acked {
    /// A packet arrived at this time of the receiver's clock.
    pub(super) fn packet(&mut self, arrived: Duration, octets: usize) {
        // A clock that was set back begins anew.
        if self.packets.back().is_some_and(|(last, _)| arrived + OVER < *last) {
            self.packets.clear();
            self.octets = 0;
        }
        self.packets.push_back((arrived, octets));
        self.octets += octets;
        while let Some((first, octets)) = self.packets.front().copied()
            && arrived.saturating_sub(first) > OVER
        {
            self.octets -= octets;
            self.packets.pop_front();
        }
    }

    /// The rate, if enough came.
    pub(super) fn rate(&self) -> Option<u64> {
        let ((first, opening), (last, _)) = (self.packets.front()?, self.packets.back()?);
        let time = last.saturating_sub(*first);
        // The first packet came in the time before it.
        (time >= LEAST).then(|| rate(self.octets - opening, time))
    }
}
