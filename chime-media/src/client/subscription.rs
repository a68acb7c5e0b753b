//! Which videos a client wants, in which sections (the signaling guide, sections 5.3 and 6.4).

use std::collections::BTreeMap;

use crate::signal::proto::{Index, StreamDescriptor, StreamMediaType, VideoSubscriptionConfiguration};

/// What the application of a client wants of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Preference {
    /// 1 is the most important.
    pub(super) priority: u32,
    pub(super) target_kbps: u32,
}

/// A section for a received video.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) mid: u32,
    /// The stream; zero for none.
    pub(super) stream: u32,
    pub(super) group: u32,
    pub(super) attendee: String,
}

impl Slot {
    pub(super) fn is_wanted(&self) -> bool {
        self.stream > 0
    }
}

#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    slots: Vec<Slot>,
    mids: u32,
    preferences: BTreeMap<String, Preference>,
}

impl Subscriptions {
    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter()
    }

    pub(super) fn of(&self, attendee: &str) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.is_wanted() && slot.attendee == attendee)
    }

    pub(super) fn prefer(&mut self, attendee: &str, preference: Preference) {
        self.preferences.insert(attendee.to_owned(), preference);
    }

    /// Follows what there is; tells whether an offer is due.
    pub(super) fn follow(&mut self, index: &Index, own: &str, most: usize) -> bool {
        let wanted = wanted(index, own, most);
        let mut changed = false;
        for slot in self.slots.iter_mut().filter(|slot| slot.is_wanted()) {
            if !wanted.iter().any(|each| each.group_id == Some(slot.group)) {
                slot.stream = 0;
                changed = true;
            }
        }
        for each in wanted {
            let group = each.group_id.unwrap_or_default();
            if self.slots.iter().any(|slot| slot.is_wanted() && slot.group == group) {
                continue;
            }
            self.mids += 1;
            let slot = Slot {
                mid: super::offer::CAMERA_MID + self.mids,
                stream: each.stream_id.unwrap_or_default(),
                group,
                attendee: each.attendee_id.clone().unwrap_or_default(),
            };
            match self.slots.iter_mut().find(|slot| !slot.is_wanted()) {
                Some(free) => *free = slot,
                None => self.slots.push(slot),
            }
            changed = true;
        }
        changed
    }

    /// What the server is told about a section.
    pub(super) fn configuration(&self, slot: &Slot) -> VideoSubscriptionConfiguration {
        let preference = self.preferences.get(&slot.attendee);
        let preference = preference.copied().unwrap_or(Preference { priority: 1, target_kbps: 10_000 });
        VideoSubscriptionConfiguration {
            mid: slot.mid.to_string(),
            attendee_id: Some(slot.attendee.clone()),
            priority: Some(u32::MAX - preference.priority),
            target_bitrate_kbps: Some(preference.target_kbps),
            group_id: Some(slot.group),
            quality_adaptation_preference: Some(1),
            ..VideoSubscriptionConfiguration::default()
        }
    }
}

/// The best stream of each attendee's newest group.
fn wanted<'a>(index: &'a Index, own: &str, most: usize) -> Vec<&'a StreamDescriptor> {
    let mut best: BTreeMap<&str, &StreamDescriptor> = BTreeMap::new();
    let videos = index.sources.iter().filter(|source| source.media_type() == StreamMediaType::Video);
    for source in videos {
        let attendee = source.attendee_id.as_deref().unwrap_or_default();
        if attendee == own || attendee.strip_suffix(crate::ids::CONTENT) == Some(own) {
            continue;
        }
        let rank = |each: &StreamDescriptor| (each.group_id, each.max_bitrate_kbps);
        if best.get(attendee).is_none_or(|known| rank(source) > rank(known)) {
            best.insert(attendee, source);
        }
    }
    let mut wanted: Vec<&StreamDescriptor> = best.into_values().collect();
    wanted.sort_by_key(|source| source.stream_id);
    wanted.truncate(most);
    wanted
}
