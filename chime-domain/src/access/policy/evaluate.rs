//! The decision: an explicit deny wins, then something must allow, in every layer (rule IAM-02).

use std::sync::Arc;

use super::context::RequestContext;
use super::document::{Effect, PolicyDocument, Statement};

/// A policy with the name it is known by, `inline:Chat` or a managed policy's ARN.
#[derive(Clone, Debug)]
pub struct NamedPolicy {
    /// The name that `explain` prints.
    pub name: Arc<str>,
    /// The document; shared, as one policy serves many principals.
    pub document: Arc<PolicyDocument>,
}

impl NamedPolicy {
    /// A policy from its name and document.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, document: Arc<PolicyDocument>) -> Self {
        Self { name: name.into(), document }
    }
}

/// All policies that apply to one set of credentials.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    owner: bool,
    identity: Vec<NamedPolicy>,
    session: Vec<NamedPolicy>,
}

/// The layer of a policy: what is attached to the principal, or what was passed for the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// Attached to the user, its groups or the role.
    Identity,
    /// Passed when the session was made; it can only narrow.
    Session,
}

impl Layer {
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Identity => "identity-based",
            Self::Session => "session",
        }
    }
}

/// Which statement decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatementRef {
    /// The layer of its policy.
    pub layer: Layer,
    /// The index of its policy in the layer.
    pub policy: usize,
    /// Its index in the policy.
    pub statement: usize,
}

/// What granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The account owner may do everything.
    Owner,
    /// The first identity statement that allows.
    Statement(StatementRef),
}

/// The answer for one action on one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Granted.
    Allowed(Grant),
    /// Refused by a Deny statement.
    ExplicitDeny(StatementRef),
    /// Refused because nothing in this layer allows.
    ImplicitDeny(Layer),
}

impl Verdict {
    /// Whether the request may go on.
    #[must_use]
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed(_))
    }
}

/// Why a request on several resources is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The index of the resource that was refused.
    pub resource: usize,
    /// The verdict on it; never `Allowed`.
    pub verdict: Verdict,
}

/// How many resources one pass handles; no operation has as many.
const BATCH: usize = u32::BITS as usize;

impl PolicySet {
    /// The account owner: everything is allowed that no session policy takes away.
    #[must_use]
    pub fn owner() -> Self {
        Self { owner: true, ..Self::default() }
    }

    /// The policies attached to a principal, in the order `explain` shows them.
    #[must_use]
    pub fn new(identity: Vec<NamedPolicy>) -> Self {
        Self { owner: false, identity, session: Vec::new() }
    }

    /// Narrows to what the session policies allow too; an empty list narrows nothing.
    #[must_use]
    pub fn with_session(mut self, session: Vec<NamedPolicy>) -> Self {
        self.session = session;
        self
    }

    /// Whether these are the account owner's credentials.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.owner
    }

    /// The policies of a layer.
    #[must_use]
    pub fn policies(&self, layer: Layer) -> &[NamedPolicy] {
        match layer {
            Layer::Identity => &self.identity,
            Layer::Session => &self.session,
        }
    }

    /// Whether any policy may ask for the tags of the resource, so that they have to be read.
    #[must_use]
    pub fn may_ask_for_resource_tags(&self) -> bool {
        let mut all = self.identity.iter().chain(&self.session);
        all.any(|policy| policy.document.may_ask_for_resource_tags())
    }

    /// The policy and statement that a verdict names.
    #[must_use]
    pub fn statement(&self, at: StatementRef) -> Option<(&NamedPolicy, &Statement)> {
        let policy = self.policies(at.layer).get(at.policy)?;
        Some((policy, policy.document.statements().get(at.statement)?))
    }

    /// Decides one action on one resource; `*` stands for "no resource level" (rule IAM-12).
    #[must_use]
    pub fn evaluate(&self, action: &str, resource: &str, ctx: &RequestContext<'_>) -> Verdict {
        match self.evaluate_all(action, &[resource], ctx) {
            Ok(grant) => Verdict::Allowed(grant),
            Err(refused) => refused.verdict,
        }
    }

    /// Decides one action on several resources, each of which must be allowed (rule IAM-06).
    ///
    /// No resources means `*`. The grant is that of the first resource.
    ///
    /// # Errors
    ///
    /// [`Refused`] with a resource that is explicitly denied, else with the first that nothing allows.
    pub fn evaluate_all(
        &self,
        action: &str,
        resources: &[&str],
        ctx: &RequestContext<'_>,
    ) -> Result<Grant, Refused> {
        match resources.len() {
            0 => self.decide(action, &["*"], ctx),
            1..=BATCH => self.decide(action, resources, ctx),
            _ => self.decide_in_batches(action, resources, ctx),
        }
    }

    fn decide_in_batches(
        &self,
        action: &str,
        resources: &[&str],
        ctx: &RequestContext<'_>,
    ) -> Result<Grant, Refused> {
        let mut outcome = None;
        for (batch, resources) in resources.chunks(BATCH).enumerate() {
            let decided = self
                .decide(action, resources, ctx)
                .map_err(|refused| Refused { resource: batch * BATCH + refused.resource, ..refused });
            match (decided, outcome) {
                (Err(Refused { verdict: Verdict::ExplicitDeny(_), .. }), _) => return decided,
                (_, None) | (Err(_), Some(Ok(_))) => outcome = Some(decided),
                _ => {}
            }
        }
        outcome.unwrap_or(Err(Refused { resource: 0, verdict: Verdict::ImplicitDeny(Layer::Identity) }))
    }

    fn decide(&self, action: &str, resources: &[&str], ctx: &RequestContext<'_>) -> Result<Grant, Refused> {
        let request = Request { action, resources, ctx };
        let identity = request.pass(Layer::Identity, &self.identity)?;
        let session = request.pass(Layer::Session, &self.session)?;
        if !self.owner
            && let Some(resource) = identity.first_missing(resources.len())
        {
            return Err(Refused { resource, verdict: Verdict::ImplicitDeny(Layer::Identity) });
        }
        if !self.session.is_empty()
            && let Some(resource) = session.first_missing(resources.len())
        {
            return Err(Refused { resource, verdict: Verdict::ImplicitDeny(Layer::Session) });
        }
        match identity.first {
            Some(at) if !self.owner => Ok(Grant::Statement(at)),
            _ => Ok(Grant::Owner),
        }
    }
}

/// What one layer grants.
#[derive(Clone, Copy, Debug, Default)]
struct Grants {
    /// A bit for each resource that is allowed.
    bits: u32,
    /// What allowed the first resource.
    first: Option<StatementRef>,
}

impl Grants {
    fn first_missing(self, resources: usize) -> Option<usize> {
        let missing = self.bits.trailing_ones() as usize;
        (missing < resources).then_some(missing)
    }
}

struct Request<'a> {
    action: &'a str,
    resources: &'a [&'a str],
    ctx: &'a RequestContext<'a>,
}

impl Request<'_> {
    /// Goes once through the statements of a layer.
    fn pass(&self, layer: Layer, policies: &[NamedPolicy]) -> Result<Grants, Refused> {
        let mut grants = Grants::default();
        for (policy, named) in policies.iter().enumerate() {
            for (statement, candidate) in named.document.statements().iter().enumerate() {
                self.apply(candidate, StatementRef { layer, policy, statement }, &mut grants)?;
            }
        }
        Ok(grants)
    }

    fn apply(&self, candidate: &Statement, at: StatementRef, grants: &mut Grants) -> Result<(), Refused> {
        let effect = candidate.effect();
        if effect == Effect::Allow && grants.first_missing(self.resources.len()).is_none() {
            return Ok(());
        }
        if !candidate.core.covers_action(self.action, self.ctx) {
            return Ok(());
        }
        // Conditions do not look at the resource, so one answer serves all of them.
        let mut holds = None;
        for (index, resource) in self.resources.iter().enumerate() {
            let bit = 1_u32 << index;
            if effect == Effect::Allow && grants.bits & bit != 0 {
                continue;
            }
            if !candidate.covers_resource(resource, self.ctx) {
                continue;
            }
            if !*holds.get_or_insert_with(|| candidate.core.conditions_hold(self.ctx)) {
                return Ok(());
            }
            match effect {
                Effect::Deny => {
                    return Err(Refused { resource: index, verdict: Verdict::ExplicitDeny(at) });
                }
                Effect::Allow => {
                    grants.bits |= bit;
                    if index == 0 {
                        grants.first = Some(at);
                    }
                }
            }
        }
        Ok(())
    }
}

/// The text of a policy refusal (wire rule E-08); `action` with its prefix.
#[must_use]
pub fn denied_message(caller_arn: &str, action: &str, resource: &str, verdict: Verdict) -> String {
    let refused =
        format!("User: {caller_arn} is not authorized to perform: {action} on resource: {resource}");
    match verdict {
        Verdict::Allowed(_) => refused,
        Verdict::ImplicitDeny(layer) => {
            format!("{refused} because no {} policy allows the {action} action", layer.noun())
        }
        Verdict::ExplicitDeny(StatementRef { layer: Layer::Identity, .. }) => {
            format!("{refused} with an explicit deny in an identity-based policy")
        }
        Verdict::ExplicitDeny(StatementRef { layer: Layer::Session, .. }) => {
            format!("{refused} with an explicit deny in a session policy")
        }
    }
}
