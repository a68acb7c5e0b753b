//! Pages of lists, and the `NextToken` between them (wire.md section 6).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::error::Refusal;
use crate::limits::NEXT_TOKEN_LENGTH;

const TAG: usize = 16;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last.
    pub next: Option<String>,
}

/// What a caller asks of a list.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PageRequest {
    /// At most so many items; the list's own bound when absent.
    pub max_results: Option<usize>,
    /// The token of the page before.
    pub next_token: Option<String>,
    /// The most that the list gives at once, if that is not 50.
    pub most: Option<usize>,
}

impl PageRequest {
    /// The first page, of at most `max_results` items.
    #[must_use]
    pub fn first(max_results: usize) -> Self {
        Self { max_results: Some(max_results), next_token: None, most: None }
    }

    /// A page as a client asks for it.
    #[must_use]
    pub fn new(max_results: Option<usize>, next_token: Option<String>) -> Self {
        Self { max_results, next_token, most: None }
    }

    /// The same of a list with another bound.
    #[must_use]
    pub fn within(self, most: usize) -> Self {
        Self { most: Some(most), ..self }
    }

    /// The number of items wanted, within 1 to 50 or the list's own bound.
    ///
    /// # Errors
    ///
    /// A refusal when it is out of these bounds.
    pub fn size(&self) -> Result<usize, Refusal> {
        let most = self.most.unwrap_or(*crate::limits::PAGE_SIZE.end());
        match self.max_results {
            None => Ok(most),
            Some(size) if (1..=most).contains(&size) => Ok(size),
            Some(size) => {
                Err(Refusal::bad_request("P-01", format!("MaxResults is {size}, outside 1 to {most}.")))
            }
        }
    }
}

/// Seals the tokens of one server.
///
/// A token holds the position behind the last item of its page and a tag over that position and what was listed: the
/// operation, the resource, the caller and the filters (wire rule P-03). It holds no offset, so that items which come
/// and go between two pages neither hide nor repeat others (wire rule P-04).
#[derive(Clone)]
pub struct TokenKey([u8; 32]);

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey")
    }
}

impl TokenKey {
    /// A key from secret bytes.
    #[must_use]
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The token of a position in a listing.
    #[must_use]
    pub fn seal(&self, listing: &[&str], position: &str) -> String {
        let mut bytes = self.tag(listing, position).to_vec();
        bytes.extend_from_slice(position.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position inside a token.
    ///
    /// # Errors
    ///
    /// A refusal when the token was not made here for this listing.
    pub fn open(&self, listing: &[&str], token: &str) -> Result<String, Refusal> {
        let refusal = || {
            Refusal::bad_request("P-03", "NextToken is not a token of this list.")
                .unless("pass the NextToken of the page before, with the same filters and caller.")
        };
        if token.len() > NEXT_TOKEN_LENGTH {
            return Err(refusal());
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refusal())?;
        let (tag, position) = bytes.split_at_checked(TAG).ok_or_else(refusal)?;
        let position = std::str::from_utf8(position).map_err(|_| refusal())?;
        let expected = self.tag(listing, position);
        let differs = tag.iter().zip(expected).fold(0, |sum, (a, b)| sum | (a ^ b));
        if differs == 0 { Ok(position.to_owned()) } else { Err(refusal()) }
    }

    fn tag(&self, listing: &[&str], position: &str) -> [u8; TAG] {
        // HMAC takes keys of every length, so there is no error to meet here.
        let mut tag = [0; TAG];
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) {
            for part in listing.iter().chain([&position]) {
                mac.update(&(part.len() as u64).to_be_bytes());
                mac.update(part.as_bytes());
            }
            for (to, from) in tag.iter_mut().zip(mac.finalize().into_bytes()) {
                *to = from;
            }
        }
        tag
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: TokenKey = TokenKey::new([7; 32]);

    proptest! {
        #[test]
        fn a_token_opens_only_in_its_own_listing(position in "[ -~]{0,80}", a in ".{0,20}", b in ".{0,20}") {
            let token = KEY.seal(&[&a, &b], &position);
            prop_assert!(token.len() <= NEXT_TOKEN_LENGTH);
            prop_assert_eq!(KEY.open(&[&a, &b], &token).unwrap(), position);
            prop_assert!(KEY.open(&[&a, &b, "filter"], &token).is_err());
            let joined = format!("{a}{b}");
            prop_assert!(KEY.open(&[&joined], &token).is_err());
            prop_assert!(TokenKey::new([8; 32]).open(&[&a, &b], &token).is_err());
        }

        #[test]
        fn a_changed_or_invented_token_is_refused(position in "[a-z]{1,20}", flip in 0usize..20, junk in ".{0,200}") {
            let token = KEY.seal(&["list"], &position);
            let mut changed = token.clone().into_bytes();
            let at = flip % changed.len();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last character may hold bits beyond the data, which decoders refuse or ignore.
            if URL_SAFE_NO_PAD.decode(&changed).is_ok_and(|c| c != URL_SAFE_NO_PAD.decode(&token).unwrap()) {
                prop_assert!(KEY.open(&["list"], &changed).is_err());
            }
            prop_assert!(KEY.open(&["list"], &junk).is_err());
        }
    }

    #[test]
    fn page_sizes_are_refused_one_past_their_bounds() {
        for (size, fits) in [(0, false), (1, true), (50, true), (51, false)] {
            assert_eq!(PageRequest::first(size).size().is_ok(), fits, "{size}");
        }
        assert_eq!(PageRequest::default().size().unwrap(), 50);
    }
}
