//! What is counted of media, in the text form of Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Media;

impl Media {
    /// The counters of the engine, and who is here.
    pub(crate) fn render(&self) -> String {
        let (counts, (meetings, sessions)) = (self.counts(), self.busy());
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut text = String::new();
        let mut metric = |name: &str, help: &str, kind: &str, values: &[(&str, u64)]| {
            // Writing to a text does not fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (label, value) in values {
                let _ = writeln!(text, "{name}{label} {value}");
            }
        };
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        metric(
            "chime_media_meetings",
            "Meetings on this node that somebody is in, or was just now",
            "gauge",
            &[("", count(meetings))],
        );
        metric("chime_media_sessions", "Clients' signaling connections", "gauge", &[("", count(sessions))]);
        metric(
            "chime_media_datagrams_total",
            "Datagrams: received, of those nobody's and those too late for their worker; sent, and not taken by the system",
            "counter",
            &[
                ("{what=\"received\"}", of(&counts.received)),
                ("{what=\"unrouted\"}", of(&counts.unrouted)),
                ("{what=\"overflowed\"}", of(&counts.overflowed)),
                ("{what=\"sent\"}", of(&counts.sent)),
                ("{what=\"unsent\"}", of(&counts.unsent)),
            ],
        );
        metric(
            "chime_media_ticks_total",
            "Rounds of the mix, of all meetings",
            "counter",
            &[("", of(&counts.ticks))],
        );
        metric(
            "chime_media_late_ticks_total",
            "Rounds that began more than 10 ms late",
            "counter",
            &[("", of(&counts.late_ticks))],
        );
        text
    }
}
