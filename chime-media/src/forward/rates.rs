//! What each layer of an encoding has of its rate.

use super::sieve::Level;

/// Layers of a kind that are told apart; higher ones count as the last.
const MOST: usize = 4;
/// A layer with less of the rate than this, in per cent, is not there, or on its way out.
const LEAST: u64 = 2;

/// The octets of each layer: rows are spatial layers, columns temporal ones.
#[derive(Clone, Debug, Default)]
pub struct Rates {
    fresh: [[u32; MOST]; MOST],
    smoothed: [[u32; MOST]; MOST],
}

impl Rates {
    /// Counts octets of a layer.
    pub fn note(&mut self, spatial: u8, temporal: u8, octets: usize) {
        let row = self.fresh.get_mut(usize::from(spatial).min(MOST - 1));
        if let Some(sum) = row.and_then(|row| row.get_mut(usize::from(temporal).min(MOST - 1))) {
            *sum = sum.saturating_add(u32::try_from(octets).unwrap_or(u32::MAX));
        }
    }

    /// Takes in what was counted: every half second or so. What was before counts for three quarters.
    pub fn settle(&mut self) {
        let known = self.smoothed.iter().flatten().any(|rate| *rate > 0);
        for (smoothed, fresh) in self.smoothed.iter_mut().flatten().zip(self.fresh.iter_mut().flatten()) {
            let fresh = std::mem::take(fresh);
            *smoothed = if known { (smoothed.saturating_mul(3)).saturating_add(fresh) / 4 } else { fresh };
        }
    }

    /// What the layers up to a level have of a rate.
    #[must_use]
    pub fn part(&self, rate: u64, level: Level) -> u64 {
        let rows = self.smoothed.iter().take(usize::from(level.spatial).saturating_add(1));
        let kept = rows.flat_map(|row| row.iter().take(usize::from(level.temporal).saturating_add(1)));
        let kept: u64 = kept.map(|rate| u64::from(*rate)).sum();
        if self.all() == 0 { rate } else { rate.saturating_mul(kept) / self.all() }
    }

    /// How many spatial and temporal layers there are, one at least.
    #[must_use]
    pub fn layers(&self) -> (u8, u8) {
        let (mut spatial, mut temporal) = (1, 1);
        let least = self.all() * LEAST / 100;
        for layer in 1..MOST {
            let row: u64 = self.smoothed.get(layer).into_iter().flatten().map(|rate| u64::from(*rate)).sum();
            let column: u64 =
                self.smoothed.iter().filter_map(|row| row.get(layer)).map(|rate| u64::from(*rate)).sum();
            let number = u8::try_from(layer + 1).unwrap_or(u8::MAX);
            spatial = if row > least { number } else { spatial };
            temporal = if column > least { number } else { temporal };
        }
        (spatial, temporal)
    }

    fn all(&self) -> u64 {
        self.smoothed.iter().flatten().map(|rate| u64::from(*rate)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_layers_that_there_are() {
        let mut rates = Rates::default();
        assert_eq!((rates.layers(), rates.part(900, Level { spatial: 0, temporal: 0 })), ((1, 1), 900));
        for (spatial, temporal, octets) in [(0, 0, 100), (0, 1, 100), (1, 0, 300), (1, 1, 500), (7, 7, 1)] {
            rates.note(spatial, temporal, octets);
        }
        rates.settle();
        assert_eq!(rates.layers(), (2, 2), "hardly anything is above");
        let levels = [((0, 0), 100), ((0, 1), 200), ((1, 0), 400), ((1, 1), 1000), ((255, 255), 1001)];
        for ((spatial, temporal), part) in levels {
            assert_eq!(rates.part(1001, Level { spatial, temporal }), part, "{spatial} {temporal}");
        }
        for _ in 0..20 {
            rates.note(0, 0, 100);
            rates.settle();
        }
        assert_eq!(rates.layers(), (1, 1), "they are gone");
    }
}
