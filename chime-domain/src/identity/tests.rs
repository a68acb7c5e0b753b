use proptest::prelude::*;

use super::Retention;
use super::retention_rules::{initiate_deletion, purged, put, visible_from};
use crate::error::ErrorCode;
use crate::time::Timestamp;

const NOON: Timestamp = Timestamp::from_millis(1_600_000_000_000);
const DAY: i64 = 86_400_000;

/// Settings one after the other: what was put, and how many milliseconds after the one before.
fn history() -> impl Strategy<Value = Vec<(Option<u32>, i64)>> {
    let days = prop_oneof![1 => Just(None), 4 => (1u32..100).prop_map(Some), 1 => Just(Some(5475))];
    let gap = prop_oneof![Just(0), 0..DAY, 0..60 * DAY, Just(30 * DAY), Just(30 * DAY - 1)];
    proptest::collection::vec((days, gap), 1..8)
}

fn after(at: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(at.millis() + millis)
}

/// The setting at the end of a history, and when that is.
fn end(history: &[(Option<u32>, i64)]) -> (Retention, Timestamp) {
    let (mut setting, mut now) = (None, NOON);
    for (days, gap) in history {
        now = after(now, *gap);
        setting = Some(put(setting.as_ref(), *days, now).unwrap());
    }
    (setting.unwrap(), now)
}

#[test]
fn ret_02_a_period_is_refused_one_past_its_bounds() {
    for (days, fits) in [(0, false), (1, true), (5475, true), (5476, false)] {
        match put(None, Some(days), NOON) {
            Ok(setting) => assert!(fits && setting.days == Some(days)),
            Err(refusal) => {
                assert!(!fits, "{days}");
                assert_eq!((refusal.code(), refusal.rule()), (ErrorCode::BadRequest, "RET-02"));
            }
        }
    }
}

#[test]
fn without_a_setting_everything_is_shown_and_nothing_is_purged() {
    assert_eq!(visible_from(None, NOON), Timestamp::MIN);
    assert_eq!(purged(None, NOON), Timestamp::MIN);
}

proptest! {
    #[test]
    fn ret_07_what_is_purged_never_comes_back(history in history(), later in proptest::collection::vec(0..90 * DAY, 0..6)) {
        let (mut setting, mut now, mut most) = (None, NOON, Timestamp::MIN);
        for (days, gap) in history {
            now = after(now, gap);
            prop_assert!(purged(setting.as_ref(), now) >= most);
            most = purged(setting.as_ref(), now);
            setting = Some(put(setting.as_ref(), days, now).unwrap());
            prop_assert_eq!(purged(setting.as_ref(), now), most, "a new setting destroys nothing by itself");
        }
        for gap in later {
            now = after(now, gap);
            prop_assert!(purged(setting.as_ref(), now) >= most);
            most = purged(setting.as_ref(), now);
        }
    }

    #[test]
    fn ret_06_nothing_purged_is_shown_and_with_a_period_nothing_past_it(history in history(), gap in 0..90 * DAY) {
        let (setting, at) = end(&history);
        let now = after(at, gap);
        let from = visible_from(Some(&setting), now);
        prop_assert!(from >= purged(Some(&setting), now));
        match setting.days {
            Some(days) => prop_assert!(from >= now.minus_days(days)),
            None => prop_assert_eq!(from, purged(Some(&setting), now)),
        }
    }

    #[test]
    fn ret_05_and_06_within_30_days_turning_it_off_shows_again_what_was_only_hidden(history in history(), gap in 0..30 * DAY) {
        let (setting, at) = end(&history);
        let now = after(at, gap);
        let off = put(Some(&setting), None, now).unwrap();
        prop_assert_eq!(visible_from(Some(&off), now), setting.purged, "the grace period destroyed something");
    }

    #[test]
    fn ret_07_from_the_30th_day_on_what_is_hidden_is_purged(history in history(), gap in 30 * DAY..400 * DAY) {
        let (setting, at) = end(&history);
        let now = after(at, gap);
        if setting.days.is_some() {
            prop_assert_eq!(purged(Some(&setting), now), visible_from(Some(&setting), now));
        }
    }

    #[test]
    fn ret_08_and_10_every_put_begins_30_days_anew_and_off_begins_none(history in history()) {
        let (setting, at) = end(&history);
        let expected = setting.days.map(|_| at.plus_days(30));
        prop_assert_eq!(initiate_deletion(&setting), expected);
    }
}
