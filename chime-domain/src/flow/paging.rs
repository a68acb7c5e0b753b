//! One page of the records below a key.

use super::Chime;
use crate::error::{ServiceError, StoreError};
use crate::page::{Page, PageRequest};
use crate::ports::{Key, Scan, Versioned};

/// How many records a page looks at before it is answered short (wire rule P-05).
const MOST_SCANNED: usize = 2_000;

impl Chime {
    /// A page of the records below `parent` for which `pick` gives something, in the order of their keys.
    ///
    /// `listing` is what the page's token is bound to: the operation, the resource, the caller and the filters.
    ///
    /// # Errors
    ///
    /// A bad request when the page is not valid; the store's errors.
    pub(crate) async fn page<T>(
        &self,
        listing: &[&str],
        parent: &Key,
        request: &PageRequest,
        mut pick: impl FnMut(&Key, &Versioned) -> Result<Option<T>, StoreError>,
    ) -> Result<Page<T>, ServiceError> {
        let size = request.size()?;
        let seal = self.token_key();
        let mut after = match &request.next_token {
            Some(token) => {
                Some(Key::from_stored(&format!("{}{}", parent.below(), seal.open(listing, token)?)))
            }
            None => None,
        };
        let mut items = Vec::new();
        let mut scanned = 0;
        loop {
            let found = self.store().scan(Scan::below(parent, size + 1).after(after.clone())).await?;
            let last = found.len() <= size;
            scanned += found.len();
            for (key, record) in found {
                let picked = pick(&key, &record)?;
                if picked.is_some() && items.len() == size {
                    return Ok(Page { items, next: after.map(|key| seal.seal(listing, key.last())) });
                }
                items.extend(picked);
                after = Some(key);
            }
            if last {
                return Ok(Page { items, next: None });
            }
            if scanned >= MOST_SCANNED {
                return Ok(Page { items, next: after.map(|key| seal.seal(listing, key.last())) });
            }
        }
    }
}
