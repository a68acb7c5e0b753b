//! What was received of a source, for receiver reports (RFC 3550 section 6.4.1 and appendix A).

use std::time::Instant;

use rtc_rtcp::reception_report::ReceptionReport;

use super::sequence::Extender;

/// Counts of one source.
#[derive(Clone, Debug)]
pub struct Reception {
    ssrc: u32,
    clock: u32,
    first: u64,
    extender: Extender,
    received: u64,
    /// Expected and received at the last report.
    prior: (u64, u64),
    /// Smoothed jitter, in sixteenths of the clock's unit.
    jitter: u64,
    transit: Option<(Instant, u32)>,
    /// The last sender report: the middle of its NTP time, and when it came.
    report: Option<(u32, Instant)>,
    /// Loss over the last report's interval, in 256ths.
    fraction: u8,
}

impl Reception {
    /// Begins with a source's first packet.
    #[must_use]
    pub const fn new(ssrc: u32, clock: u32, first: u16) -> Self {
        Self {
            ssrc,
            clock,
            first: first as u64,
            extender: Extender::new(first),
            received: 0,
            prior: (0, 0),
            jitter: 0,
            transit: None,
            report: None,
            fraction: 0,
        }
    }

    /// The source.
    #[must_use]
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// A sequence number with its roll-overs.
    #[must_use]
    pub fn extend(&self, sequence: u16) -> u64 {
        self.extender.guess(sequence)
    }

    /// Counts a packet.
    pub fn packet(&mut self, now: Instant, sequence: u16, timestamp: u32) {
        self.received += 1;
        let index = self.extender.guess(sequence);
        self.extender.take(index);
        if let Some((at, stamp)) = self.transit {
            let arrived = now.saturating_duration_since(at).as_micros() * u128::from(self.clock) / 1_000_000;
            let arrived = i64::try_from(arrived).unwrap_or(i64::MAX);
            let sent = i64::from(timestamp.wrapping_sub(stamp).cast_signed());
            let difference = arrived.abs_diff(sent).min(u64::from(self.clock));
            // J += (|D| - J) / 16, where J is kept in sixteenths.
            self.jitter = self.jitter + difference - (self.jitter >> 4).min(self.jitter + difference);
        }
        self.transit = Some((now, timestamp));
    }

    /// Notes a sender report of the source.
    pub fn sender_report(&mut self, now: Instant, ntp: u64) {
        #[expect(clippy::cast_possible_truncation, reason = "RFC 3550: the middle 32 bits")]
        let middle = (ntp >> 16) as u32;
        self.report = Some((middle, now));
    }

    /// Loss since the report before the last, in 256ths.
    #[must_use]
    pub const fn fraction_lost(&self) -> u8 {
        self.fraction
    }

    /// A report block, which ends an interval.
    pub fn report(&mut self, now: Instant) -> ReceptionReport {
        let expected = self.extender.newest() + 1 - self.first.min(self.extender.newest());
        let lost = expected.saturating_sub(self.received);
        let (expected_now, received_now) = (expected - self.prior.0, self.received - self.prior.1);
        self.prior = (expected, self.received);
        let lost_now = expected_now.saturating_sub(received_now);
        self.fraction = lost_now
            .checked_mul(256)
            .and_then(|lost| lost.checked_div(expected_now))
            .map_or(0, |fraction| u8::try_from(fraction).unwrap_or(u8::MAX));
        let (last_sender_report, delay) = self.report.map_or((0, 0), |(middle, at)| {
            let delay = now.saturating_duration_since(at).as_micros() * 65_536 / 1_000_000;
            (middle, u32::try_from(delay).unwrap_or(u32::MAX))
        });
        ReceptionReport {
            ssrc: self.ssrc,
            fraction_lost: self.fraction,
            total_lost: u32::try_from(lost.min(0x7f_ffff)).unwrap_or_default(),
            #[expect(clippy::cast_possible_truncation, reason = "RFC 3550: 32 bits")]
            last_sequence_number: self.extender.newest() as u32,
            jitter: u32::try_from(self.jitter >> 4).unwrap_or(u32::MAX),
            last_sender_report,
            delay,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn losses_are_told_for_each_interval_and_in_total() {
        let start = crate::testing::start();
        let mut reception = Reception::new(7, 48_000, 65_530);
        for step in 0..20_u16 {
            if step % 4 != 3 {
                let at = start + Duration::from_millis(u64::from(step) * 20);
                reception.packet(at, 65_530_u16.wrapping_add(step), u32::from(step) * 960);
            }
        }
        let report = reception.report(start);
        // The twentieth packet is lost too, but nobody can know yet.
        assert_eq!((report.ssrc, report.total_lost, report.fraction_lost), (7, 4, 53));
        assert_eq!((report.last_sequence_number, report.jitter), (65_530 + 18, 0));
        assert_eq!(reception.report(start).fraction_lost, 0);
    }
}
