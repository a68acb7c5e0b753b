//! From method, path and query to an operation.

use std::borrow::Cow;
use std::collections::HashMap;

use super::path::{Labels, Template, decode};
use super::{Operation, all};
use crate::api::namespace::Namespace;
use crate::api::query::Query;

/// Query parameters that select an operation wherever they appear (wire rule W-02).
const SELECTORS: [&str; 2] = ["operation", "scope"];

/// A table with the parts that do not change taken apart once.
#[derive(Debug)]
pub(crate) struct Routes {
    by_first: HashMap<&'static str, Vec<Row>>,
}

#[derive(Debug)]
struct Row {
    index: usize,
    operation: &'static Operation,
    template: Template,
    literal: Option<(&'static str, &'static str)>,
}

/// A request's operation.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its place in [`all`].
    pub(crate) index: usize,
    /// The row.
    pub(crate) operation: &'static Operation,
    /// The values of its labels.
    pub(crate) labels: Labels,
    /// The namespace that a path prefix names (wire rule N-02).
    pub(crate) prefix: Option<Namespace>,
}

/// Why a request has no operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotFound {
    /// No such path, or no such method on it (wire rule R-07).
    Route,
    /// A percent escape that cannot be decoded.
    Escape,
    /// The literal query parameter has a value that selects nothing.
    Selector(&'static str),
}

impl Routes {
    pub(crate) fn new() -> Self {
        let mut by_first: HashMap<_, Vec<Row>> = HashMap::new();
        for (index, operation) in all().enumerate() {
            let path = operation.path();
            let first = path.split('/').nth(1).unwrap_or_default();
            let row = Row { index, operation, template: Template::new(path), literal: operation.literal() };
            by_first.entry(first).or_default().push(row);
        }
        Self { by_first }
    }

    /// Finds the operation of a request from its path as received and its decoded query.
    ///
    /// # Errors
    ///
    /// [`NotFound`].
    pub(crate) fn find(&self, method: &str, raw_path: &str, query: &Query) -> Result<Found, NotFound> {
        let Some(path) = raw_path.strip_prefix('/') else { return Err(NotFound::Route) };
        let segments: Option<Vec<_>> = path.split('/').map(decode).collect();
        let segments = segments.ok_or(NotFound::Escape)?;
        let (prefix, segments) = strip_prefix(&segments);
        let rows = segments.first().and_then(|first| self.by_first.get(first.as_ref()));
        let rows = rows.map_or(&[][..], Vec::as_slice);
        let strict: Vec<_> = candidates(rows, |template| template.matches(segments));
        let candidates = if strict.is_empty() {
            candidates(rows, |template| template.matches_raw_arns(segments))
        } else {
            strict
        };
        let of_method = candidates.into_iter().filter(|(row, _)| row.operation.method == method).collect();
        let (row, labels) = select(of_method, query)?;
        Ok(Found { index: row.index, operation: row.operation, labels, prefix })
    }
}

fn candidates(rows: &[Row], matches: impl Fn(&Template) -> Option<Labels>) -> Vec<(&Row, Labels)> {
    rows.iter().filter_map(|row| Some((row, matches(&row.template)?))).collect()
}

/// The row that the query selects among those of one method and path.
fn select<'a>(candidates: Vec<(&'a Row, Labels)>, query: &Query) -> Result<(&'a Row, Labels), NotFound> {
    if candidates.is_empty() {
        return Err(NotFound::Route);
    }
    let literal_names = candidates.iter().filter_map(|(row, _)| Some(row.literal?.0));
    let selector = SELECTORS.into_iter().chain(literal_names).find(|name| query.get(name).is_some());
    let is_selected = |row: &Row| match (selector, row.literal) {
        (None, literal) => literal.is_none(),
        (Some(name), Some((literal, value))) => {
            let mut given = query.all(name);
            name == literal && given.next() == Some(value) && given.next().is_none()
        }
        (Some(_), None) => false,
    };
    let refusal = selector.map_or(NotFound::Route, NotFound::Selector);
    candidates.into_iter().find(|(row, _)| is_selected(row)).ok_or(refusal)
}

/// Takes off the path segment that an operator may have put in the endpoint (wire rules W-12, N-02).
fn strip_prefix<'a, 's>(segments: &'a [Cow<'s, str>]) -> (Option<Namespace>, &'a [Cow<'s, str>]) {
    match segments.split_first() {
        Some((first, rest)) => match Namespace::of_prefix(first) {
            Some(namespace) => (Some(namespace), rest),
            None => (None, segments),
        },
        None => (None, segments),
    }
}
