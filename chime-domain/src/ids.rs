//! Opaque ids, each with its documented pattern.

use std::fmt;

use crate::limits::{MEDIA_REGION_DEFAULT, MEDIA_REGIONS};
use crate::text::checked;

/// A type of checked texts that are shown as they are.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $($how:tt)*) => {
        checked!($(#[$doc])* $name, $($how)*);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// `[A-Za-z0-9]([A-Za-z0-9:\-_.@]{0,62}[A-Za-z0-9])?`, the pattern of ids that callers choose (wire rule D-07).
fn is_chosen_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    bytes.len() <= 64
        && first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b":-_.@".contains(b))
}

fn is_word(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

id!(
    /// The id of a user within its app instance, chosen by the caller.
    AppInstanceUserId, "APP-06",
    "expected 1 to 64 letters, digits and `:-_.@`, beginning and ending with a letter or digit", is_chosen_id
);

id!(
    /// The id of a channel within its app instance, chosen by the caller or made by the service.
    ChannelId, "CHN-01",
    "expected 1 to 64 letters, digits and `:-_.@`, beginning and ending with a letter or digit", is_chosen_id
);

id!(
    /// The id of a message within its channel.
    MessageId, "MSG-09", "expected 1 to 128 letters, digits, `-` and `_`", |text| is_word(text, 1..=128)
);

id!(
    /// The idempotency token of a creation (wire rule T-01).
    ClientRequestToken, "T-01", "expected 2 to 64 letters, digits, `-` and `_`", |text| is_word(text, 2..=64)
);

id!(
    /// The id of a sub-channel within its elastic channel, made by the service.
    SubChannelId, "MSG-01", "expected 1 to 128 letters, digits, `-` and `_`", |text| is_word(text, 1..=128)
);

id!(
    /// What a processor of a channel flow calls back with, made by the service.
    CallbackId, "MSG-01", "expected 32 to 64 letters, digits, `-` and `_`", |text| is_word(text, 32..=64)
);

/// `[a-f0-9]{8}(-[a-f0-9]{4}){3}-[a-f0-9]{12}`: the models' `GuidString`, in the lower case that is made here.
fn is_guid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let is_hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.into_iter().all(is_hex)
}

id!(
    /// The id of a meeting, made by the service.
    MeetingId, "MTG-01", "expected a UUID in lower case", is_guid
);

id!(
    /// The id of an attendee within its meeting, made by the service.
    AttendeeId, "MTG-03", "expected a UUID in lower case", is_guid
);

id!(
    /// A region in which media services are placed.
    MediaRegion, "MTG-13", "expected one of the 18 media regions, such as us-east-1",
    |text| MEDIA_REGIONS.contains(&text)
);

impl MediaRegion {
    /// Where a meeting is placed that names no region (rule MTG-12).
    #[must_use]
    pub fn default_region() -> Self {
        Self(std::sync::Arc::from(MEDIA_REGION_DEFAULT))
    }
}
