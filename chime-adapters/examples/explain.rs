//! Why a request is allowed or denied: the policy of whoever signs it, then the role of the user it acts as.
//!
//! `cargo run -p chime-adapters --example explain`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;

use chime_adapters::memory::Local;
use chime_domain::Settings;
use chime_domain::access::Action;
use chime_domain::access::policy::{NamedPolicy, PolicyDocument, PolicySet, RequestContext};
use chime_domain::messaging::{ChannelFacts, CreateChannel};
use chime_domain::text::ResourceName;

type Error = Box<dyn std::error::Error>;

const POLICY: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "Chat", "Effect": "Allow", "Action": ["chime:SendChannelMessage", "chime:Describe*"], "Resource": "*"},
        {"Sid": "HandsOff", "Effect": "Deny", "Action": "chime:DeleteChannel", "Resource": "*"}
    ]
}"#;

/// The derivations of both layers, as texts: the policy's and the role's.
async fn explained() -> Result<Vec<String>, Error> {
    let chime = Local::new().await?;
    let app = chime.app_instance("demo").await?;
    let (alice, bob) = (chime.user(&app, "alice").await?, chime.user(&app, "bob").await?);
    let command = CreateChannel::new(app, ResourceName::new("room")?).with_members([bob.clone()]);
    let channel = chime.messaging(&alice).create_channel(command).await?;

    let document = Arc::new(PolicyDocument::parse(POLICY)?);
    let policies = PolicySet::new(vec![NamedPolicy::new("chat-only", document)]);
    let context = RequestContext { username: Some("bob"), ..RequestContext::at(chime.now()) };
    let facts = ChannelFacts::load(chime.store(), &channel, &bob, &[]).await?;
    let mut texts = Vec::new();
    for action in [Action::SendChannelMessage, Action::DeleteChannel, Action::DescribeChannel] {
        let name = format!("chime:{action}");
        texts.push(policies.explain(&name, channel.as_str(), &context).to_string());
        texts.push(facts.derive(action, &Settings::default()).to_string());
    }
    Ok(texts)
}

fn main() -> Result<(), Error> {
    let texts = tokio::runtime::Builder::new_current_thread().build()?.block_on(explained())?;
    for text in texts {
        println!("{text}\n");
    }
    Ok(())
}

#[test]
fn a_denial_names_its_statement_or_its_row() {
    let texts = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(explained()).unwrap();
    assert!(texts[0].ends_with("verdict: allowed"), "{}", texts[0]);
    assert!(texts[1].contains("ROLE-12") && texts[1].ends_with("allowed"), "{}", texts[1]);
    assert!(texts[2].contains("denied, by Statement[1]"), "{}", texts[2]);
    assert!(texts[3].contains("AUTH-56") && texts[3].ends_with("refused"), "{}", texts[3]);
}
