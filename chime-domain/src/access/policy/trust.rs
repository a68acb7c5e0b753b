//! Trust policies: who may assume a role (rules IAM-22, IAM-23, IAM-28).
//!
//! This is one of two sides. For [`PrincipalMatch::Account`] and for any caller that must hold a permission of
//! its own, the caller's policies have to allow `sts:AssumeRole` on the role as well; rule IAM-23 wants both.

use super::context::RequestContext;
use super::document::{Effect, Version};
use super::error::{PolicyError, PolicyProblem};
use super::json::Node;
use super::parse::{self, Core, Element};

/// Who asks to assume a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustPrincipal<'a> {
    /// The account owner.
    Root {
        /// Twelve digits.
        account: &'a str,
    },
    /// An IAM user.
    User {
        /// Its account.
        account: &'a str,
        /// `arn:aws:iam::ACCOUNT:user/NAME`, with its path.
        arn: &'a str,
    },
    /// A session of a role.
    Role {
        /// The role's account.
        account: &'a str,
        /// `arn:aws:iam::ACCOUNT:role/NAME`, with its path.
        arn: &'a str,
        /// `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`.
        session_arn: &'a str,
    },
    /// Somebody whom an identity provider vouches for.
    Federated {
        /// The provider's ARN or, for a web identity, its host name.
        provider: &'a str,
    },
    /// A service, as `chime.amazonaws.com`.
    Service {
        /// Its name.
        name: &'a str,
    },
}

/// How a `Principal` element named the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrincipalMatch {
    /// `*`.
    Anyone,
    /// The caller's whole account, by id or `…:root`.
    Account,
    /// The caller itself.
    Named,
}

/// The answer of a trust policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustVerdict {
    /// The role trusts the caller.
    Allowed {
        /// The index of the statement that says so.
        statement: usize,
        /// How it names the caller.
        by: PrincipalMatch,
    },
    /// A Deny statement applies.
    ExplicitDeny {
        /// Its index.
        statement: usize,
    },
    /// No statement applies.
    ImplicitDeny,
}

/// A parsed trust policy, IAM's `AssumeRolePolicyDocument`.
#[derive(Clone, Debug)]
pub struct TrustPolicy {
    text: Box<str>,
    statements: Box<[TrustStatement]>,
}

#[derive(Clone, Debug)]
struct TrustStatement {
    core: Core,
    except: bool,
    principals: Box<[Principal]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Principal {
    Anyone,
    Account(Box<str>),
    Arn(Box<str>),
    Federated(Box<str>),
    Service(Box<str>),
}

impl TrustPolicy {
    /// Parses a document.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] when the text is not JSON or not of the grammar of trust policies: a `Principal` is
    /// required, a `Resource` is refused, and so is an Allow with `NotPrincipal`, which would trust the world.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let (version, elements) = parse::document(text)?;
        let statements: Box<[TrustStatement]> = elements
            .into_iter()
            .map(|element| TrustStatement::parse(element, version))
            .collect::<Result<_, _>>()?;
        parse::unique_sids(statements.iter().filter_map(|statement| statement.core.sid.as_deref()))?;
        Ok(Self { text: text.into(), statements })
    }

    /// The document as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the role lets the caller perform the action: `sts:AssumeRole`, `sts:AssumeRoleWithWebIdentity` or
    /// `sts:TagSession`.
    #[must_use]
    pub fn allows(&self, action: &str, principal: &TrustPrincipal<'_>, ctx: &RequestContext<'_>) -> bool {
        matches!(self.evaluate(action, principal, ctx), TrustVerdict::Allowed { .. })
    }

    /// As [`TrustPolicy::allows`], with the statement that decided; the closest naming of the caller wins.
    #[must_use]
    pub fn evaluate(
        &self,
        action: &str,
        principal: &TrustPrincipal<'_>,
        ctx: &RequestContext<'_>,
    ) -> TrustVerdict {
        let mut best: Option<(PrincipalMatch, usize)> = None;
        for (index, statement) in self.statements.iter().enumerate() {
            if !statement.core.covers_action(action, ctx) {
                continue;
            }
            let Some(by) = statement.covers(principal) else { continue };
            if !statement.core.conditions_hold(ctx) {
                continue;
            }
            match statement.core.effect {
                Effect::Deny => return TrustVerdict::ExplicitDeny { statement: index },
                Effect::Allow if best.is_none_or(|(known, _)| known < by) => best = Some((by, index)),
                Effect::Allow => {}
            }
        }
        match best {
            Some((by, statement)) => TrustVerdict::Allowed { statement, by },
            None => TrustVerdict::ImplicitDeny,
        }
    }
}

impl TrustStatement {
    fn parse(mut element: Element, version: Version) -> Result<Self, PolicyError> {
        element.prohibit(&["Resource", "NotResource"], "a trust policy")?;
        let core = Core::parse(&mut element, version)?;
        let (node, name, except) = element.either("Principal", "NotPrincipal")?;
        if except && core.effect == Effect::Allow {
            return Err(element.fault(name, PolicyProblem::Prohibited("an Allow statement")));
        }
        let principals = principals(element.child(name), node)?.into();
        element.finish()?;
        Ok(Self { core, except, principals })
    }

    fn covers(&self, caller: &TrustPrincipal<'_>) -> Option<PrincipalMatch> {
        let listed = self.principals.iter().filter_map(|principal| principal.names(caller)).max();
        match (self.except, listed) {
            (false, listed) => listed,
            (true, None) => Some(PrincipalMatch::Anyone),
            (true, Some(_)) => None,
        }
    }
}

fn principals(path: String, node: Node) -> Result<Vec<Principal>, PolicyError> {
    if let Node::Text(text) = &node {
        if text == "*" {
            return Ok(vec![Principal::Anyone]);
        }
        let problem = PolicyProblem::Value { value: text.clone(), expected: "`*` or an object" };
        return Err(PolicyError::at(path, problem));
    }
    let mut principals = Vec::new();
    for (kind, names) in Element::new(path.clone(), node)?.into_members() {
        let path = format!("{path}.{kind}");
        let read: fn(&str) -> Option<Principal> = match kind.as_str() {
            "AWS" => aws_principal,
            "Federated" => |name| Some(Principal::Federated(name.into())),
            "Service" => |name| Some(Principal::Service(name.into())),
            _ => return Err(PolicyError::at(path, PolicyProblem::Unknown)),
        };
        for name in parse::strings(&path, names)? {
            let expected = "an account id, an ARN or `*`";
            principals.push(match read(&name) {
                Some(principal) => principal,
                None => {
                    return Err(PolicyError::at(path, PolicyProblem::Value { value: name, expected }));
                }
            });
        }
    }
    if principals.is_empty() {
        return Err(PolicyError::at(path, PolicyProblem::Empty));
    }
    Ok(principals)
}

fn aws_principal(name: &str) -> Option<Principal> {
    if name == "*" {
        return Some(Principal::Anyone);
    }
    if name.len() == 12 && name.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Principal::Account(name.into()));
    }
    let mut parts = name.strip_prefix("arn:")?.splitn(5, ':').skip(3);
    let (account, resource) = (parts.next()?, parts.next()?);
    Some(if resource == "root" { Principal::Account(account.into()) } else { Principal::Arn(name.into()) })
}

impl Principal {
    fn names(&self, caller: &TrustPrincipal<'_>) -> Option<PrincipalMatch> {
        let hit = |hit: bool, by| hit.then_some(by);
        match (self, caller) {
            (Self::Anyone, _) => Some(PrincipalMatch::Anyone),
            (
                Self::Account(trusted),
                TrustPrincipal::Root { account }
                | TrustPrincipal::User { account, .. }
                | TrustPrincipal::Role { account, .. },
            ) => hit(**trusted == **account, PrincipalMatch::Account),
            (Self::Arn(trusted), TrustPrincipal::User { arn, .. }) => {
                hit(**trusted == **arn, PrincipalMatch::Named)
            }
            (Self::Arn(trusted), TrustPrincipal::Role { arn, session_arn, .. }) => {
                hit(**trusted == **arn || **trusted == **session_arn, PrincipalMatch::Named)
            }
            (Self::Federated(trusted), TrustPrincipal::Federated { provider: name })
            | (Self::Service(trusted), TrustPrincipal::Service { name }) => {
                hit(**trusted == **name, PrincipalMatch::Named)
            }
            _ => None,
        }
    }
}
