//! Checks of a connection: none that was made up is answered.
#![no_main]

use std::net::SocketAddr;
use std::time::Instant;

use chime_media::io::Datagrams;
use chime_media::transport::dtls::Identity;
use chime_media::transport::stun::{Check, mapped};
use chime_media::transport::{Credentials, Received, Transport};
use libfuzzer_sys::fuzz_target;

#[allow(clippy::disallowed_methods, reason = "time has to begin somewhere")]
fn transport() -> (Transport, Instant) {
    let (identity, now) = (Identity::generate().expect("an identity"), Instant::now());
    let ours = Credentials { ufrag: "ours".into(), password: "0123456789012345678901".into() };
    (Transport::new(&identity, ours, "AA:BB", now).expect("a transport"), now)
}

fuzz_target!(|data: &[u8]| {
    let _address = mapped(data);
    if let Some(check) = Check::parse(data) {
        let (_whose, _nominates) = (check.ufrag().len(), check.nominates());
    }
    thread_local!(static OURS: std::cell::RefCell<(Transport, Instant)> = std::cell::RefCell::new(transport()));
    OURS.with_borrow_mut(|(transport, now)| {
        let mut out = Datagrams::default();
        let from = SocketAddr::from(([198, 51, 100, 1], 1));
        assert!(matches!(transport.handle(*now, from.into(), data, &mut out), Ok(Received::Nothing)));
        assert!(out.is_empty() && transport.selected().is_none(), "a stranger was answered");
    });
});
