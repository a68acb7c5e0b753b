//! SRTP and SRTCP (RFC 3711, RFC 7714): packets are protected and opened where they are.
//!
//! AES-128-GCM is ours, on ring, because every packet passes here and must not allocate. AES-CM with HMAC-SHA1, which
//! only old clients choose, is `rtc-srtp`'s.

use std::fmt;

use aes::Aes128;
use aes::cipher::{BlockEncrypt as _, KeyInit as _};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

use super::few::Few;
use crate::error::TransportError;
use crate::rtp::sequence::{Extender, Window};

/// Length of a tag of GCM, in bytes.
const TAG: usize = 16;
/// Length of the index behind an SRTCP packet.
const INDEX: usize = 4;
/// Fixed part of an RTCP packet that stays readable.
const RTCP_HEADER: usize = 8;
/// Sources that one peer may have in each direction: its audio, three encodings, their repairs, and those that were
/// replaced by renegotiations.
const MOST_SOURCES: usize = 256;
/// What a packet may grow by when it is protected.
pub const OVERHEAD: usize = TAG + INDEX;

/// How packets are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `SRTP_AEAD_AES_128_GCM`.
    Gcm,
    /// `SRTP_AES128_CM_HMAC_SHA1_80`.
    CmSha1,
}

impl Profile {
    /// Length of a master key, in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        16
    }

    /// Length of a master salt, in bytes.
    #[must_use]
    pub const fn salt_len(self) -> usize {
        match self {
            Self::Gcm => 12,
            Self::CmSha1 => 14,
        }
    }
}

/// Master keys and salts of both directions.
#[derive(Clone)]
pub struct Keys {
    ours: (Vec<u8>, Vec<u8>),
    theirs: (Vec<u8>, Vec<u8>),
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// Takes exported material apart: client key, server key, client salt, server salt (RFC 5764 section 4.2).
    #[must_use]
    pub fn split(profile: Profile, material: &[u8], client: bool) -> Option<Self> {
        let (client_key, rest) = material.split_at_checked(profile.key_len())?;
        let (server_key, rest) = rest.split_at_checked(profile.key_len())?;
        let (client_salt, server_salt) = rest.split_at_checked(profile.salt_len())?;
        let of_client = (client_key.to_vec(), client_salt.to_vec());
        let of_server = (server_key.to_vec(), server_salt.to_vec());
        let (ours, theirs) = if client { (of_client, of_server) } else { (of_server, of_client) };
        (server_salt.len() == profile.salt_len()).then_some(Self { ours, theirs })
    }
}

struct Gcm {
    rtp: LessSafeKey,
    rtp_salt: [u8; 12],
    rtcp: LessSafeKey,
    rtcp_salt: [u8; 12],
}

impl Gcm {
    fn new((key, salt): &(Vec<u8>, Vec<u8>)) -> Result<Self, TransportError> {
        let master = Aes128::new_from_slice(key).map_err(|_| TransportError::Srtp("key length"))?;
        let aead = |label| -> Result<LessSafeKey, TransportError> {
            let key: [u8; 16] = derive(&master, salt, label);
            let key = UnboundKey::new(&AES_128_GCM, &key).map_err(|_| TransportError::Srtp("key length"))?;
            Ok(LessSafeKey::new(key))
        };
        Ok(Self {
            rtp: aead(0)?,
            rtp_salt: derive(&master, salt, 2),
            rtcp: aead(3)?,
            rtcp_salt: derive(&master, salt, 5),
        })
    }

    fn rtp_nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let mut nonce = self.rtp_salt;
        let bytes = ssrc.to_be_bytes().into_iter().chain(index.to_be_bytes().into_iter().skip(2));
        nonce.iter_mut().skip(2).zip(bytes).for_each(|(salt, byte)| *salt ^= byte);
        Nonce::assume_unique_for_key(nonce)
    }

    fn rtcp_nonce(&self, ssrc: u32, index: u32) -> Nonce {
        let mut nonce = self.rtcp_salt;
        let bytes = ssrc.to_be_bytes().into_iter().chain([0, 0]).chain(index.to_be_bytes());
        nonce.iter_mut().skip(2).zip(bytes).for_each(|(salt, byte)| *salt ^= byte);
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Key derivation of RFC 3711 section 4.3 at rate zero.
fn derive<const N: usize>(master: &Aes128, salt: &[u8], label: u8) -> [u8; N] {
    let mut block = [0; 16];
    block.iter_mut().zip(salt).for_each(|(to, from)| *to = *from);
    if let Some(byte) = block.get_mut(7) {
        *byte ^= label;
    }
    let mut out = [0; N];
    for (counter, chunk) in (0_u8..).zip(out.chunks_mut(16)) {
        let mut stream = block;
        if let Some(last) = stream.last_mut() {
            *last = counter;
        }
        let stream = stream_block(master, stream);
        chunk.iter_mut().zip(stream).for_each(|(to, from)| *to = from);
    }
    out
}

fn stream_block(master: &Aes128, block: [u8; 16]) -> [u8; 16] {
    let mut block = block.into();
    master.encrypt_block(&mut block);
    block.into()
}

#[expect(
    clippy::large_enum_variant,
    reason = "one for each direction of a peer, and nearly all are the large one"
)]
enum Cipher {
    Gcm(Gcm),
    Old(Context),
}

impl Cipher {
    fn new(profile: Profile, keys: &(Vec<u8>, Vec<u8>), opens: bool) -> Result<Self, TransportError> {
        if profile == Profile::Gcm {
            return Ok(Self::Gcm(Gcm::new(keys)?));
        }
        let provider = rtc_crypto::default_provider().map_err(|_| TransportError::Srtp("no crypto"))?;
        let replay = |window| if opens { Some(window) } else { None };
        Context::new(
            &keys.0,
            &keys.1,
            ProtectionProfile::Aes128CmHmacSha1_80,
            replay(srtp_replay_protection(128)),
            replay(srtcp_replay_protection(128)),
            provider.crypto(),
        )
        .map(Self::Old)
        .map_err(|_| TransportError::Srtp("keys"))
    }
}

/// Protects what is sent to a peer.
pub struct Outbound {
    cipher: Cipher,
    rtcp_index: u32,
}

/// Opens what comes from a peer.
pub struct Inbound {
    cipher: Cipher,
    sources: Few<(Extender, Window)>,
    rtcp: Few<Window>,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").finish_non_exhaustive()
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound").field("sources", &self.sources.len()).finish_non_exhaustive()
    }
}

/// Both directions of a peer.
///
/// # Errors
///
/// [`TransportError::Srtp`] for keys of a wrong length.
pub fn open(profile: Profile, keys: &Keys) -> Result<(Outbound, Inbound), TransportError> {
    let outbound = Outbound { cipher: Cipher::new(profile, &keys.ours, false)?, rtcp_index: 0 };
    let cipher = Cipher::new(profile, &keys.theirs, true)?;
    Ok((outbound, Inbound { cipher, sources: Few::default(), rtcp: Few::default() }))
}

impl Outbound {
    /// Protects the RTP packet that `buffer` holds from `start` on; `header` is the length of its header, `index` its
    /// sequence number with the roll-overs above.
    ///
    /// # Errors
    ///
    /// [`TransportError::Srtp`] for a packet shorter than its header.
    pub fn rtp(
        &mut self,
        buffer: &mut Vec<u8>,
        start: usize,
        header: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), TransportError> {
        const SHORT: TransportError = TransportError::Srtp("short packet");
        match &mut self.cipher {
            Cipher::Gcm(gcm) => {
                let packet = buffer.get_mut(start..).ok_or(SHORT)?;
                let (header, payload) = packet.split_at_mut_checked(header).ok_or(SHORT)?;
                let tag = gcm
                    .rtp
                    .seal_in_place_separate_tag(gcm.rtp_nonce(ssrc, index), Aad::from(&*header), payload)
                    .map_err(|_| TransportError::Srtp("seal"))?;
                buffer.extend_from_slice(tag.as_ref());
            }
            Cipher::Old(context) => {
                let packet = buffer.get(start..).ok_or(SHORT)?;
                let sealed = context.encrypt_rtp(packet).map_err(|_| TransportError::Srtp("seal"))?;
                buffer.truncate(start);
                buffer.extend_from_slice(&sealed);
            }
        }
        Ok(())
    }

    /// Protects the RTCP packet that `buffer` holds from `start` on.
    ///
    /// # Errors
    ///
    /// [`TransportError::Srtp`] for a packet without a header.
    pub fn rtcp(&mut self, buffer: &mut Vec<u8>, start: usize) -> Result<(), TransportError> {
        const SHORT: TransportError = TransportError::Srtp("short packet");
        match &mut self.cipher {
            Cipher::Gcm(gcm) => {
                let packet = buffer.get_mut(start..).ok_or(SHORT)?;
                let (header, payload) = packet.split_at_mut_checked(RTCP_HEADER).ok_or(SHORT)?;
                let ssrc = word(header, 4).ok_or(SHORT)?;
                self.rtcp_index = self.rtcp_index.wrapping_add(1) & 0x7fff_ffff;
                let trailer = (self.rtcp_index | 0x8000_0000).to_be_bytes();
                let mut aad = [0; RTCP_HEADER + INDEX];
                aad.iter_mut().zip(header.iter().chain(&trailer)).for_each(|(to, from)| *to = *from);
                let nonce = gcm.rtcp_nonce(ssrc, self.rtcp_index);
                let tag = gcm
                    .rtcp
                    .seal_in_place_separate_tag(nonce, Aad::from(aad), payload)
                    .map_err(|_| TransportError::Srtp("seal"))?;
                buffer.extend_from_slice(tag.as_ref());
                buffer.extend_from_slice(&trailer);
            }
            Cipher::Old(context) => {
                let packet = buffer.get(start..).ok_or(SHORT)?;
                let sealed = context.encrypt_rtcp(packet).map_err(|_| TransportError::Srtp("seal"))?;
                buffer.truncate(start);
                buffer.extend_from_slice(&sealed);
            }
        }
        Ok(())
    }
}

impl Inbound {
    /// The sequence number of a packet with the roll-overs above, as the packets before it tell, without taking it for
    /// genuine.
    #[must_use]
    pub fn index(&self, ssrc: u32, sequence: u16) -> u64 {
        self.sources.get(ssrc).map_or(u64::from(sequence), |(extender, _)| extender.guess(sequence))
    }

    /// Notes a packet that is not opened, so that the roll-over counter keeps up. A forged one could lead it astray, so
    /// only a packet close behind the newest genuine or noted one is believed.
    pub fn skip(&mut self, ssrc: u32, sequence: u16) {
        const CLOSE: u64 = 512;
        if let Some((extender, _)) = self.sources.get_mut(ssrc) {
            let index = extender.guess(sequence);
            if index > extender.newest() && index - extender.newest() < CLOSE {
                extender.take(index);
            }
        }
    }

    /// Opens an RTP packet whose header has `header` bytes; tells its index and the length of what it is now.
    ///
    /// # Errors
    ///
    /// [`TransportError::Srtp`] for a packet that was seen before, is older than 128 others, or was tampered with; and
    /// when the peer has more sources than any client has.
    pub fn rtp(
        &mut self,
        packet: &mut [u8],
        header: usize,
        ssrc: u32,
        sequence: u16,
    ) -> Result<(u64, usize), TransportError> {
        const MANY: TransportError = TransportError::Srtp("too many sources");
        if self.sources.len() >= MOST_SOURCES && self.sources.get(ssrc).is_none() {
            return Err(MANY);
        }
        let new = || (Extender::new(sequence), Window::default());
        match &mut self.cipher {
            Cipher::Gcm(gcm) => {
                let known = self.sources.get_mut(ssrc);
                let index =
                    known.as_ref().map_or(u64::from(sequence), |(extender, _)| extender.guess(sequence));
                if known.as_ref().is_some_and(|(_, window)| !window.is_new(index)) {
                    return Err(TransportError::Srtp("seen before"));
                }
                let short = TransportError::Srtp("short packet");
                let (aad, payload) = packet.split_at_mut_checked(header).ok_or(short)?;
                let opened = gcm
                    .rtp
                    .open_in_place(gcm.rtp_nonce(ssrc, index), Aad::from(&*aad), payload)
                    .map_err(|_| TransportError::Srtp("tampered"))?
                    .len();
                let (extender, window) = match known {
                    Some(known) => known,
                    None => self.sources.get_or_make(ssrc, MOST_SOURCES, new).ok_or(MANY)?,
                };
                extender.take(index);
                window.note(index);
                Ok((index, header + opened))
            }
            Cipher::Old(context) => {
                let opened = context.decrypt_rtp(packet).map_err(|_| TransportError::Srtp("tampered"))?;
                let (extender, _) = self.sources.get_or_make(ssrc, MOST_SOURCES, new).ok_or(MANY)?;
                let index = extender.guess(sequence);
                extender.take(index);
                packet.iter_mut().zip(opened.iter()).for_each(|(to, from)| *to = *from);
                Ok((index, opened.len()))
            }
        }
    }

    /// Opens an RTCP packet; tells the length of what it is now.
    ///
    /// # Errors
    ///
    /// As for [`Self::rtp`].
    pub fn rtcp(&mut self, packet: &mut [u8]) -> Result<usize, TransportError> {
        const SHORT: TransportError = TransportError::Srtp("short packet");
        match &mut self.cipher {
            Cipher::Gcm(gcm) => {
                let body = packet.len().checked_sub(INDEX).ok_or(SHORT)?;
                let trailer = word(packet, body).ok_or(SHORT)?;
                let ssrc = word(packet, 4).ok_or(SHORT)?;
                if trailer & 0x8000_0000 == 0 {
                    return Err(TransportError::Srtp("not encrypted"));
                }
                let index = trailer & 0x7fff_ffff;
                if self.rtcp.get(ssrc).is_some_and(|window| !window.is_new(u64::from(index))) {
                    return Err(TransportError::Srtp("seen before"));
                }
                let packet = packet.get_mut(..body).ok_or(SHORT)?;
                let (header, payload) = packet.split_at_mut_checked(RTCP_HEADER).ok_or(SHORT)?;
                let mut aad = [0; RTCP_HEADER + INDEX];
                aad.iter_mut()
                    .zip(header.iter().copied().chain(trailer.to_be_bytes()))
                    .for_each(|(to, from)| *to = from);
                let opened = gcm
                    .rtcp
                    .open_in_place(gcm.rtcp_nonce(ssrc, index), Aad::from(aad), payload)
                    .map_err(|_| TransportError::Srtp("tampered"))?
                    .len();
                let window = self.rtcp.get_or_make(ssrc, MOST_SOURCES, Window::default);
                window.ok_or(TransportError::Srtp("too many sources"))?.note(u64::from(index));
                Ok(RTCP_HEADER + opened)
            }
            Cipher::Old(context) => {
                let opened = context.decrypt_rtcp(packet).map_err(|_| TransportError::Srtp("tampered"))?;
                packet.iter_mut().zip(opened.iter()).for_each(|(to, from)| *to = *from);
                Ok(opened.len())
            }
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}
