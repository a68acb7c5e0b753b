//! The `Condition` element: operators and their tests.

use std::net::IpAddr;

use super::arn_pattern::ArnPattern;
use super::context::{ContextKey, RequestContext};
use super::document::Effect;
use super::error::PolicyProblem;
use super::ip_range::IpRange;
use super::pattern::{Pattern, Syntax};
use super::value::Value;
use crate::time::Timestamp;

/// One operator with one key and its values.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    operator: Box<str>,
    key_name: Box<str>,
    key: ContextKey,
    set: SetMatch,
    negated: bool,
    if_exists: bool,
    operands: Operands,
}

/// How the values of the request are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SetMatch {
    Single,
    Any,
    All,
}

#[derive(Clone, Debug)]
enum Operands {
    Text(Box<[Pattern]>),
    Arn(Box<[ArnPattern]>),
    Bool(Box<[bool]>),
    /// Each value says whether the key must be absent.
    Null(Box<[bool]>),
    Ip(Box<[IpRange]>),
    Date(Order, Box<[Timestamp]>),
    Numeric(Order, Box<[f64]>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    fn holds<T: PartialOrd>(self, value: T, operand: T) -> bool {
        match self {
            Self::Equal => value == operand,
            Self::Less => value < operand,
            Self::LessOrEqual => value <= operand,
            Self::Greater => value > operand,
            Self::GreaterOrEqual => value >= operand,
        }
    }
}

/// An operator's name without prefix and suffix: its kind, and whether it is negated.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Text { wildcards: bool, ignore_case: bool },
    Arn,
    Bool,
    Null,
    Ip,
    Date(Order),
    Numeric(Order),
}

const EXACT: Kind = Kind::Text { wildcards: false, ignore_case: false };
const EXACT_ANY_CASE: Kind = Kind::Text { wildcards: false, ignore_case: true };
const LIKE: Kind = Kind::Text { wildcards: true, ignore_case: false };

/// The operators of the policy language but `BinaryEquals`: name, kind, negated.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
const OPERATORS: &[(&str, Kind, bool)] = &[
    ("StringEquals", EXACT, false),
    ("StringNotEquals", EXACT, true),
    ("StringEqualsIgnoreCase", EXACT_ANY_CASE, false),
    ("StringNotEqualsIgnoreCase", EXACT_ANY_CASE, true),
    ("StringLike", LIKE, false),
    ("StringNotLike", LIKE, true),
    ("ArnEquals", Kind::Arn, false),
    ("ArnLike", Kind::Arn, false),
    ("ArnNotEquals", Kind::Arn, true),
    ("ArnNotLike", Kind::Arn, true),
    ("Bool", Kind::Bool, false),
    ("Null", Kind::Null, false),
    ("IpAddress", Kind::Ip, false),
    ("NotIpAddress", Kind::Ip, true),
    ("DateEquals", Kind::Date(Order::Equal), false),
    ("DateNotEquals", Kind::Date(Order::Equal), true),
    ("DateLessThan", Kind::Date(Order::Less), false),
    ("DateLessThanEquals", Kind::Date(Order::LessOrEqual), false),
    ("DateGreaterThan", Kind::Date(Order::Greater), false),
    ("DateGreaterThanEquals", Kind::Date(Order::GreaterOrEqual), false),
    ("NumericEquals", Kind::Numeric(Order::Equal), false),
    ("NumericNotEquals", Kind::Numeric(Order::Equal), true),
    ("NumericLessThan", Kind::Numeric(Order::Less), false),
    ("NumericLessThanEquals", Kind::Numeric(Order::LessOrEqual), false),
    ("NumericGreaterThan", Kind::Numeric(Order::Greater), false),
    ("NumericGreaterThanEquals", Kind::Numeric(Order::GreaterOrEqual), false),
];

impl Condition {
    pub(super) fn parse(
        operator: &str,
        key: &str,
        values: &[String],
        variables: bool,
    ) -> Result<Self, PolicyProblem> {
        let (set, name) = match operator.split_once(':') {
            None => (SetMatch::Single, operator),
            Some(("ForAnyValue", name)) => (SetMatch::Any, name),
            Some(("ForAllValues", name)) => (SetMatch::All, name),
            Some(_) => return Err(PolicyProblem::UnknownOperator),
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (_, kind, negated) =
            OPERATORS.iter().find(|(known, ..)| *known == name).ok_or(PolicyProblem::UnknownOperator)?;
        if matches!(kind, Kind::Null) && (if_exists || set != SetMatch::Single) {
            return Err(PolicyProblem::UnknownOperator);
        }
        Ok(Self {
            operator: operator.into(),
            key_name: key.into(),
            key: ContextKey::parse(key),
            set,
            negated: *negated,
            if_exists,
            operands: Operands::parse(*kind, values, variables)?,
        })
    }

    /// The operator as written.
    pub(super) fn operator(&self) -> &str {
        &self.operator
    }

    /// The key as written.
    pub(super) fn key(&self) -> &str {
        &self.key_name
    }

    /// The values that the request has for the key, for people to read.
    pub(super) fn found(&self, ctx: &RequestContext<'_>) -> Vec<String> {
        let mut found = Vec::new();
        ctx.any(&self.key, |value| {
            found.push(value.render().as_str().to_owned());
            false
        });
        found
    }

    /// Whether the test passes in a statement of this effect.
    pub(super) fn holds(&self, effect: Effect, ctx: &RequestContext<'_>) -> bool {
        if let Operands::Null(expected) = &self.operands {
            let absent = ctx.any(&self.key, |_| true).is_none();
            return expected.contains(&absent);
        }
        // "Not one of values we do not know" would be true of everything.
        if self.negated && effect == Effect::Allow && self.operands.unresolved(ctx) {
            return false;
        }
        let matched = |value| self.operands.matches(value, ctx);
        match self.set {
            SetMatch::Single => match ctx.any(&self.key, matched) {
                Some(any) => any != self.negated,
                None => self.negated || self.if_exists,
            },
            SetMatch::Any => {
                ctx.any(&self.key, |value| matched(value) != self.negated).unwrap_or(self.if_exists)
            }
            SetMatch::All => {
                let fails = ctx.any(&self.key, |value| matched(value) == self.negated);
                !fails.unwrap_or(false)
            }
        }
    }
}

impl Operands {
    fn parse(kind: Kind, values: &[String], variables: bool) -> Result<Self, PolicyProblem> {
        Ok(match kind {
            Kind::Text { wildcards, ignore_case } => {
                let syntax = Syntax { wildcards, variables, ignore_case };
                Self::Text(values.iter().map(|v| Pattern::compile(v, syntax)).collect::<Result<_, _>>()?)
            }
            Kind::Arn => {
                Self::Arn(values.iter().map(|v| ArnPattern::compile(v, variables)).collect::<Result<_, _>>()?)
            }
            Kind::Bool => Self::Bool(each(values, "`true` or `false`", boolean)?),
            Kind::Null => Self::Null(each(values, "`true` or `false`", boolean)?),
            Kind::Ip => Self::Ip(each(values, "an address or CIDR range", IpRange::parse)?),
            Kind::Date(order) => {
                Self::Date(order, each(values, "an ISO 8601 date or epoch seconds", moment)?)
            }
            Kind::Numeric(order) => Self::Numeric(order, each(values, "a number", number)?),
        })
    }

    /// Whether the value matches any operand, negation aside.
    fn matches(&self, value: Value<'_>, ctx: &RequestContext<'_>) -> bool {
        match self {
            Self::Text(patterns) => {
                let text = value.render();
                patterns.iter().any(|pattern| pattern.fits(text.as_str(), ctx))
            }
            Self::Arn(patterns) => {
                let text = value.render();
                patterns.iter().any(|pattern| pattern.fits(text.as_str(), ctx))
            }
            Self::Bool(expected) => match value {
                Value::Bool(value) => expected.contains(&value),
                other => boolean(other.render().as_str()).is_some_and(|value| expected.contains(&value)),
            },
            // `holds` answers `Null` from the presence of the key alone.
            Self::Null(_) => false,
            Self::Ip(ranges) => {
                let address: Option<IpAddr> = match value {
                    Value::Ip(address) => Some(address),
                    other => other.render().as_str().parse().ok(),
                };
                address.is_some_and(|address| ranges.iter().any(|range| range.contains(address)))
            }
            Self::Date(order, dates) => {
                let at = match value {
                    Value::Time(at) => Some(at),
                    Value::Epoch(at) => Some(Timestamp::from_millis(at.seconds() * 1000)),
                    other => moment(other.render().as_str()),
                };
                at.is_some_and(|at| dates.iter().any(|date| order.holds(at, *date)))
            }
            Self::Numeric(order, numbers) => {
                let value = number(value.render().as_str());
                value.is_some_and(|value| numbers.iter().any(|operand| order.holds(value, *operand)))
            }
        }
    }

    fn unresolved(&self, ctx: &RequestContext<'_>) -> bool {
        match self {
            Self::Text(patterns) => patterns.iter().any(|pattern| pattern.unresolved(ctx).is_some()),
            Self::Arn(patterns) => patterns.iter().any(|pattern| pattern.unresolved(ctx).is_some()),
            _ => false,
        }
    }
}

fn each<T>(
    values: &[String],
    expected: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Box<[T]>, PolicyProblem> {
    let read =
        |value: &String| read(value).ok_or_else(|| PolicyProblem::Value { value: value.clone(), expected });
    values.iter().map(read).collect()
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// ISO 8601, also without seconds or without a time of day, or epoch seconds.
fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text)
        .or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")))
        .or_else(|| Timestamp::parse(&format!("{}:00Z", text.strip_suffix('Z')?)))
}
