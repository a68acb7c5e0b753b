//! Examples, tables and properties of policy evaluation.

mod conditions;
mod evaluation;
mod examples;
mod grammar;
mod model;
mod patterns;
mod sole_user;
mod trust;
mod variables;

use std::sync::Arc;

use super::{NamedPolicy, PolicyDocument, PolicySet, RequestContext, Verdict};
use crate::time::Timestamp;

/// 2021-01-11T22:12:31.123Z.
const NOW: Timestamp = Timestamp::from_millis(1_610_403_151_123);
const APP: &str = "arn:aws:chime:us-east-1:111122223333:app-instance/a1";
const USER: &str = "arn:aws:chime:us-east-1:111122223333:app-instance/a1/user/u1";
const OTHER_USER: &str = "arn:aws:chime:us-east-1:111122223333:app-instance/a1/user/u2";
const CHANNEL: &str = "arn:aws:chime:us-east-1:111122223333:app-instance/a1/channel/c1";

fn context() -> RequestContext<'static> {
    RequestContext::at(NOW)
}

fn named(name: &str, text: &str) -> NamedPolicy {
    let document = PolicyDocument::parse(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    NamedPolicy::new(name, Arc::new(document))
}

fn policy(text: &str) -> PolicySet {
    PolicySet::new(vec![named("inline:Test", text)])
}

/// A policy of one statement from its members.
fn statement(members: &str) -> PolicySet {
    policy(&format!(r#"{{"Version": "2012-10-17", "Statement": {{{members}}}}}"#))
}

fn allows(policies: &PolicySet, action: &str, resource: &str, ctx: &RequestContext<'_>) -> bool {
    matches!(policies.evaluate(action, resource, ctx), Verdict::Allowed(_))
}
