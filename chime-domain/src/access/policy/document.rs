//! Identity and session policies: what a principal may do.

use super::context::RequestContext;
use super::error::PolicyError;
use super::parse::{self, Core, Element, Selection};
use super::pattern::{Pattern, Syntax};

/// All inline policies of one IAM user together, in characters as [`policy_size`] counts them.
pub const USER_INLINE_LIMIT: usize = 2_048;
/// All inline policies of one group together.
pub const GROUP_INLINE_LIMIT: usize = 5_120;
/// All inline policies of one role together.
pub const ROLE_INLINE_LIMIT: usize = 10_240;
/// One version of a managed policy.
pub const MANAGED_LIMIT: usize = 6_144;
/// The trust policy of a role.
pub const TRUST_LIMIT: usize = 2_048;
/// The `Policy` parameter of AssumeRole; counted with its white space.
pub const SESSION_LIMIT: usize = 2_048;

/// The size of a policy as IAM counts it: characters without white space.
#[must_use]
pub fn policy_size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// The version of the policy language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `2008-10-17`, also when none is given: `${…}` is plain text.
    V2008,
    /// `2012-10-17`: with policy variables.
    V2012,
}

impl Version {
    pub(super) fn has_variables(self) -> bool {
        self == Self::V2012
    }
}

/// What a statement that applies does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Grants, unless something denies.
    Allow,
    /// Refuses, whatever grants.
    Deny,
}

/// A parsed identity policy or session policy.
#[derive(Clone, Debug)]
pub struct PolicyDocument {
    text: Box<str>,
    version: Version,
    statements: Box<[Statement]>,
}

impl PolicyDocument {
    /// Parses a document and compiles its patterns.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] when the text is not JSON or not of the grammar of identity policies: among others a
    /// `Principal` is refused here, and a `Resource` is required. Sizes are not checked; see [`policy_size`].
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let (version, elements) = parse::document(text)?;
        let statements: Box<[Statement]> = elements
            .into_iter()
            .map(|element| Statement::parse(element, version))
            .collect::<Result<_, _>>()?;
        parse::unique_sids(statements.iter().filter_map(Statement::sid))?;
        Ok(Self { text: text.into(), version, statements })
    }

    /// The document as it was given, which Get calls answer.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a condition or a variable may name a tag of the resource. The text alone is asked: what hides letters
    /// behind escapes may.
    #[must_use]
    pub fn may_ask_for_resource_tags(&self) -> bool {
        self.text.contains("\\u") || self.text.to_ascii_lowercase().contains("resourcetag")
    }

    /// The version of the language.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The statements, in order.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }
}

/// One statement of an identity policy.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(super) core: Core,
    pub(super) resources: Selection,
}

impl Statement {
    fn parse(mut element: Element, version: Version) -> Result<Self, PolicyError> {
        element.prohibit(&["Principal", "NotPrincipal"], "an identity policy")?;
        let core = Core::parse(&mut element, version)?;
        let syntax = Syntax { wildcards: true, variables: version.has_variables(), ignore_case: false };
        let resources = element.selection("Resource", "NotResource", syntax, |resource| {
            let known =
                resource.starts_with("arn:") || resource.starts_with('*') || resource.starts_with("${");
            (!known).then_some("an ARN or `*`")
        })?;
        element.finish()?;
        Ok(Self { core, resources })
    }

    /// The statement's id, if it has one.
    #[must_use]
    pub fn sid(&self) -> Option<&str> {
        self.core.sid.as_deref()
    }

    /// Whether it grants or refuses.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.core.effect
    }

    pub(super) fn covers_resource(&self, resource: &str, ctx: &RequestContext<'_>) -> bool {
        let listed = self.resources.patterns.iter().any(|pattern| pattern.fits(resource, ctx));
        match (self.resources.except, self.core.effect) {
            (false, _) => listed,
            (true, Effect::Deny) => !listed,
            // "All but what we do not know" would be everything.
            (true, Effect::Allow) => !listed && self.unresolved_resource(ctx).is_none(),
        }
    }

    /// A variable of the resources that has no value.
    pub(super) fn unresolved_resource(&self, ctx: &RequestContext<'_>) -> Option<&str> {
        self.resources.patterns.iter().find_map(|pattern: &Pattern| pattern.unresolved(ctx))
    }
}

impl Core {
    /// Whether `Action` names the action, or `NotAction` does not.
    pub(super) fn covers_action(&self, action: &str, ctx: &RequestContext<'_>) -> bool {
        let listed = self.actions.patterns.iter().any(|pattern| pattern.fits(action, ctx));
        listed != self.actions.except
    }

    pub(super) fn conditions_hold(&self, ctx: &RequestContext<'_>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(self.effect, ctx))
    }
}
