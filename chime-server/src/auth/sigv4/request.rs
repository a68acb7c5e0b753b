//! The parts of a request that a signature covers.

use std::fmt;

use super::SigError;

/// A request as it was received, before anything decoded or normalised it.
#[derive(Clone, Copy)]
pub struct SignedRequest<'a> {
    /// The method, upper-case as received.
    pub method: &'a str,
    /// The path exactly as received, still percent-encoded, without the query. An absolute-form request
    /// target is reduced to its path before it comes here.
    pub raw_path: &'a str,
    /// The query exactly as received, without the question mark; empty when there is none.
    pub raw_query: &'a str,
    /// Header names in lower case with their values, in the order received. Over HTTP/2 the caller adds
    /// `host` from `:authority`.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body.
    pub body: &'a [u8],
    /// Whether it came over TLS, which alone permits an unsigned payload (wire fact A-08).
    pub secure: bool,
}

impl<'a> SignedRequest<'a> {
    /// All values of the header `name` (lower case), in order.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(header, _)| *header == name).map(|(_, value)| *value)
    }

    /// The value of a header that may appear once at most: were it repeated, the joined value that is signed
    /// and the first value that is acted upon could differ.
    pub(super) fn sole(&self, name: &'static str) -> Result<Option<&'a [u8]>, SigError> {
        let mut values = self.values(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(SigError::RepeatedPart(name));
        }
        Ok(first)
    }
}

impl fmt::Debug for SignedRequest<'_> {
    /// Leaves out the query, headers and body, which hold signatures and tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("method", &self.method)
            .field("raw_path", &self.raw_path)
            .finish_non_exhaustive()
    }
}
