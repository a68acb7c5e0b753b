//! DTLS (RFC 6347) of one peer, which only makes the keys of SRTP (RFC 5764). The records are `rtc-dtls`'s.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc_crypto::{HashAlgorithm, RTCCrypto, RTCCryptoProvider};
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;

use super::srtp::{Keys, Profile};
use crate::error::TransportError;

/// First wait for an answer to a flight; it doubles with every repetition.
const FLIGHT_INTERVAL: Duration = Duration::from_millis(200);
/// The label of RFC 5764 section 4.2.
const LABEL: &str = "EXTRACTOR-dtls_srtp";
/// The library keeps connections by address. A peer's may change, and it has one only, so the library sees this one.
const SOMEWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9);
/// Largest datagram of a handshake, in bytes: what passes every tunnel.
const MTU: usize = 1150;

/// Who we are to peers: the certificate and what else all handshakes share.
#[derive(Clone)]
pub struct Identity {
    provider: Arc<dyn RTCCryptoProvider>,
    certificate: Certificate,
    fingerprint: String,
    #[cfg(any(test, feature = "client"))]
    random: Option<Fill>,
}

/// Fills bytes with what stands in for randomness.
#[cfg(any(test, feature = "client"))]
pub type Fill = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl Identity {
    /// Makes a certificate that nobody signed: peers know it by its fingerprint.
    ///
    /// # Errors
    ///
    /// [`TransportError::Crypto`] when the provider cannot make a key.
    pub fn generate() -> Result<Self, TransportError> {
        let provider =
            rtc_crypto::default_provider().map_err(|error| TransportError::Crypto(error.to_string()))?;
        let certificate = Certificate::generate_self_signed(vec!["chime".to_owned()], provider.crypto())
            .map_err(|error| TransportError::Crypto(error.to_string()))?;
        let der = certificate.certificate.first().map(|der| der.as_ref()).unwrap_or_default();
        let fingerprint = fingerprint(provider.crypto(), der)?;
        Ok(Self {
            provider,
            certificate,
            fingerprint,
            #[cfg(any(test, feature = "client"))]
            random: None,
        })
    }

    /// The same, with names, credentials and sources that follow from a seed: a meeting that is simulated again is the
    /// same again. Handshakes stay as they are.
    #[cfg(any(test, feature = "client"))]
    #[must_use]
    pub fn with_random(mut self, random: Fill) -> Self {
        self.random = Some(random);
        self
    }

    /// The SHA-256 fingerprint as SDP writes it, without the name of the hash.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Random bytes.
    pub(crate) fn random(&self, bytes: &mut [u8]) -> Result<(), TransportError> {
        #[cfg(any(test, feature = "client"))]
        if let Some(random) = &self.random {
            random(bytes);
            return Ok(());
        }
        self.provider.random().fill(bytes).map_err(|error| TransportError::Crypto(error.to_string()))
    }

    pub(crate) fn crypto(&self) -> &dyn RTCCrypto {
        self.provider.crypto()
    }

    fn config(&self, client: bool) -> Result<HandshakeConfig, TransportError> {
        ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&self.provider))
            .with_certificates(vec![self.certificate.clone()])
            // The one that costs a third of the others comes first.
            .with_srtp_protection_profiles(vec![
                SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
                SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
            ])
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .with_flight_interval(FLIGHT_INTERVAL)
            .with_mtu(MTU)
            // Certificates are compared with the fingerprint of the signaling, below, and nothing else.
            .with_insecure_skip_verify(true)
            .build(client, client.then_some(SOMEWHERE))
            .map_err(|error| TransportError::Dtls(error.to_string()))
    }
}

/// The SHA-256 fingerprint of a certificate, in upper case with colons (RFC 8122).
fn fingerprint(crypto: &dyn RTCCrypto, der: &[u8]) -> Result<String, TransportError> {
    let digest =
        crypto.hash(HashAlgorithm::Sha256, der).map_err(|error| TransportError::Crypto(error.to_string()))?;
    Ok(digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"))
}

/// The handshake of one peer, and its keys once it is through.
pub struct Dtls {
    endpoint: Endpoint,
    identity: Identity,
    expected: String,
    client: bool,
    done: bool,
    /// The peer has said goodbye, or the handshake has failed for good.
    over: bool,
}

impl fmt::Debug for Dtls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dtls").field("done", &self.done).field("over", &self.over).finish_non_exhaustive()
    }
}

impl Dtls {
    /// Waits for the handshake of a peer whose certificate has this SHA-256 fingerprint.
    ///
    /// # Errors
    ///
    /// [`TransportError::Dtls`] when no cipher suite can be offered.
    pub fn accept(identity: &Identity, expected: &str) -> Result<Self, TransportError> {
        let config = Arc::new(identity.config(false)?);
        let endpoint = Endpoint::new(SOMEWHERE, TransportProtocol::UDP, Some(config));
        let expected = expected.to_ascii_uppercase();
        Ok(Self { endpoint, identity: identity.clone(), expected, client: false, done: false, over: false })
    }

    /// Begins a handshake with such a peer.
    ///
    /// # Errors
    ///
    /// [`TransportError::Dtls`].
    pub fn connect(identity: &Identity, expected: &str, now: Instant) -> Result<Self, TransportError> {
        let config = Arc::new(identity.config(true)?);
        let mut endpoint = Endpoint::new(SOMEWHERE, TransportProtocol::UDP, None);
        endpoint
            .connect(now, SOMEWHERE, config, None)
            .map_err(|error| TransportError::Dtls(error.to_string()))?;
        let expected = expected.to_ascii_uppercase();
        Ok(Self { endpoint, identity: identity.clone(), expected, client: true, done: false, over: false })
    }

    /// Takes a datagram; gives the keys when it was the last one of the handshake.
    ///
    /// # Errors
    ///
    /// [`TransportError::Fingerprint`] for a certificate that the signaling did not announce, [`TransportError::Dtls`]
    /// for what is no handshake. Either may be a forgery; only the first ends the connection.
    pub fn handle(
        &mut self,
        now: Instant,
        datagram: &[u8],
    ) -> Result<Option<(Profile, Keys)>, TransportError> {
        let events = self
            .endpoint
            .read(now, SOMEWHERE, None, BytesMut::from(datagram))
            .map_err(|error| TransportError::Dtls(error.to_string()))?;
        let mut keys = None;
        for event in events {
            match event {
                EndpointEvent::HandshakeComplete => keys = Some(self.keys()?),
                EndpointEvent::PeerClosed => self.over = true,
                _ => {}
            }
        }
        Ok(keys)
    }

    fn keys(&mut self) -> Result<(Profile, Keys), TransportError> {
        let state = self
            .endpoint
            .get_connection_state(SOMEWHERE)
            .ok_or_else(|| TransportError::Dtls("no connection".into()))?;
        let certificate = state.peer_certificates.first().map(Vec::as_slice).unwrap_or_default();
        if fingerprint(self.identity.crypto(), certificate)? != self.expected {
            self.over = true;
            return Err(TransportError::Fingerprint);
        }
        let profile = match state.srtp_protection_profile() {
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => Profile::Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => Profile::CmSha1,
            _ => return Err(TransportError::Dtls("no SRTP profile in common".into())),
        };
        let material = state
            .export_keying_material(LABEL, &[], 2 * (profile.key_len() + profile.salt_len()))
            .map_err(|error| TransportError::Dtls(error.to_string()))?;
        self.done = true;
        Keys::split(profile, material.as_ref(), self.client)
            .map(|keys| (profile, keys))
            .ok_or_else(|| TransportError::Dtls("short keying material".into()))
    }

    /// Repeats what was not answered in time.
    ///
    /// # Errors
    ///
    /// [`TransportError::Dtls`] when it was repeated too often.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), TransportError> {
        if self.done || self.over || self.endpoint.get_connection_state(SOMEWHERE).is_none() {
            return Ok(());
        }
        self.endpoint.handle_timeout(SOMEWHERE, now).map_err(|error| {
            self.over = true;
            TransportError::Dtls(error.to_string())
        })
    }

    /// When [`Self::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.done || self.over { None } else { self.endpoint.poll_timeout(&SOMEWHERE) }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<BytesMut> {
        self.endpoint.poll_transmit().map(|transmit| transmit.message)
    }

    /// Says goodbye.
    pub fn close(&mut self, now: Instant) {
        self.over = true;
        // There is nothing to do about a goodbye that cannot be said.
        let _gone = self.endpoint.close(now);
    }

    /// Whether the peer has said goodbye or cannot be talked to.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }
}
