//! Claims about a clock that flows.

use std::sync::Arc;
use std::time::Duration;

use crate::ports::Clock;
use crate::time::Timestamp;

type Subject = Arc<dyn Clock>;

pub async fn time_does_not_go_back(clock: Subject) {
    let mut last = clock.now();
    for _ in 0..10_000 {
        let now = clock.now();
        assert!(now >= last, "{last} was shown, then {now}");
        last = now;
    }
}

pub async fn waiting_for_the_past_ends_at_once(clock: Subject) {
    clock.until(Timestamp::MIN).await;
    clock.until(clock.now()).await;
    clock.until(clock.now() - Duration::from_secs(1)).await;
}

pub async fn a_wait_ends_when_the_clock_shows_the_moment_and_not_before(clock: Subject) {
    for millis in [1, 7, 30] {
        let moment = clock.now() + Duration::from_millis(millis);
        clock.until(moment).await;
        assert!(clock.now() >= moment);
    }
}
