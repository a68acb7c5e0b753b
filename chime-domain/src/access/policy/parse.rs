//! The grammar that identity policies and trust policies share.

use super::condition::Condition;
use super::document::{Effect, Version};
use super::error::{PolicyError, PolicyProblem};
use super::json::Node;
use super::pattern::{Pattern, Syntax};

/// An element with its place in the document.
pub(super) struct Element {
    pub(super) path: String,
    members: Vec<(String, Node)>,
}

/// What every statement has.
#[derive(Clone, Debug)]
pub(super) struct Core {
    pub(super) sid: Option<Box<str>>,
    pub(super) effect: Effect,
    pub(super) actions: Selection,
    pub(super) conditions: Box<[Condition]>,
}

/// A list of patterns, or all but what it matches.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    pub(super) except: bool,
    pub(super) patterns: Box<[Pattern]>,
}

/// Reads the outer document and gives its statements for the caller to finish.
pub(super) fn document(text: &str) -> Result<(Version, Vec<Element>), PolicyError> {
    let node: Node = serde_json::from_str(text).map_err(|e| PolicyError::Json(e.to_string()))?;
    let mut document = Element::new(String::new(), node)?;
    let version = match document.text("Version")?.as_deref() {
        None | Some("2008-10-17") => Version::V2008,
        Some("2012-10-17") => Version::V2012,
        Some(other) => {
            let expected = "`2012-10-17` or `2008-10-17`";
            return Err(PolicyError::at(
                "Version",
                PolicyProblem::Value { value: other.to_owned(), expected },
            ));
        }
    };
    document.text("Id")?;
    let statements = match document.take("Statement") {
        None => return Err(PolicyError::at("Statement", PolicyProblem::Missing)),
        Some(Node::List(items)) if items.is_empty() => {
            return Err(PolicyError::at("Statement", PolicyProblem::Empty));
        }
        Some(Node::List(items)) => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| Element::new(format!("Statement[{index}]"), item))
            .collect::<Result<_, _>>()?,
        Some(single) => vec![Element::new("Statement".to_owned(), single)?],
    };
    document.finish()?;
    Ok((version, statements))
}

/// Refuses a `Sid` that two statements share.
pub(super) fn unique_sids<'a>(sids: impl Iterator<Item = &'a str>) -> Result<(), PolicyError> {
    let mut seen = std::collections::HashSet::new();
    for sid in sids.filter(|sid| !sid.is_empty()) {
        if !seen.insert(sid) {
            return Err(PolicyError::at("Statement", PolicyProblem::RepeatedSid(sid.to_owned())));
        }
    }
    Ok(())
}

impl Core {
    pub(super) fn parse(element: &mut Element, version: Version) -> Result<Self, PolicyError> {
        let sid = element.text("Sid")?;
        if let Some(sid) = &sid
            && !sid.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            let problem = PolicyProblem::Value { value: sid.clone(), expected: "letters and digits" };
            return Err(element.fault("Sid", problem));
        }
        let effect = match element.text("Effect")?.as_deref() {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            None => return Err(element.fault("Effect", PolicyProblem::Missing)),
            Some(other) => {
                let problem = PolicyProblem::Value { value: other.to_owned(), expected: "`Allow` or `Deny`" };
                return Err(element.fault("Effect", problem));
            }
        };
        let syntax = Syntax { wildcards: true, variables: false, ignore_case: true };
        let actions = element.selection("Action", "NotAction", syntax, |action| {
            let named = action.contains([':', '>']) || action.bytes().all(|b| b == b'*');
            (action.is_empty() || !named).then_some("an action, `service:name`,")
        })?;
        let conditions = conditions(element, version)?;
        Ok(Self { sid: sid.map(Into::into), effect, actions, conditions })
    }
}

fn conditions(element: &mut Element, version: Version) -> Result<Box<[Condition]>, PolicyError> {
    let mut conditions = Vec::new();
    let Some(block) = element.take("Condition") else { return Ok(Box::default()) };
    let block = Element::new(element.child("Condition"), block)?;
    for (operator, tests) in block.members {
        let tests = Element::new(format!("{}.{operator}", block.path), tests)?;
        for (key, values) in tests.members {
            let path = format!("{}.{key}", tests.path);
            let values = scalars(&path, values)?;
            let condition = Condition::parse(&operator, &key, &values, version.has_variables());
            conditions.push(condition.map_err(|problem| match problem {
                PolicyProblem::UnknownOperator => PolicyError::at(tests.path.clone(), problem),
                problem => PolicyError::at(path, problem),
            })?);
        }
    }
    Ok(conditions.into())
}

impl Element {
    pub(super) fn new(path: String, node: Node) -> Result<Self, PolicyError> {
        match node {
            Node::Object(members) => Ok(Self { path, members }),
            _ => {
                let path = if path.is_empty() { "policy".to_owned() } else { path };
                Err(PolicyError::at(path, PolicyProblem::Expected("an object")))
            }
        }
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Node> {
        let at = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.remove(at).1)
    }

    pub(super) fn into_members(self) -> Vec<(String, Node)> {
        self.members
    }

    pub(super) fn child(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(super) fn fault(&self, name: &str, problem: PolicyProblem) -> PolicyError {
        PolicyError::at(self.child(name), problem)
    }

    /// Refuses an element that this kind of policy does not have.
    pub(super) fn prohibit(&mut self, names: &[&str], kind: &'static str) -> Result<(), PolicyError> {
        match names.iter().find(|name| self.take(name).is_some()) {
            Some(name) => Err(self.fault(name, PolicyProblem::Prohibited(kind))),
            None => Ok(()),
        }
    }

    /// Refuses what nobody has taken.
    pub(super) fn finish(self) -> Result<(), PolicyError> {
        match self.members.first() {
            Some((name, _)) => Err(self.fault(name, PolicyProblem::Unknown)),
            None => Ok(()),
        }
    }

    /// The element that excludes its negation, and whether it was the negation.
    pub(super) fn either(
        &mut self,
        plain: &'static str,
        negated: &'static str,
    ) -> Result<(Node, &'static str, bool), PolicyError> {
        match (self.take(plain), self.take(negated)) {
            (Some(node), None) => Ok((node, plain, false)),
            (None, Some(node)) => Ok((node, negated, true)),
            (None, None) => Err(self.fault(plain, PolicyProblem::Missing)),
            (Some(_), Some(_)) => Err(self.fault(plain, PolicyProblem::Excludes(negated))),
        }
    }

    /// Patterns under one of two names; `refuse` gives what a pattern's text should have been.
    pub(super) fn selection(
        &mut self,
        plain: &'static str,
        negated: &'static str,
        syntax: Syntax,
        refuse: impl Fn(&str) -> Option<&'static str>,
    ) -> Result<Selection, PolicyError> {
        let (node, name, except) = self.either(plain, negated)?;
        let path = self.child(name);
        let compile = |source: String| match refuse(&source) {
            Some(expected) => Err(PolicyProblem::Value { value: source, expected }),
            None => Pattern::compile(&source, syntax),
        };
        let patterns = strings(&path, node)?
            .into_iter()
            .map(compile)
            .collect::<Result<_, _>>()
            .map_err(|problem| PolicyError::at(path, problem))?;
        Ok(Selection { except, patterns })
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, PolicyError> {
        match self.take(name) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.fault(name, PolicyProblem::Expected("a string"))),
        }
    }
}

/// A string or a list of strings, at least one.
pub(super) fn strings(path: &str, node: Node) -> Result<Vec<String>, PolicyError> {
    list(path, node, "a string or a list of strings", |item| match item {
        Node::Text(text) => Some(text),
        _ => None,
    })
}

/// Condition values may also be written as JSON numbers and booleans.
fn scalars(path: &str, node: Node) -> Result<Vec<String>, PolicyError> {
    list(path, node, "a value or a list of values", |item| match item {
        Node::Text(text) | Node::Number(text) => Some(text),
        Node::Bool(value) => Some(value.to_string()),
        _ => None,
    })
}

fn list(
    path: &str,
    node: Node,
    expected: &'static str,
    read: impl Fn(Node) -> Option<String>,
) -> Result<Vec<String>, PolicyError> {
    let items = match node {
        Node::List(items) if items.is_empty() => return Err(PolicyError::at(path, PolicyProblem::Empty)),
        Node::List(items) => items,
        single => vec![single],
    };
    let read = |item| read(item).ok_or_else(|| PolicyError::at(path, PolicyProblem::Expected(expected)));
    items.into_iter().map(read).collect()
}
