//! The `Arn…` operators: the six parts of an ARN are compared one by one, so that no wildcard spans a colon.

use super::context::RequestContext;
use super::error::PolicyProblem;
use super::pattern::{Pattern, Syntax};

/// A pattern for ARNs.
#[derive(Clone, Debug)]
pub(super) enum ArnPattern {
    /// Partition prefix, partition, service, region, account, resource; the resource may hold colons.
    Parts(Box<[Pattern]>),
    /// Fewer than six parts: only a variable that holds a whole ARN can make it match.
    Whole(Pattern),
}

impl ArnPattern {
    pub(super) fn compile(source: &str, variables: bool) -> Result<Self, PolicyProblem> {
        let parts = parts(source, variables);
        if parts.len() < PARTS {
            let syntax = Syntax { wildcards: false, variables, ignore_case: false };
            return Ok(Self::Whole(Pattern::compile(source, syntax)?));
        }
        let syntax = Syntax { wildcards: true, variables, ignore_case: false };
        parts.iter().map(|part| Pattern::compile(part, syntax)).collect::<Result<_, _>>().map(Self::Parts)
    }

    pub(super) fn unresolved(&self, ctx: &RequestContext<'_>) -> Option<&str> {
        match self {
            Self::Parts(parts) => parts.iter().find_map(|part| part.unresolved(ctx)),
            Self::Whole(pattern) => pattern.unresolved(ctx),
        }
    }

    pub(super) fn fits(&self, arn: &str, ctx: &RequestContext<'_>) -> bool {
        if arn.splitn(PARTS, ':').count() < PARTS {
            return false;
        }
        match self {
            Self::Parts(parts) => arn.splitn(PARTS, ':').zip(parts).all(|(text, part)| part.fits(text, ctx)),
            Self::Whole(pattern) => pattern.fits(arn, ctx),
        }
    }
}

const PARTS: usize = 6;

/// Cuts at colons outside of variables, at most into six.
fn parts(source: &str, variables: bool) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut inside = false;
    for c in source.chars() {
        match c {
            '{' if variables && part.ends_with('$') => inside = true,
            '}' => inside = false,
            ':' if !inside && parts.len() < PARTS - 1 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    parts
}
