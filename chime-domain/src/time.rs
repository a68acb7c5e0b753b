//! A moment, with the millisecond resolution that the service keeps (wire rule TS-06).

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest moment; everything happened after it.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest moment.
    pub const MAX: Self = Self(i64::MAX);

    /// A moment from milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Epoch seconds with up to three decimals, the JSON number of wire rule TS-01.
    #[must_use]
    pub fn epoch_seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// Parses ISO 8601 with any fraction and offset, or epoch seconds as a decimal number (wire rule TS-04). What is
    /// finer than a millisecond is cut off.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        nanos(text).map(|nanos| Self(nanos.div_euclid(NANOS_PER_MILLI) as i64))
    }

    /// The same, up to the next millisecond: nothing that is kept in milliseconds lies between.
    #[must_use]
    pub fn parse_up(text: &str) -> Option<Self> {
        nanos(text).map(|nanos| Self((nanos + NANOS_PER_MILLI - 1).div_euclid(NANOS_PER_MILLI) as i64))
    }

    /// Parses the basic form `yyyyMMddTHHmmssZ` of signatures (rule WEB-05).
    #[must_use]
    pub fn parse_basic(text: &str) -> Option<Self> {
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let at = PrimitiveDateTime::parse(text, format).ok()?;
        Some(Self::from_offset(at.assume_utc()))
    }

    /// The basic form `yyyyMMddTHHmmssZ` of signatures.
    #[must_use]
    pub fn basic(self) -> String {
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        self.offset().format(format).unwrap_or_default()
    }

    /// The form of the HTTP `Date` header, `Sun, 06 Nov 1994 08:49:37 GMT`.
    #[must_use]
    pub fn http_date(self) -> String {
        let format = format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        );
        self.offset().format(format).unwrap_or_default()
    }

    /// Parses the HTTP `Date` header.
    #[must_use]
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let format = format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        );
        Some(Self::from_offset(PrimitiveDateTime::parse(text, format).ok()?.assume_utc()))
    }

    /// The moment `days` whole days earlier.
    #[must_use]
    pub const fn minus_days(self, days: u32) -> Self {
        Self(self.0.saturating_sub(days as i64 * 86_400_000))
    }

    /// The moment `days` whole days later.
    #[must_use]
    pub const fn plus_days(self, days: u32) -> Self {
        Self(self.0.saturating_add(days as i64 * 86_400_000))
    }

    fn from_offset(at: OffsetDateTime) -> Self {
        Self((at.unix_timestamp_nanos() / 1_000_000) as i64)
    }

    fn offset(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

const NANOS_PER_MILLI: i128 = 1_000_000;

/// Nanoseconds since the epoch. Numbers count to the microsecond, since they hold no more of today's seconds.
fn nanos(text: &str) -> Option<i128> {
    if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
        return Some(at.unix_timestamp_nanos());
    }
    let seconds: f64 = text.parse().ok()?;
    let is_moment = seconds.is_finite() && seconds.abs() < 253_402_300_800.0;
    is_moment.then(|| (seconds * 1e6).round() as i128 * 1000)
}

impl fmt::Display for Timestamp {
    /// ISO 8601 UTC with milliseconds, `2021-01-11T22:12:31.123Z` (wire rules TS-02 and TS-07).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format =
            format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        f.write_str(&self.offset().format(format).map_err(|_| fmt::Error)?)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_moment_reads_back() {
        let at = Timestamp::from_millis(1_610_403_151_123);
        assert_eq!(at.to_string(), "2021-01-11T22:12:31.123Z");
        assert_eq!(Timestamp::parse("2021-01-11T22:12:31.123Z"), Some(at));
        assert_eq!(Timestamp::parse("2021-01-11T22:12:31.123000Z"), Some(at));
        assert_eq!(Timestamp::parse("2021-01-11T23:12:31.123+01:00"), Some(at));
        assert_eq!(Timestamp::parse("1610403151.123"), Some(at));
        assert_eq!(Timestamp::parse("2021-01-11T22:12:31Z"), Some(Timestamp::from_millis(1_610_403_151_000)));
        assert_eq!(at.basic(), "20210111T221231Z");
        assert_eq!(
            Timestamp::parse_basic("20210111T221231Z"),
            Some(Timestamp::from_millis(1_610_403_151_000))
        );
        assert_eq!(at.http_date(), "Mon, 11 Jan 2021 22:12:31 GMT");
        assert_eq!(
            Timestamp::parse_http_date("Mon, 11 Jan 2021 22:12:31 GMT"),
            Timestamp::parse_basic("20210111T221231Z")
        );
    }

    #[test]
    fn what_is_finer_than_a_millisecond_is_cut_off_or_leads_to_the_next() {
        let at = |millis: i64| Some(Timestamp::from_millis(1_610_403_151_000 + millis));
        for (text, down, up) in [
            ("2021-01-11T22:12:31.123Z", 123, 123),
            ("2021-01-11T22:12:31.123001Z", 123, 124),
            ("2021-01-11T22:12:31.123000001Z", 123, 124),
            ("2021-01-11T22:12:31.999999Z", 999, 1000),
            ("1610403151.123", 123, 123),
            ("1610403151.123001", 123, 124),
        ] {
            assert_eq!((Timestamp::parse(text), Timestamp::parse_up(text)), (at(down), at(up)), "{text}");
        }
    }

    #[test]
    fn text_that_is_no_moment_is_refused() {
        for text in ["", "yesterday", "2021-13-01T00:00:00Z", "NaN", "inf", "1e300"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
        assert_eq!(Timestamp::parse_basic("2021-01-11T22:12:31Z"), None);
    }
}
