//! What the hot path must not do.

use chime_benches::samples::{Caller, SignedSend};

#[test]
fn an_authorization_that_allows_allocates_nothing() {
    let caller = Caller::new().unwrap();
    let mut allowed = false;
    let counted = allocation_counter::measure(|| allowed = caller.may_send());
    assert!(allowed);
    assert_eq!(counted.count_total, 0);
}

#[test]
fn the_samples_are_good_requests() {
    assert!(SignedSend::new(500).unwrap().verifies());
}
