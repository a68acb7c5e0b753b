//! Policy documents: none breaks the parser or the evaluation, and both ways to evaluate agree.
#![no_main]

use std::sync::Arc;

use chime_domain::access::policy::{
    NamedPolicy, PolicyDocument, PolicySet, RequestContext, Tag, TrustPolicy, sole_user,
};
use chime_fuzz::NOW;
use libfuzzer_sys::fuzz_target;

const APP: &str = "arn:aws:chime:us-east-1:111122223333:app-instance/a1";
const USER: &str = "arn:aws:chime:us-east-1:111122223333:app-instance/a1/user/u1";
const CHANNEL: &str = "arn:aws:chime:us-east-1:111122223333:app-instance/a1/channel/c1";
const SEND: &str = "chime:SendChannelMessage";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = TrustPolicy::parse(text);
    let Ok(document) = PolicyDocument::parse(text) else { return };
    assert_eq!(document.text(), text);
    let policies = PolicySet::new(vec![NamedPolicy::new("fuzzed", Arc::new(document))]);
    let tags = [Tag::new("Chime_App_Instance_Arn", APP), Tag::new("my_applications_user_id", "u1")];
    let ctx = RequestContext {
        username: Some("ada"),
        principal_arn: Some("arn:aws:iam::111122223333:user/ada"),
        session_tags: &tags,
        source_ip: Some([10, 1, 2, 3].into()),
        secure_transport: Some(true),
        ..RequestContext::at(NOW)
    };
    let all = policies.evaluate_all(SEND, &[USER, CHANNEL], &ctx);
    let each = [USER, CHANNEL].map(|resource| policies.evaluate(SEND, resource, &ctx));
    assert_eq!(all.is_ok(), each.iter().all(|verdict| verdict.is_allowed()));
    for (resource, verdict) in [USER, CHANNEL].into_iter().zip(each) {
        let explanation = policies.explain(SEND, resource, &ctx);
        assert_eq!(explanation.verdict, verdict);
        assert!(!explanation.to_string().is_empty());
    }
    let _ = sole_user(&policies, SEND, APP, &ctx);
});
