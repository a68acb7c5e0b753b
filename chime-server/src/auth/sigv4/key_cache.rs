//! Derived signing keys, kept because the same caller uses the same one all day.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Scope, Secret, SigningKey};

/// How many locks share the entries, so that concurrent requests rarely meet at one.
const SHARDS: usize = 16;

/// A bounded, thread-safe map from (access key, scope, secret) to the derived key.
///
/// The secret is part of the key, as a hash under a random seed: once a secret is replaced its derived keys are
/// no longer found. When a shard is full its oldest day goes first.
pub struct KeyCache {
    seed: RandomState,
    shards: [Mutex<HashMap<u64, Entry>>; SHARDS],
    per_shard: usize,
}

struct Entry {
    access_key: Box<str>,
    scope: Scope<'static>,
    secret: u64,
    key: SigningKey,
}

impl KeyCache {
    /// A cache of about `entries` keys (at least 16), each of some 500 bytes.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self {
            seed: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
            per_shard: entries.div_ceil(SHARDS).max(1),
        }
    }

    /// The derived key, if it is kept. Does not allocate.
    #[must_use]
    pub fn get(&self, access_key: &str, scope: &Scope<'_>, secret: &Secret) -> Option<SigningKey> {
        let (place, secret) = self.place(access_key, scope, secret);
        let shard = self.shard(place)?;
        let entry = shard.get(&place)?;
        let same = *entry.access_key == *access_key && entry.scope == *scope && entry.secret == secret;
        same.then(|| entry.key.clone())
    }

    /// Keeps a derived key. To be called only after a signature made with it was found good: region and day
    /// are the client's words, and anyone could crowd out the keys of others with them.
    pub fn insert(&self, access_key: &str, scope: &Scope<'_>, secret: &Secret, key: SigningKey) {
        let (place, secret) = self.place(access_key, scope, secret);
        let Some(mut shard) = self.shard(place) else { return };
        if shard.len() >= self.per_shard && !shard.contains_key(&place) {
            make_room(&mut shard);
        }
        let own = |text: &str| text.to_owned().into();
        let scope =
            Scope { date: own(&scope.date), region: own(&scope.region), service: own(&scope.service) };
        shard.insert(place, Entry { access_key: access_key.into(), scope, secret, key });
    }

    /// How many keys are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether no key is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn place(&self, access_key: &str, scope: &Scope<'_>, secret: &Secret) -> (u64, u64) {
        let secret = self.seed.hash_one(secret.expose());
        let place = self.seed.hash_one((access_key, &scope.date, &scope.region, &scope.service));
        (place, secret)
    }

    fn shard(&self, place: u64) -> Option<MutexGuard<'_, HashMap<u64, Entry>>> {
        self.shards.get((place % SHARDS as u64) as usize).map(lock)
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCache").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Drops the oldest day, or one arbitrary key when all are of one day.
fn make_room(shard: &mut HashMap<u64, Entry>) {
    let days = || shard.values().map(|entry| &entry.scope.date);
    let (Some(oldest), newest) = (days().min().cloned(), days().max()) else { return };
    if newest == Some(&oldest) {
        if let Some(place) = shard.keys().next().copied() {
            shard.remove(&place);
        }
    } else {
        shard.retain(|_, entry| entry.scope.date != oldest);
    }
}

/// A panic cannot leave a shard half-changed, so a poisoned lock is as good as any.
fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(date: &str) -> Scope<'_> {
        Scope { date: date.into(), region: "us-east-1".into(), service: "chime".into() }
    }

    fn fill(cache: &KeyCache, date: &str, keys: usize) {
        let secret = Secret::new("s");
        for number in 0..keys {
            cache.insert(
                &number.to_string(),
                &scope(date),
                &secret,
                SigningKey::derive(&secret, &scope(date)),
            );
        }
    }

    #[test]
    fn a_replaced_secret_does_not_find_the_key_of_the_old_one() {
        let cache = KeyCache::new(16);
        let (old, new) = (Secret::new("old"), Secret::new("new"));
        cache.insert("AKID", &scope("20210111"), &old, SigningKey::derive(&old, &scope("20210111")));
        assert!(cache.get("AKID", &scope("20210111"), &old).is_some());
        assert!(cache.get("AKID", &scope("20210111"), &new).is_none());
        assert!(cache.get("AKID", &scope("20210112"), &old).is_none());
        assert!(cache.get("AKIX", &scope("20210111"), &old).is_none());
    }

    #[test]
    fn the_cache_stays_within_its_bound() {
        let cache = KeyCache::new(64);
        fill(&cache, "20210111", 1000);
        assert_eq!(cache.len(), 64);
    }

    #[test]
    fn old_days_make_room_for_new_ones() {
        let cache = KeyCache::new(64);
        fill(&cache, "20210111", 1000);
        fill(&cache, "20210112", 1000);
        let secret = Secret::new("s");
        let old = (0..1000).filter(|n| cache.get(&n.to_string(), &scope("20210111"), &secret).is_some());
        assert_eq!(old.count(), 0);
        assert_eq!(cache.len(), 64);
    }
}
