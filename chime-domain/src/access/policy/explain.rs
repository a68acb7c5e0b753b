//! The derivation of a verdict, statement by statement, for `chime-server explain`.

use std::fmt;

use super::context::RequestContext;
use super::document::{Effect, Statement};
use super::evaluate::{Grant, Layer, PolicySet, Verdict};

/// Every statement that was looked at, and the verdict they lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The action asked for.
    pub action: String,
    /// The resource asked for.
    pub resource: String,
    /// Whether the credentials are the account owner's.
    pub owner: bool,
    /// The policies, identity layer first.
    pub policies: Vec<PolicyTrace>,
    /// The answer, the same that `evaluate` gives.
    pub verdict: Verdict,
}

/// One policy of an [`Explanation`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyTrace {
    /// Its layer.
    pub layer: Layer,
    /// Its name.
    pub name: String,
    /// Its statements, in order.
    pub statements: Vec<StatementTrace>,
}

/// One statement of a [`PolicyTrace`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatementTrace {
    /// Its `Sid`.
    pub sid: Option<String>,
    /// Its effect, had it applied.
    pub effect: Effect,
    /// Whether it applied, or what kept it from applying.
    pub outcome: Outcome,
}

/// Whether a statement applied; the first thing that kept it from applying, in the order of evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Action, resource and conditions matched.
    Applies,
    /// The statement is about other actions.
    OtherAction,
    /// The statement is about other resources.
    OtherResource {
        /// What its `Resource` or `NotResource` lists.
        patterns: Vec<String>,
        /// A variable in it that has no value, and so matches nothing.
        unresolved: Option<String>,
    },
    /// A test of the `Condition` failed.
    ConditionFailed {
        /// The operator as written.
        operator: String,
        /// The key as written.
        key: String,
        /// The request's values of the key; none when it is absent.
        found: Vec<String>,
    },
}

impl PolicySet {
    /// Decides as [`PolicySet::evaluate`] does and keeps the whole derivation.
    #[must_use]
    pub fn explain(&self, action: &str, resource: &str, ctx: &RequestContext<'_>) -> Explanation {
        let policies = [Layer::Identity, Layer::Session].into_iter().flat_map(|layer| {
            self.policies(layer).iter().map(move |policy| PolicyTrace {
                layer,
                name: policy.name.to_string(),
                statements: policy
                    .document
                    .statements()
                    .iter()
                    .map(|statement| StatementTrace {
                        sid: statement.sid().map(str::to_owned),
                        effect: statement.effect(),
                        outcome: statement.outcome(action, resource, ctx),
                    })
                    .collect(),
            })
        });
        Explanation {
            action: action.to_owned(),
            resource: resource.to_owned(),
            owner: self.is_owner(),
            policies: policies.collect(),
            verdict: self.evaluate(action, resource, ctx),
        }
    }
}

impl Statement {
    fn outcome(&self, action: &str, resource: &str, ctx: &RequestContext<'_>) -> Outcome {
        if !self.core.covers_action(action, ctx) {
            return Outcome::OtherAction;
        }
        if !self.covers_resource(resource, ctx) {
            return Outcome::OtherResource {
                patterns: self.resources.patterns.iter().map(|pattern| pattern.source().to_owned()).collect(),
                unresolved: self.unresolved_resource(ctx).map(str::to_owned),
            };
        }
        match self.core.conditions.iter().find(|condition| !condition.holds(self.core.effect, ctx)) {
            Some(failed) => Outcome::ConditionFailed {
                operator: failed.operator().to_owned(),
                key: failed.key().to_owned(),
                found: failed.found(ctx),
            },
            None => Outcome::Applies,
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on {}", self.action, self.resource)?;
        if self.owner {
            writeln!(f, "  account owner: every action is allowed")?;
        }
        for policy in &self.policies {
            writeln!(f, "  {} policy {}", policy.layer.noun(), policy.name)?;
            for (index, statement) in policy.statements.iter().enumerate() {
                writeln!(f, "    Statement[{index}] {statement}")?;
            }
        }
        match self.verdict {
            Verdict::Allowed(Grant::Owner) => write!(f, "  verdict: allowed, by ownership of the account"),
            Verdict::Allowed(Grant::Statement(_)) => write!(f, "  verdict: allowed"),
            Verdict::ExplicitDeny(at) => write!(
                f,
                "  verdict: denied, by Statement[{}] of the {} policy {}",
                at.statement,
                at.layer.noun(),
                self.name(at.layer, at.policy)
            ),
            Verdict::ImplicitDeny(layer) => {
                write!(f, "  verdict: denied, as no {} policy allows it", layer.noun())
            }
        }
    }
}

impl Explanation {
    fn name(&self, layer: Layer, index: usize) -> &str {
        let mut policies = self.policies.iter().filter(|policy| policy.layer == layer);
        policies.nth(index).map_or("", |policy| policy.name.as_str())
    }
}

impl fmt::Display for StatementTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(sid) = self.sid.as_deref().filter(|sid| !sid.is_empty()) {
            write!(f, "{sid} ")?;
        }
        match self.effect {
            Effect::Allow => write!(f, "(Allow): ")?,
            Effect::Deny => write!(f, "(Deny): ")?,
        }
        match &self.outcome {
            Outcome::Applies => write!(f, "applies"),
            Outcome::OtherAction => write!(f, "is about other actions"),
            Outcome::OtherResource { patterns, unresolved } => {
                write!(f, "is about other resources, {}", patterns.join(", "))?;
                match unresolved {
                    Some(name) => write!(f, "; ${{{name}}} has no value in this request"),
                    None => Ok(()),
                }
            }
            Outcome::ConditionFailed { operator, key, found } if found.is_empty() => {
                write!(f, "condition {operator} fails, as the request has no {key}")
            }
            Outcome::ConditionFailed { operator, key, found } => {
                write!(f, "condition {operator} on {key} fails for {}", found.join(", "))
            }
        }
    }
}
