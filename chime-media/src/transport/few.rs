//! A map of the few sources of one peer.

/// Values by source. Looked through one by one: a peer has a handful, and each packet asks.
#[derive(Debug)]
pub(super) struct Few<T>(Vec<(u32, T)>);

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Few<T> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, ssrc: u32) -> Option<&T> {
        self.0.iter().find(|(of, _)| *of == ssrc).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, ssrc: u32) -> Option<&mut T> {
        self.0.iter_mut().find(|(of, _)| *of == ssrc).map(|(_, value)| value)
    }

    /// The value of a source, `make`d if there is none; `None` if there are `most` others already.
    pub(super) fn get_or_make(&mut self, ssrc: u32, most: usize, make: impl FnOnce() -> T) -> Option<&mut T> {
        if let Some(place) = self.0.iter().position(|(of, _)| *of == ssrc) {
            return self.0.get_mut(place).map(|(_, value)| value);
        }
        if self.0.len() >= most {
            return None;
        }
        self.0.push((ssrc, make()));
        self.0.last_mut().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_and_only_so_many() {
        let mut few = Few::default();
        assert_eq!(few.get_or_make(7, 2, || 'a'), Some(&mut 'a'));
        assert_eq!(few.get_or_make(7, 2, || 'b'), Some(&mut 'a'));
        assert_eq!(few.get_or_make(8, 2, || 'c'), Some(&mut 'c'));
        assert_eq!(few.get_or_make(9, 2, || 'd'), None);
        assert_eq!(few.get_or_make(8, 2, || 'e'), Some(&mut 'c'), "those that are there stay");
        assert_eq!((few.len(), few.get(9)), (2, None));
        assert_eq!(few.get_mut(8), Some(&mut 'c'));
    }
}
