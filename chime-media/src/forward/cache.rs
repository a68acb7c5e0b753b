//! Packets of an encoding that may be asked for again.

/// How many are kept: two seconds of a camera.
const KEPT: usize = 256;

/// A packet as it came, opened.
#[derive(Clone, Debug, Default)]
pub struct Cached {
    /// Its sequence number with roll-overs.
    pub index: u64,
    /// Its timestamp.
    pub timestamp: u32,
    /// Its marker bit.
    pub marker: bool,
    /// Extensions that go along with it.
    pub carried: Carried,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// Header extensions that are passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// How the camera is turned.
    pub orientation: Option<u8>,
    /// Frames and layers, for AV1 and scalable VP9.
    pub dependency: Vec<u8>,
}

/// The last packets of an encoding. Rooms are used again, so that keeping allocates nothing in the long run.
#[derive(Debug, Default)]
pub struct Cache {
    slots: Vec<Cached>,
}

impl Cache {
    /// Keeps a packet.
    pub fn keep(&mut self, index: u64, timestamp: u32, marker: bool, carried: &Carried, payload: &[u8]) {
        if self.slots.is_empty() {
            self.slots.resize_with(KEPT, Cached::default);
        }
        let Some(slot) = place(index).and_then(|place| self.slots.get_mut(place)) else { return };
        (slot.index, slot.timestamp, slot.marker) = (index, timestamp, marker);
        slot.carried.clone_from(carried);
        slot.payload.clear();
        slot.payload.extend_from_slice(payload);
    }

    /// Whether this packet is here, or was and has made room.
    #[must_use]
    pub fn has_had(&self, index: u64) -> bool {
        let slot = place(index).and_then(|place| self.slots.get(place));
        slot.is_some_and(|slot| slot.index >= index && !slot.payload.is_empty())
    }

    /// The packet with this number, if it is still there.
    #[must_use]
    pub fn get(&self, index: u64) -> Option<&Cached> {
        self.slots.get(place(index)?).filter(|slot| slot.index == index && !slot.payload.is_empty())
    }
}

fn place(index: u64) -> Option<usize> {
    usize::try_from(index).ok().map(|index| index % KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_packets_are_kept_and_older_ones_are_not() {
        let mut cache = Cache::default();
        for index in 0..300_u64 {
            cache.keep(index, 0, false, &Carried::default(), &index.to_be_bytes());
        }
        assert_eq!(cache.get(299).map(|cached| cached.payload.clone()), Some(299_u64.to_be_bytes().to_vec()));
        assert!(cache.has_had(299) && cache.has_had(43) && !cache.has_had(300));
        assert!(cache.get(44).is_some() && cache.get(43).is_none() && cache.get(300).is_none());
    }
}
