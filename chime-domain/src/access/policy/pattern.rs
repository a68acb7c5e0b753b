//! Text with wildcards and policy variables, compiled once so that matching does not allocate.
//!
//! A pattern is cut at its `*` into runs. Between two stars the first place where a run fits is as good as any
//! later one, so matching goes forward only: at most text length times pattern length, whatever the pattern.

use super::context::{ContextKey, RequestContext};
use super::error::PolicyProblem;
use super::value::Value;

/// Which characters of a pattern's source are special.
#[derive(Clone, Copy, Debug)]
pub(super) struct Syntax {
    /// `*` and `?`.
    pub(super) wildcards: bool,
    /// `${name}`, `${name, 'default'}` and the escapes `${*}`, `${?}`, `${$}`.
    pub(super) variables: bool,
    /// Compare ASCII letters without regard to case.
    pub(super) ignore_case: bool,
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    source: Box<str>,
    first: Run,
    /// The runs behind each `*`.
    rest: Box<[Run]>,
    /// Bytes that the literals alone need; a cheap way to say no.
    least: usize,
    /// Whether the pattern is one literal, so that lengths must be equal.
    exact: bool,
    variables: bool,
    ignore_case: bool,
}

type Run = Box<[Piece]>;

#[derive(Clone, Debug)]
enum Piece {
    Literal(Box<str>),
    AnyChar,
    Variable(Variable),
}

/// `${name}` or `${name, 'default'}`.
#[derive(Clone, Debug)]
struct Variable {
    name: Box<str>,
    key: ContextKey,
    default: Option<Box<str>>,
}

impl Pattern {
    pub(super) fn compile(source: &str, syntax: Syntax) -> Result<Self, PolicyProblem> {
        let mut runs = Vec::new();
        let mut run = Vec::new();
        let mut literal = String::new();
        let flush = |literal: &mut String, run: &mut Vec<Piece>| {
            if !literal.is_empty() {
                run.push(Piece::Literal(std::mem::take(literal).into()));
            }
        };
        let mut text = source;
        while let Some(c) = text.chars().next() {
            if syntax.variables
                && let Some(tail) = text.strip_prefix("${")
            {
                let (inside, after) =
                    tail.split_once('}').ok_or_else(|| PolicyProblem::Variable(text.to_owned()))?;
                text = after;
                if matches!(inside, "*" | "?" | "$") {
                    literal.push_str(inside);
                } else {
                    flush(&mut literal, &mut run);
                    run.push(Piece::Variable(Variable::parse(inside)?));
                }
                continue;
            }
            text = skip_char(text).unwrap_or_default();
            match c {
                '*' if syntax.wildcards => {
                    flush(&mut literal, &mut run);
                    if runs.is_empty() || !run.is_empty() {
                        runs.push(std::mem::take(&mut run).into_boxed_slice());
                    }
                }
                '?' if syntax.wildcards => {
                    flush(&mut literal, &mut run);
                    run.push(Piece::AnyChar);
                }
                c => literal.push(c),
            }
        }
        flush(&mut literal, &mut run);
        runs.push(run.into());

        let pieces = || runs.iter().flat_map(|run: &Run| run.iter());
        let least = pieces()
            .map(|piece| match piece {
                Piece::Literal(literal) => literal.len(),
                Piece::AnyChar => 1,
                Piece::Variable(_) => 0,
            })
            .sum();
        let variables = pieces().any(|piece| matches!(piece, Piece::Variable(_)));
        let exact = runs.len() == 1 && pieces().all(|piece| matches!(piece, Piece::Literal(_)));
        let ignore_case = syntax.ignore_case;
        let mut runs = runs.into_iter();
        let first = runs.next().unwrap_or_default();
        Ok(Self { source: source.into(), first, rest: runs.collect(), least, exact, variables, ignore_case })
    }

    /// The pattern as written.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Whether the pattern matches the whole text; with an unresolved variable it matches nothing (rule IAM-25),
    /// as every piece has to be found for a match.
    pub(super) fn fits(&self, text: &str, ctx: &RequestContext<'_>) -> bool {
        if text.len() < self.least || (self.exact && text.len() != self.least) {
            return false;
        }
        let Some(mut text) = self.strip(&self.first, text, ctx) else { return false };
        let Some((last, middle)) = self.rest.split_last() else { return text.is_empty() };
        for run in middle {
            match self.find(run, text, ctx) {
                Some(after) => text = after,
                None => return false,
            }
        }
        self.ends(last, text, ctx)
    }

    /// The name of a variable without value, if there is one.
    pub(super) fn unresolved(&self, ctx: &RequestContext<'_>) -> Option<&str> {
        if !self.variables {
            return None;
        }
        self.pieces().find_map(|piece| match piece {
            Piece::Variable(variable) if !variable.has_value(ctx) => Some(&*variable.name),
            _ => None,
        })
    }

    /// The one text that the pattern matches; `None` with wildcards or an unresolved variable.
    pub(super) fn concrete(&self, ctx: &RequestContext<'_>) -> Option<String> {
        if !self.rest.is_empty() {
            return None;
        }
        let mut text = String::new();
        for piece in &self.first {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::AnyChar => return None,
                Piece::Variable(variable) => variable.with(ctx, |value| text.push_str(value))?,
            }
        }
        Some(text)
    }

    /// Whether some text that begins with `prefix` could match. Unresolved patterns match nothing.
    pub(super) fn may_start_with(&self, prefix: &str, ctx: &RequestContext<'_>) -> bool {
        if self.unresolved(ctx).is_some() {
            return false;
        }
        let mut left = prefix;
        for piece in &self.first {
            if left.is_empty() {
                return true;
            }
            let rest = match piece {
                Piece::AnyChar => skip_char(left),
                Piece::Literal(literal) => self.strip_overlap(left, literal),
                Piece::Variable(variable) => {
                    variable.with(ctx, |value| self.strip_overlap(left, value)).flatten()
                }
            };
            match rest {
                Some(rest) => left = rest,
                None => return false,
            }
        }
        left.is_empty() || !self.rest.is_empty()
    }

    /// What is left of the text behind the literal; nothing, if the literal goes on beyond the text.
    fn strip_overlap<'t>(&self, text: &'t str, literal: &str) -> Option<&'t str> {
        self.strip_literal(text, literal).or_else(|| self.strip_literal(literal, text).map(|_| ""))
    }

    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.first.iter().chain(self.rest.iter().flat_map(|run| run.iter()))
    }

    /// What is left of the text behind the run, if the text begins with it.
    fn strip<'t>(&self, run: &Run, text: &'t str, ctx: &RequestContext<'_>) -> Option<&'t str> {
        let mut text = text;
        for piece in run {
            text = match piece {
                Piece::Literal(literal) => self.strip_literal(text, literal)?,
                Piece::AnyChar => skip_char(text)?,
                Piece::Variable(variable) => {
                    variable.with(ctx, |value| self.strip_literal(text, value))??
                }
            };
        }
        Some(text)
    }

    /// What is left of the text behind the first place where the run fits.
    fn find<'t>(&self, run: &Run, text: &'t str, ctx: &RequestContext<'_>) -> Option<&'t str> {
        if let [Piece::Literal(literal)] = &**run
            && !self.ignore_case
        {
            return text.split_once(&**literal).map(|(_, after)| after);
        }
        let mut from = text;
        loop {
            if let Some(after) = self.strip(run, from, ctx) {
                return Some(after);
            }
            from = skip_char(from)?;
        }
    }

    /// Whether the run fits at the end of the text.
    fn ends(&self, run: &Run, text: &str, ctx: &RequestContext<'_>) -> bool {
        match &**run {
            [] => return true,
            [Piece::Literal(literal)] if !self.ignore_case => return text.ends_with(&**literal),
            _ => {}
        }
        let mut from = text;
        loop {
            if self.strip(run, from, ctx) == Some("") {
                return true;
            }
            match skip_char(from) {
                Some(after) => from = after,
                None => return false,
            }
        }
    }

    fn strip_literal<'t>(&self, text: &'t str, literal: &str) -> Option<&'t str> {
        if !self.ignore_case {
            return text.strip_prefix(literal);
        }
        let (head, after) = text.split_at_checked(literal.len())?;
        head.eq_ignore_ascii_case(literal).then_some(after)
    }
}

impl Variable {
    fn parse(inside: &str) -> Result<Self, PolicyProblem> {
        let malformed = || PolicyProblem::Variable(format!("${{{inside}}}"));
        let (name, default) = match inside.split_once(',') {
            None => (inside.trim(), None),
            Some((name, default)) => {
                let quoted = default.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
                (name.trim(), Some(quoted.ok_or_else(malformed)?.into()))
            }
        };
        if name.is_empty() || name.contains(['$', '{', '*', '?']) {
            return Err(malformed());
        }
        Ok(Self { name: name.into(), key: ContextKey::parse(name), default })
    }

    fn has_value(&self, ctx: &RequestContext<'_>) -> bool {
        self.default.is_some() || ctx.variable(&self.key).is_some()
    }

    /// Hands the value's text on, if there is one; texts of the request are not copied for it.
    fn with<R>(&self, ctx: &RequestContext<'_>, use_text: impl FnOnce(&str) -> R) -> Option<R> {
        match (ctx.variable(&self.key), &self.default) {
            (Some(Value::Text(text)), _) => Some(use_text(text)),
            (Some(value), _) => Some(use_text(value.render().as_str())),
            (None, Some(default)) => Some(use_text(default)),
            (None, None) => None,
        }
    }
}

fn skip_char(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    chars.next()?;
    Some(chars.as_str())
}
