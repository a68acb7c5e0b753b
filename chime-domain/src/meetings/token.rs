//! Join tokens (rules MTG-04, MTG-05).

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::flow::Chime;
use crate::ids::{AttendeeId, MeetingId};
use crate::text::Private;

/// What a content share adds to the token of its attendee (rule MED-15).
pub(super) const CONTENT: &str = "#content";
/// Digits of an attendee's id without its hyphens.
const ID: usize = 32;

fn code(chime: &Chime, meeting: &MeetingId, attendee: &AttendeeId) -> Option<Hmac<Sha256>> {
    // HMAC takes keys of every length, so there is no error to meet here.
    let mut mac = Hmac::<Sha256>::new_from_slice(&chime.secret_for("join-token")).ok()?;
    mac.update(meeting.as_str().as_bytes());
    mac.update(attendee.as_str().as_bytes());
    Some(mac)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit =
        |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f').then(|| char::from(*b).to_digit(16)).flatten();
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    });
    pairs.collect()
}

/// The token of an attendee: its id, and a code that only this service can make.
pub(super) fn of(chime: &Chime, meeting: &MeetingId, attendee: &AttendeeId) -> Private<String> {
    let code = code(chime, meeting, attendee).map(|mac| hex(&mac.finalize().into_bytes()));
    Private(attendee.as_str().replace('-', "") + &code.unwrap_or_default())
}

/// The attendee whose token it is, and whether it is that of a content share. The code is compared in constant time.
/// Whether the attendee still exists is another question.
pub(super) fn holder(chime: &Chime, meeting: &MeetingId, token: &str) -> Option<(AttendeeId, bool)> {
    let (token, content) = match token.strip_suffix(CONTENT) {
        Some(token) => (token, true),
        None => (token, false),
    };
    let (id, given) = token.split_at_checked(ID)?;
    let part = |range: std::ops::Range<usize>| id.get(range);
    let id =
        format!("{}-{}-{}-{}-{}", part(0..8)?, part(8..12)?, part(12..16)?, part(16..20)?, part(20..32)?);
    let attendee = AttendeeId::new(id).ok()?;
    let good = code(chime, meeting, &attendee)?.verify_slice(&unhex(given)?).is_ok();
    good.then_some((attendee, content))
}
