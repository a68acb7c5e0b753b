//! Pages of lists: `MaxItems` and `Marker`.

use super::error::{IamError, invalid};
use super::keys;
use super::service::Iam;
use crate::page::Page;
use crate::ports::{Entity, Key, Scan};

/// Items of a page.
const PAGE: std::ops::RangeInclusive<usize> = 1..=1_000;
/// Items of a page when the caller does not say.
const USUAL: usize = 100;

/// What a caller asks of a list.
#[derive(Clone, Debug, Default)]
pub struct ListRequest {
    /// At most so many items: 1 to 1,000, else 100.
    pub max_items: Option<usize>,
    /// The marker of the page before.
    pub marker: Option<String>,
    /// Only what has a path that begins so.
    pub path_prefix: Option<String>,
}

impl ListRequest {
    pub(super) fn size(&self) -> Result<usize, IamError> {
        match self.max_items {
            None => Ok(USUAL),
            Some(size) if PAGE.contains(&size) => Ok(size),
            Some(size) => Err(invalid(format!("MaxItems is {size}, outside 1 to 1000.")).into()),
        }
    }

    pub(super) fn wants(&self, path: &str) -> bool {
        self.path_prefix.as_deref().is_none_or(|prefix| path.starts_with(prefix))
    }
}

impl Iam<'_> {
    /// The position that the marker of a request holds.
    pub(super) fn position(
        &self,
        listing: &[&str],
        request: &ListRequest,
    ) -> Result<Option<String>, IamError> {
        let open = |marker: &String| {
            self.chime.token_key().open(listing, marker).map_err(|_| invalid("Invalid Marker.").into())
        };
        request.marker.as_ref().map(open).transpose()
    }

    pub(super) fn marker(&self, listing: &[&str], position: &str) -> String {
        self.chime.token_key().seal(listing, position)
    }

    /// A page of the records of a kind that `keep` keeps, in the order of their names.
    pub(super) async fn page<T: Entity + Clone>(
        &self,
        kind: &str,
        request: &ListRequest,
        keep: impl Fn(&T) -> bool,
    ) -> Result<Page<T>, IamError> {
        let size = request.size()?;
        let listing = [kind, request.path_prefix.as_deref().unwrap_or_default()];
        let parent = keys::all(kind);
        let mut after = self
            .position(&listing, request)?
            .map(|last| Key::from_stored(&format!("{}{last}", parent.below())));
        let mut items = Vec::new();
        loop {
            let found = self.chime.store().scan(Scan::below(&parent, size + 1).after(after.clone())).await?;
            let last = found.len() <= size;
            for (key, record) in found {
                let item = record.record.read::<T>()?;
                if keep(&item) {
                    if items.len() == size {
                        let next = after.map(|key| self.marker(&listing, key.last()));
                        return Ok(Page { items, next });
                    }
                    items.push(T::clone(&item));
                }
                after = Some(key);
            }
            if last {
                return Ok(Page { items, next: None });
            }
        }
    }

    /// A page of what one record holds. `items` are ordered by the text that `name` gives.
    pub(super) fn part<T>(
        &self,
        listing: &[&str],
        request: &ListRequest,
        items: Vec<T>,
        name: impl Fn(&T) -> &str,
    ) -> Result<Page<T>, IamError> {
        let size = request.size()?;
        let after = self.position(listing, request)?;
        let mut items: Vec<T> = items
            .into_iter()
            .filter(|item| after.as_deref().is_none_or(|after| name(item) > after))
            .collect();
        let more = items.len() > size;
        items.truncate(size);
        let next = items.last().filter(|_| more).map(|last| self.marker(listing, name(last)));
        Ok(Page { items, next })
    }
}
