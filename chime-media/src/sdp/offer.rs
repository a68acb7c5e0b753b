//! What a browser offers.

use std::io::Cursor;

use rtc_sdp::description::common::Attribute;
use rtc_sdp::description::media::MediaDescription;
use rtc_sdp::description::session::SessionDescription;

use super::codec::Codec;
use crate::error::OfferError;

/// Largest offer that is read, in bytes: one with 25 received videos has about 143 KB.
pub const MAX_OFFER: usize = 400 * 1024;
/// Most sections of an offer: an audio, a camera and the received videos a client may ever have had at once.
const MAX_SECTIONS: usize = 260;

/// Sound or picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `m=audio`
    Audio,
    /// `m=video`
    Video,
    /// Something else, which is refused in its place.
    Other,
}

/// Which way media goes, as the offerer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    SendRecv,
    /// The offerer sends.
    SendOnly,
    /// The offerer receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// Whether the offerer sends.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the offerer receives.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// What answers it when all that is offered is taken (RFC 3264 section 6.1).
    #[must_use]
    pub const fn answered(self) -> Self {
        match self {
            Self::SendRecv => Self::SendRecv,
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            Self::Inactive => Self::Inactive,
        }
    }

    /// The attribute's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

/// An encoding of a simulcast source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its restriction id.
    pub rid: String,
    /// It is switched off for now (`~`).
    pub paused: bool,
}

/// One section of an offer.
#[derive(Clone, Debug)]
pub struct Section {
    /// Sound or picture.
    pub kind: Kind,
    /// `m=KIND`, as it is written.
    pub media: String,
    /// Protocol, as it is written.
    pub protocol: String,
    /// Its name, which stays the same over all offers.
    pub mid: String,
    /// Port zero: the section is not used.
    pub rejected: bool,
    /// Which way media goes.
    pub direction: Direction,
    /// Codecs, the preferred one first.
    pub codecs: Vec<Codec>,
    /// Header extensions: id and URI.
    pub extensions: Vec<(u8, String)>,
    /// The sources that are announced, those of retransmissions left out.
    pub ssrcs: Vec<u32>,
    /// Pairs of a source and that of its retransmissions.
    pub repairs: Vec<(u32, u32)>,
    /// The encodings, if it is simulcast.
    pub layers: Vec<Layer>,
}

/// An offer.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The browser's user fragment.
    pub ufrag: String,
    /// The SHA-256 fingerprint of its certificate.
    pub fingerprint: String,
    /// The sections, in order.
    pub sections: Vec<Section>,
}

impl Offer {
    /// Reads an offer.
    ///
    /// # Errors
    ///
    /// [`OfferError`]; nothing of it is taken.
    pub fn parse(text: &str) -> Result<Self, OfferError> {
        if text.len() > MAX_OFFER {
            return Err(OfferError::TooLarge(text.len()));
        }
        let description = SessionDescription::unmarshal(&mut Cursor::new(text.as_bytes()))
            .map_err(|error| OfferError::Syntax(error.to_string()))?;
        if description.media_descriptions.len() > MAX_SECTIONS {
            return Err(OfferError::Unsupported("too many sections"));
        }
        let sections =
            description.media_descriptions.iter().map(Section::read).collect::<Result<Vec<_>, _>>()?;
        let common = |key| {
            let live = description.media_descriptions.iter().filter(|each| each.media_name.port.value != 0);
            live.flat_map(|media| &media.attributes).chain(&description.attributes).find_map(value_of(key))
        };
        let fingerprint = common("fingerprint").ok_or(OfferError::Missing("fingerprint"))?;
        let fingerprint = fingerprint
            .split_once(' ')
            .filter(|(hash, _)| hash.eq_ignore_ascii_case("sha-256"))
            .map(|(_, value)| value.trim().to_owned())
            .ok_or(OfferError::Unsupported("a fingerprint that is not SHA-256"))?;
        let ufrag = common("ice-ufrag").ok_or(OfferError::Missing("ice-ufrag"))?.to_owned();
        Ok(Self { ufrag, fingerprint, sections })
    }

    /// The audio section.
    #[must_use]
    pub fn audio(&self) -> Option<&Section> {
        self.sections.iter().find(|section| section.kind == Kind::Audio)
    }

    /// The video sections, in order: first the one the client sends in, then those it receives in.
    pub fn videos(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| section.kind == Kind::Video)
    }
}

fn value_of<'a>(key: &str) -> impl Fn(&'a Attribute) -> Option<&'a str> {
    move |attribute| attribute.value.as_deref().filter(|_| attribute.key == key)
}

impl Section {
    fn read(media: &MediaDescription) -> Result<Self, OfferError> {
        let kind = match media.media_name.media.as_str() {
            "audio" => Kind::Audio,
            "video" => Kind::Video,
            _ => Kind::Other,
        };
        let values = |key: &'static str| media.attributes.iter().filter_map(value_of(key));
        let mid = values("mid").next().ok_or(OfferError::Missing("mid"))?;
        if mid.is_empty() || mid.len() > 16 || !mid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(OfferError::Unsupported("a mid that no browser makes"));
        }
        let flag = |key: &str| media.attributes.iter().any(|attribute| attribute.key == key);
        let direction = match () {
            () if flag("inactive") => Direction::Inactive,
            () if flag("sendonly") => Direction::SendOnly,
            () if flag("recvonly") => Direction::RecvOnly,
            () => Direction::SendRecv,
        };
        let mut codecs = Vec::new();
        for format in &media.media_name.formats {
            let of = |key: &'static str| {
                values(key).find_map(|value| {
                    value.split_once(' ').filter(|(pt, _)| pt == format).map(|(_, rest)| rest)
                })
            };
            let (Ok(payload_type), Some(map)) = (format.parse::<u8>(), of("rtpmap")) else { continue };
            let mut parts = map.split('/');
            let name = parts.next().unwrap_or_default().to_owned();
            let clock = parts.next().and_then(|clock| clock.parse().ok()).unwrap_or_default();
            let channels = parts.next().and_then(|channels| channels.parse().ok());
            let parameters = of("fmtp").unwrap_or_default().to_owned();
            if payload_type < 128 {
                codecs.push(Codec { payload_type, name, clock, channels, parameters });
            }
        }
        let extensions = values("extmap").filter_map(|value| {
            let mut parts = value.split_whitespace();
            let id = parts.next()?.split('/').next()?.parse().ok().filter(|id| (1..=255).contains(id))?;
            Some((id, parts.next()?.to_owned()))
        });
        let repairs: Vec<(u32, u32)> = values("ssrc-group")
            .filter_map(|value| {
                let mut parts = value.split_whitespace();
                let fid = parts.next()? == "FID";
                let pair = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
                fid.then_some(pair)
            })
            .collect();
        let mut ssrcs: Vec<u32> =
            values("ssrc").filter_map(|value| value.split_whitespace().next()?.parse().ok()).collect();
        ssrcs.dedup();
        ssrcs.retain(|ssrc| !repairs.iter().any(|(_, repair)| repair == ssrc));
        let layers = values("simulcast")
            .find_map(|value| {
                value.split_once("send ").map(|(_, rest)| rest.split(' ').next().unwrap_or_default())
            })
            .unwrap_or_default()
            .split(';')
            .filter(|layer| !layer.is_empty())
            .map(|layer| {
                let rid = layer.trim_start_matches('~');
                let good = rid.len() <= 16 && rid.bytes().all(|byte| byte.is_ascii_alphanumeric());
                let layer = Layer { rid: rid.to_owned(), paused: layer.starts_with('~') };
                good.then_some(layer).ok_or(OfferError::Unsupported("a rid that no browser makes"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if layers.len() > 8 || ssrcs.len() > 32 {
            return Err(OfferError::Unsupported("too many encodings"));
        }
        Ok(Self {
            kind,
            media: media.media_name.media.clone(),
            protocol: media.media_name.protos.join("/"),
            mid: mid.to_owned(),
            rejected: media.media_name.port.value == 0,
            direction,
            codecs,
            extensions: extensions.collect(),
            ssrcs,
            repairs,
            layers,
        })
    }

    /// The id of a header extension.
    #[must_use]
    pub fn extension(&self, uri: &str) -> Option<u8> {
        self.extensions.iter().find(|(_, each)| each == uri).map(|(id, _)| *id)
    }

    /// The payload type of retransmissions of this one.
    #[must_use]
    pub fn repair_of(&self, payload_type: u8) -> Option<u8> {
        let apt = payload_type.to_string();
        let repair = self.codecs.iter().find(|codec| codec.is("rtx") && codec.parameter("apt") == Some(&apt));
        repair.map(|codec| codec.payload_type)
    }
}
