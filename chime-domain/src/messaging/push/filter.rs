//! Filter rules of a member's preferences.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::messaging::types::MessageAttributes;

/// Bytes of a rule.
const MOST_BYTES: usize = 2048;
/// Keys and values of a rule.
const MOST_COMPLEX: usize = 20;
/// Alternatives of an `$or`.
const MOST_ALTERNATIVES: usize = 5;

/// Why a text is no filter rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterRuleError {
    /// It is longer than 2 KB.
    #[error("it has more than 2048 bytes")]
    TooLong,
    /// It is no JSON object of the form that rules have.
    #[error("it is not a JSON object of attribute names with lists of texts or `anything-but`")]
    Malformed,
    /// It has more than 20 keys and values.
    #[error("it has more than 20 keys and values")]
    TooComplex,
    /// An `$or` has none or more than 5 alternatives.
    #[error("an $or must have 1 to 5 alternatives")]
    Alternatives,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Constraint {
    AnyOf(Vec<String>),
    NoneOf(Vec<String>),
}

/// A rule that the attributes of a message fit or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterRule {
    /// All of these; an attribute's constraints are alternatives.
    all: BTreeMap<String, Vec<Constraint>>,
    /// And one of these, where there are any.
    any: Vec<FilterRule>,
}

fn texts(values: &[Value]) -> Result<Vec<String>, FilterRuleError> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    values.iter().map(text).collect::<Option<_>>().ok_or(FilterRuleError::Malformed)
}

fn constraints(values: &Value) -> Result<Vec<Constraint>, FilterRuleError> {
    let values = values.as_array().filter(|values| !values.is_empty()).ok_or(FilterRuleError::Malformed)?;
    let (exclusions, plain): (Vec<_>, Vec<_>) = values.iter().cloned().partition(Value::is_object);
    let mut constraints = Vec::new();
    if !plain.is_empty() {
        constraints.push(Constraint::AnyOf(texts(&plain)?));
    }
    for exclusion in exclusions {
        let members = exclusion.as_object().filter(|members| members.len() == 1);
        let but =
            members.and_then(|members| members.get("anything-but")).ok_or(FilterRuleError::Malformed)?;
        constraints.push(Constraint::NoneOf(match but {
            Value::Array(values) if !values.is_empty() => texts(values)?,
            Value::String(text) => vec![text.clone()],
            _ => return Err(FilterRuleError::Malformed),
        }));
    }
    Ok(constraints)
}

impl FilterRule {
    /// Reads a rule: a JSON text.
    ///
    /// # Errors
    ///
    /// [`FilterRuleError`].
    pub fn parse(text: &str) -> Result<Self, FilterRuleError> {
        if text.len() > MOST_BYTES {
            return Err(FilterRuleError::TooLong);
        }
        let value: Value = serde_json::from_str(text).map_err(|_| FilterRuleError::Malformed)?;
        let rule = Self::read(&value, true)?;
        if rule.complexity() > MOST_COMPLEX { Err(FilterRuleError::TooComplex) } else { Ok(rule) }
    }

    fn read(value: &Value, top: bool) -> Result<Self, FilterRuleError> {
        let members =
            value.as_object().filter(|members| !members.is_empty()).ok_or(FilterRuleError::Malformed)?;
        let mut rule = Self { all: BTreeMap::new(), any: Vec::new() };
        for (name, value) in members {
            if name != "$or" {
                rule.all.insert(name.clone(), constraints(value)?);
                continue;
            }
            let alternatives = value.as_array().filter(|_| top).ok_or(FilterRuleError::Malformed)?;
            if !(1..=MOST_ALTERNATIVES).contains(&alternatives.len()) {
                return Err(FilterRuleError::Alternatives);
            }
            rule.any = alternatives.iter().map(|value| Self::read(value, false)).collect::<Result<_, _>>()?;
        }
        Ok(rule)
    }

    fn complexity(&self) -> usize {
        let of = |constraint: &Constraint| match constraint {
            Constraint::AnyOf(values) | Constraint::NoneOf(values) => values.len(),
        };
        let own: usize =
            self.all.values().map(|constraints| 1 + constraints.iter().map(of).sum::<usize>()).sum();
        own + self.any.iter().map(Self::complexity).sum::<usize>()
    }

    /// Whether a message with these attributes fits.
    #[must_use]
    pub fn fits(&self, attributes: &MessageAttributes) -> bool {
        let none = Vec::new();
        let fits = |name: &String, constraints: &[Constraint]| {
            let given = attributes.get(name).unwrap_or(&none);
            constraints.iter().any(|constraint| match constraint {
                Constraint::AnyOf(values) => given.iter().any(|value| values.contains(value)),
                Constraint::NoneOf(values) => !given.iter().any(|value| values.contains(value)),
            })
        };
        self.all.iter().all(|(name, constraints)| fits(name, constraints))
            && (self.any.is_empty() || self.any.iter().any(|rule| rule.fits(attributes)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attributes(all: &[(&str, &[&str])]) -> MessageAttributes {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        all.iter().map(|(name, given)| ((*name).to_owned(), values(given))).collect()
    }

    #[test]
    fn lists_include_anything_but_excludes_names_are_and_or_is_or() {
        let rule = FilterRule::parse(r#"{"type":[{"anything-but":["Room"]}],"mention":["Bob"]}"#).unwrap();
        assert_eq!(rule.complexity(), 4, "the example of the documentation");
        assert!(rule.fits(&attributes(&[("type", &["Talk"]), ("mention", &["Alice", "Bob"])])));
        assert!(rule.fits(&attributes(&[("mention", &["Bob"])])));
        assert!(!rule.fits(&attributes(&[("type", &["Room"]), ("mention", &["Bob"])])));
        assert!(!rule.fits(&attributes(&[("type", &["Talk"])])));
        let either = FilterRule::parse(r#"{"a":["1"],"$or":[{"b":["2"]},{"c":["3"]}]}"#).unwrap();
        assert!(either.fits(&attributes(&[("a", &["1"]), ("c", &["3"])])));
        assert!(!either.fits(&attributes(&[("a", &["1"])])));
        assert!(!either.fits(&attributes(&[("b", &["2"]), ("c", &["3"])])));
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        use FilterRuleError::{Alternatives, Malformed, TooComplex, TooLong};
        let long = format!(r#"{{"a":["{}"]}}"#, "x".repeat(2048));
        let full = |count: usize| format!(r#"{{"a":[{}]}}"#, vec![r#""v""#; count].join(","));
        let or = |count: usize| format!(r#"{{"$or":[{}]}}"#, vec![r#"{"a":["1"]}"#; count].join(","));
        for (text, error) in [
            ("", Malformed),
            ("[]", Malformed),
            ("{}", Malformed),
            (r#"{"a":"b"}"#, Malformed),
            (r#"{"a":[]}"#, Malformed),
            (r#"{"a":[1]}"#, Malformed),
            (r#"{"a":[{"prefix":"x"}]}"#, Malformed),
            (r#"{"a":[{"anything-but":[]}]}"#, Malformed),
            (r#"{"$or":[{"$or":[{"a":["1"]}]}]}"#, Malformed),
            (&long, TooLong),
            (&full(20), TooComplex),
            (&or(6), Alternatives),
            (&or(0), Alternatives),
        ] {
            assert_eq!(FilterRule::parse(text), Err(error), "{text}");
        }
        assert!(FilterRule::parse(&full(19)).is_ok() && FilterRule::parse(&or(5)).is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in ".{0,120}") {
            let _ = FilterRule::parse(&text);
        }

        #[test]
        fn a_list_and_anything_but_the_list_never_agree(
            values in proptest::collection::vec("[a-c]", 1..4),
            given in proptest::collection::vec("[a-d]", 0..4),
        ) {
            let list = serde_json::to_string(&values).unwrap();
            let include = FilterRule::parse(&format!(r#"{{"k":{list}}}"#)).unwrap();
            let exclude = FilterRule::parse(&format!(r#"{{"k":[{{"anything-but":{list}}}]}}"#)).unwrap();
            let attributes: MessageAttributes = [("k".to_owned(), given)].into();
            prop_assert_ne!(include.fits(&attributes), exclude.fits(&attributes));
        }
    }
}
