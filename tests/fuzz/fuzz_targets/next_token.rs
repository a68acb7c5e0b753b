//! No invented token is taken for one of ours, and ours open in their own listing only.
#![no_main]

use chime_domain::page::TokenKey;
use libfuzzer_sys::fuzz_target;

const KEY: TokenKey = TokenKey::new([7; 32]);

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    assert!(KEY.open(&["ListChannels", "caller"], text).is_err());
    let position = text.get(..text.len().min(1000)).unwrap_or_default();
    let token = KEY.seal(&["ListChannels", "caller"], position);
    assert_eq!(KEY.open(&["ListChannels", "caller"], &token).as_deref().ok(), Some(position));
    assert!(KEY.open(&["ListChannels", "other"], &token).is_err());
});
