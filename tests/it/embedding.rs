use std::time::Duration;

use chime_adapters::memory::Local;
use chime_domain::error::ErrorCode::{BadRequest, Forbidden};
use chime_domain::identity::{Expiration, ExpirationCriterion};
use chime_tests::{refused, run};

/// The documentation of the adapters, whose example is a doc-test.
const DOCUMENTED: &str = include_str!("../../chime-adapters/src/lib.rs");
const README: &str = include_str!("../../README.md");

#[test]
fn the_embedding_of_the_readme_is_the_tested_one_and_has_at_most_15_lines() {
    let (_, rest) = README.split_once("```rust\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    assert!(example.lines().filter(|line| !line.is_empty()).count() <= 15);
    let tested: Vec<_> = DOCUMENTED
        .lines()
        .filter_map(|line| line.strip_prefix("//!"))
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .collect();
    let shown: Vec<_> = example.lines().collect();
    assert!(tested.windows(shown.len()).any(|lines| lines == shown), "{shown:#?}\n{tested:#?}");
}

#[test]
fn advancing_a_local_chime_does_what_falls_due() {
    run(async {
        let chime = Local::new().await.unwrap();
        let app = chime.app_instance("app").await.unwrap();
        let alice = chime.user(&app, "alice").await.unwrap();
        let expiration = Expiration::new(1, ExpirationCriterion::CreatedTimestamp).unwrap();
        let identity = chime.identity();
        identity.put_app_instance_user_expiration_settings(&alice, Some(expiration)).await.unwrap();
        chime.advance(Duration::from_secs(86_399)).await.unwrap();
        identity.describe_app_instance_user(&alice).await.unwrap();
        chime.advance(Duration::from_secs(1)).await.unwrap();
        assert_eq!(refused(identity.describe_app_instance_user(&alice).await), (Forbidden, "E-06"));
        assert_eq!(refused(chime.user(&app, "no/id").await), (BadRequest, "APP-06"));
    });
}
