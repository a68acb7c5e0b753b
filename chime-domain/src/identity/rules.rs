//! Pure rules of the context.

/// What the arithmetic of retention says (rules RET-02 to RET-10).
pub mod retention {
    use crate::error::Refusal;
    use crate::identity::Retention;
    use crate::limits::{PERIOD_DAYS, RETENTION_GRACE_DAYS};
    use crate::time::Timestamp;

    /// The setting after `days` was put at `now`.
    ///
    /// # Errors
    ///
    /// A bad request when the period is not 1 to 5,475 days (rule RET-02).
    pub fn put(before: Option<&Retention>, days: Option<u32>, now: Timestamp) -> Result<Retention, Refusal> {
        match days {
            Some(days) if !PERIOD_DAYS.contains(&days) => {
                Err(Refusal::bad_request("RET-02", format!("RetentionDays is {days}, outside 1 to 5475.")))
            }
            _ => Ok(Retention { days, set: now, purged: purged(before, now) }),
        }
    }

    /// Messages made before this moment are permanently deleted (rule RET-07).
    ///
    /// It counts by the clock and not by when the deletion was carried out, so that a restored period never brings
    /// back by chance what should be gone.
    #[must_use]
    pub fn purged(retention: Option<&Retention>, now: Timestamp) -> Timestamp {
        let Some(retention) = retention else { return Timestamp::MIN };
        match (retention.days, initiate_deletion(retention)) {
            (Some(days), Some(start)) if now >= start => now.minus_days(days).max(retention.purged),
            _ => retention.purged,
        }
    }

    /// Messages made before this moment are not shown: permanently deleted, or past the period (rule RET-06).
    #[must_use]
    pub fn visible_from(retention: Option<&Retention>, now: Timestamp) -> Timestamp {
        let period = retention
            .and_then(|retention| retention.days)
            .map_or(Timestamp::MIN, |days| now.minus_days(days));
        purged(retention, now).max(period)
    }

    /// When deletion begins: 30 days after the setting (rules RET-05, RET-08); `None` when retention is off.
    #[must_use]
    pub fn initiate_deletion(retention: &Retention) -> Option<Timestamp> {
        retention.days.map(|_| retention.set.plus_days(RETENTION_GRACE_DAYS))
    }
}
