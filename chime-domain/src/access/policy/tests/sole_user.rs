use super::super::{PolicySet, RequestContext, Tag, sole_user};
use super::{APP, CHANNEL, OTHER_USER, USER, context, named, policy};

const ACTION: &str = "chime:SendChannelMessage";

fn on(resources: &[&str]) -> String {
    let resources = serde_json::to_string(resources).unwrap();
    format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "chime:*", "Resource": {resources}}}}}"#
    )
}

fn acting(resources: &[&str]) -> Option<String> {
    sole_user(&policy(&on(resources)), ACTION, APP, &context())
}

#[test]
fn one_concrete_user_acts() {
    let channels = format!("{APP}/channel/*");
    assert_eq!(acting(&[USER]).as_deref(), Some(USER));
    assert_eq!(acting(&[USER, USER, &channels, CHANNEL]).as_deref(), Some(USER));
    let elsewhere = USER.replace("/a1/", "/a2/");
    assert_eq!(acting(&[USER, &elsewhere]).as_deref(), Some(USER));
}

#[test]
fn a_wildcard_or_a_second_user_leaves_nobody_to_act() {
    for resource in
        ["*", "arn:aws:chime:*", &format!("{APP}/*"), &format!("{APP}/user/*"), &format!("{APP}/user/u?")]
    {
        assert_eq!(acting(&[resource]), None, "{resource}");
        assert_eq!(acting(&[USER, resource]), None, "{resource}");
    }
    assert_eq!(acting(&[USER, OTHER_USER]), None);
    assert_eq!(acting(&[CHANNEL]), None);
    assert_eq!(acting(&[&format!("{APP}/user/")]), None);
    assert_eq!(acting(&[&format!("{APP}/user/u1/channel/c1")]), None);
    assert_eq!(sole_user(&PolicySet::owner(), ACTION, APP, &context()), None);
}

#[test]
fn the_user_of_a_session_tag_acts() {
    let resource = format!("{APP}/user/${{my_applications_user_id}}");
    let policies = policy(&on(&[&resource, &format!("{APP}/channel/*")]));
    let tags = [Tag::new("my_applications_user_id", "u1")];
    let ctx = RequestContext { session_tags: &tags, ..context() };
    assert_eq!(sole_user(&policies, ACTION, APP, &ctx).as_deref(), Some(USER));
    assert_eq!(sole_user(&policies, ACTION, APP, &context()), None);
}

#[test]
fn the_action_its_conditions_and_denials_count() {
    let ctx = context();
    let connect =
        format!(r#"{{"Statement": {{"Effect": "Allow", "Action": "chime:Connect", "Resource": "{USER}"}}}}"#);
    assert_eq!(sole_user(&policy(&connect), ACTION, APP, &ctx), None);
    let conditional = format!(
        r#"{{"Statement": [
            {{"Effect": "Allow", "Action": "chime:*", "Resource": "{USER}"}},
            {{"Effect": "Allow", "Action": "chime:*", "Resource": "*", "Condition": {{"Bool": {{"aws:SecureTransport": "true"}}}}}}]}}"#
    );
    assert_eq!(sole_user(&policy(&conditional), ACTION, APP, &ctx).as_deref(), Some(USER));
    let secure = RequestContext { secure_transport: Some(true), ..ctx };
    assert_eq!(sole_user(&policy(&conditional), ACTION, APP, &secure), None);
    let except = format!(r#"{{"Statement": {{"Effect": "Allow", "Action": "*", "NotResource": "{USER}"}}}}"#);
    assert_eq!(sole_user(&policy(&except), ACTION, APP, &ctx), None);
    let denied = format!(
        r#"{{"Statement": [
            {{"Effect": "Allow", "Action": "chime:*", "Resource": ["{USER}", "{OTHER_USER}"]}},
            {{"Effect": "Deny", "Action": "chime:*", "Resource": "{OTHER_USER}"}}]}}"#
    );
    assert_eq!(sole_user(&policy(&denied), ACTION, APP, &ctx).as_deref(), Some(USER));
}

#[test]
fn a_session_policy_can_tie_broad_credentials_to_one_user() {
    let session = vec![named("session", &on(&[USER, CHANNEL]))];
    let broad = policy(&on(&["*"])).with_session(session.clone());
    assert_eq!(sole_user(&broad, ACTION, APP, &context()).as_deref(), Some(USER));
    let owner = PolicySet::owner().with_session(session.clone());
    assert_eq!(sole_user(&owner, ACTION, APP, &context()).as_deref(), Some(USER));
    let foreign = policy(&on(&[OTHER_USER])).with_session(session);
    assert_eq!(sole_user(&foreign, ACTION, APP, &context()), None);
}
