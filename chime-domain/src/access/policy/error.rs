//! What can be wrong with a policy document.

use thiserror::Error;

/// A document that is not a policy; IAM answers `MalformedPolicyDocument`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The text is not JSON, or names a member twice.
    #[error("the policy is not valid JSON: {0}")]
    Json(String),
    /// An element of the document breaks the grammar.
    #[error("`{path}` {problem}")]
    Invalid {
        /// Where, as in `Statement[2].Condition.StringEquals`.
        path: String,
        /// What is wrong there.
        problem: PolicyProblem,
    },
}

impl PolicyError {
    pub(super) fn at(path: impl Into<String>, problem: PolicyProblem) -> Self {
        Self::Invalid { path: path.into(), problem }
    }
}

/// What is wrong with one element.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PolicyProblem {
    /// A required element is absent.
    #[error("is missing")]
    Missing,
    /// The element is of another JSON type.
    #[error("must be {0}")]
    Expected(&'static str),
    /// The grammar has no such element.
    #[error("is not an element of a policy")]
    Unknown,
    /// The element may not stand in this kind of policy.
    #[error("may not stand in {0}")]
    Prohibited(&'static str),
    /// Two elements exclude each other.
    #[error("excludes `{0}`")]
    Excludes(&'static str),
    /// A list without a value.
    #[error("must not be empty")]
    Empty,
    /// A condition operator that is not known.
    #[error("is not a condition operator")]
    UnknownOperator,
    /// A value that its place cannot hold.
    #[error("has the value `{value}` where {expected} is expected")]
    Value {
        /// The value as written.
        value: String,
        /// What would do.
        expected: &'static str,
    },
    /// `${` without a name or without its end.
    #[error("has the malformed policy variable `{0}`")]
    Variable(String),
    /// Two statements share a `Sid`.
    #[error("repeats the Sid `{0}`")]
    RepeatedSid(String),
}
