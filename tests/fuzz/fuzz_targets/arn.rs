//! An ARN that is accepted is written as it was read, and its parts make it again.
#![no_main]

use chime_domain::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(arn) = AppInstanceArn::parse(text) {
        assert_eq!(arn.as_str(), text);
        assert!(!arn.app_instance_id().is_empty());
    }
    if let Ok(arn) = AppInstanceUserArn::parse(text) {
        assert_eq!(arn.as_str(), text);
        assert!(arn.is_in(&arn.app_instance()));
        assert!(ChannelArn::parse(text).is_err(), "one ARN of two kinds");
    }
    if let Ok(arn) = ChannelArn::parse(text) {
        assert_eq!(arn.as_str(), text);
        assert_eq!(AppInstanceArn::parse(arn.app_instance().as_str()), Ok(arn.app_instance()));
    }
});
