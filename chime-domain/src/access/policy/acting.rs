//! The acting user of a call without a bearer, read from the caller's policies (wire rule D-02).

use super::context::RequestContext;
use super::document::Effect;
use super::evaluate::{Layer, PolicySet};

/// The one user of the app instance on which the caller's policies grant the action, as an ARN.
///
/// Policies tie the credentials of an end user to one `…/user/<id>` ARN (rule IAM-15); that user acts. A resource
/// with wildcards that could name any user ties to nobody, unless another layer (a session policy, say) narrows
/// it to one. What a Deny takes away does not count.
#[must_use]
pub fn sole_user(
    policies: &PolicySet,
    action: &str,
    app_instance_arn: &str,
    ctx: &RequestContext<'_>,
) -> Option<String> {
    let prefix = format!("{app_instance_arn}/user/");
    let identity = users(policies, Layer::Identity, action, &prefix, ctx);
    let session = users(policies, Layer::Session, action, &prefix, ctx);
    let mut users = match (identity, session) {
        (Users::These(users), _) | (Users::Any, Users::These(users)) => users,
        (Users::Any, Users::Any) => return None,
    };
    users.sort_unstable();
    users.dedup();
    users.retain(|user| policies.evaluate(action, user, ctx).is_allowed());
    match users.as_slice() {
        [_] => users.pop(),
        _ => None,
    }
}

/// The users that the Allow statements of a layer name.
enum Users {
    Any,
    These(Vec<String>),
}

fn users(policies: &PolicySet, layer: Layer, action: &str, prefix: &str, ctx: &RequestContext<'_>) -> Users {
    let unrestricted = match layer {
        Layer::Identity => policies.is_owner(),
        Layer::Session => policies.policies(layer).is_empty(),
    };
    if unrestricted {
        return Users::Any;
    }
    let mut named = Vec::new();
    for statement in policies.policies(layer).iter().flat_map(|policy| policy.document.statements()) {
        let core = &statement.core;
        if core.effect == Effect::Deny || !core.covers_action(action, ctx) || !core.conditions_hold(ctx) {
            continue;
        }
        if statement.resources.except {
            return Users::Any;
        }
        for pattern in &statement.resources.patterns {
            match pattern.concrete(ctx) {
                Some(arn) => named.extend(is_user(&arn, prefix).then_some(arn)),
                None if pattern.may_start_with(prefix, ctx) => return Users::Any,
                None => {}
            }
        }
    }
    Users::These(named)
}

fn is_user(arn: &str, prefix: &str) -> bool {
    arn.strip_prefix(prefix).is_some_and(|id| !id.is_empty() && !id.contains('/'))
}
