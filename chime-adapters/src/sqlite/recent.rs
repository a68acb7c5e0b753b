//! A map that forgets what was not used for long.

use std::collections::HashMap;

use chime_domain::ports::Key;

/// Values of recently used keys: two generations, of which the older is dropped when the younger is full.
#[derive(Debug)]
pub(super) struct Recent<V> {
    young: HashMap<Key, V>,
    old: HashMap<Key, V>,
    capacity: usize,
}

impl<V> Recent<V> {
    /// Remembers at least `capacity` keys, and at most twice as many after [`Recent::age`].
    pub(super) fn new(capacity: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), capacity }
    }

    pub(super) fn get(&mut self, key: &Key) -> Option<&V> {
        if !self.young.contains_key(key) {
            let value = self.old.remove(key)?;
            self.young.insert(key.clone(), value);
        }
        self.young.get(key)
    }

    /// Gives the value before.
    pub(super) fn insert(&mut self, key: Key, value: V) -> Option<V> {
        let old = self.old.remove(&key);
        self.young.insert(key, value).or(old)
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.young.remove(key);
        self.old.remove(key);
    }

    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    /// Starts a new generation when the young one is full; the only place where values are forgotten.
    pub(super) fn age(&mut self) {
        if self.young.len() >= self.capacity {
            self.old = std::mem::take(&mut self.young);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_in_every_generation_stays_and_the_rest_goes() {
        let mut recent = Recent::new(2);
        let key = |n: u32| Key::from_stored(&n.to_string());
        recent.insert(key(0), 0);
        for n in 1..20 {
            recent.insert(key(n), n);
            recent.age();
            assert_eq!(recent.get(&key(0)), Some(&0));
        }
        assert_eq!(recent.get(&key(1)), None);
        assert_eq!(recent.get(&key(19)), Some(&19));
        assert_eq!(recent.insert(key(19), 7), Some(19));
        recent.remove(&key(19));
        assert_eq!(recent.get(&key(19)), None);
    }
}
