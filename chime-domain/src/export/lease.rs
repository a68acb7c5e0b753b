//! Who drains a queue.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::keys;
use super::types::ExportGroup;
use crate::error::StoreError;
use crate::flow::{Chime, Loaded};
use crate::ports::{Batch, Change, Entity, Guard, Key, Record};
use crate::time::Timestamp;

/// How long a holder may take between two signs of life. It has to be longer than any call of a sink.
const TERM: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    holder: String,
    until: Timestamp,
}

impl Entity for Lease {
    const NAME: &'static str = "export-lease";
}

/// The leases of one group of data types, as one holder sees them.
#[derive(Debug)]
pub(super) struct Leases {
    holder: String,
    keys: Vec<Key>,
    /// Guards of the records, once they are held.
    held: Option<(Timestamp, Vec<Guard>)>,
}

impl Leases {
    pub(super) fn new(chime: &Chime, app_instance_id: &str, group: ExportGroup) -> Self {
        let keys = group.data_types().iter().map(|data_type| keys::lease(app_instance_id, *data_type));
        Self { holder: chime.entropy().uuid(), keys: keys.collect(), held: None }
    }

    /// What has to be so that whoever holds them may write.
    pub(super) fn guards(&self) -> Vec<Guard> {
        self.held.as_ref().map(|(_, guards)| guards.clone()).unwrap_or_default()
    }

    /// Takes the leases, or renews them when half of their term is over. False while another holds one of them.
    pub(super) async fn hold(&mut self, chime: &Chime) -> Result<bool, StoreError> {
        let now = chime.now();
        if let Some((until, _)) = &self.held
            && now + TERM / 2 < *until
            && *until <= now + TERM
        {
            return Ok(true);
        }
        let found = self.load(chime).await?;
        // A clock that was put back must not leave a lease for ages.
        let free =
            |lease: &Lease| lease.holder == self.holder || lease.until <= now || lease.until > now + TERM;
        if !found.iter().all(|lease| lease.get().is_none_or(free)) {
            self.held = None;
            return Ok(false);
        }
        let lease = Lease { holder: self.holder.clone(), until: now + TERM };
        let batch = Batch {
            guards: found.iter().map(Loaded::guard).collect(),
            changes: self
                .keys
                .iter()
                .map(|key| Change::Put(key.clone(), Record::of(lease.clone())))
                .collect(),
            announce: Vec::new(),
        };
        match chime.store().commit(batch).await {
            Ok(_) => {}
            Err(StoreError::Conflict) => {
                self.held = None;
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        let found = self.load(chime).await?;
        let mine = found.iter().all(|found| found.get() == Some(&lease));
        self.held = mine.then(|| (lease.until, found.iter().map(Loaded::guard).collect()));
        Ok(mine)
    }

    /// Lets others have them.
    pub(super) async fn release(&mut self, chime: &Chime) -> Result<(), StoreError> {
        let Some((_, guards)) = self.held.take() else { return Ok(()) };
        let changes = self.keys.iter().map(|key| Change::Delete(key.clone())).collect();
        match chime.store().commit(Batch { guards, changes, announce: Vec::new() }).await {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn load(&self, chime: &Chime) -> Result<Vec<Loaded<Lease>>, StoreError> {
        let found = chime.store().get(&self.keys).await?;
        self.keys.iter().zip(found).map(|(key, found)| Loaded::decode(key.clone(), found)).collect()
    }
}
