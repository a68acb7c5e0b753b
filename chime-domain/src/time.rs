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

    /// Parses ISO 8601 with any fraction and offset, or epoch seconds as a decimal number (wire rule TS-04).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
            return Some(Self::from_offset(at));
        }
        let seconds: f64 = text.parse().ok()?;
        let millis = seconds * 1000.0;
        (millis.is_finite() && millis.abs() < 253_402_300_800_000.0).then(|| Self(millis.round() as i64))
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

impl fmt::Display for Timestamp {
    /// ISO 8601 UTC with milliseconds, `2021-01-11T22:12:31.123Z` (wire rules TS-02 and TS-07).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
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
        assert_eq!(Timestamp::parse_basic("20210111T221231Z"), Some(Timestamp::from_millis(1_610_403_151_000)));
        assert_eq!(at.http_date(), "Mon, 11 Jan 2021 22:12:31 GMT");
        assert_eq!(Timestamp::parse_http_date("Mon, 11 Jan 2021 22:12:31 GMT"), Timestamp::parse_basic("20210111T221231Z"));
    }

    #[test]
    fn text_that_is_no_moment_is_refused() {
        for text in ["", "yesterday", "2021-13-01T00:00:00Z", "NaN", "inf", "1e300"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
        assert_eq!(Timestamp::parse_basic("2021-01-11T22:12:31Z"), None);
    }
}
