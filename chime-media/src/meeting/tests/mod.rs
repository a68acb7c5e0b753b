//! Whole meetings in simulated time, each file with one question.

mod capacity;
mod data;
mod replay;
mod schedule;
mod schedules;

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
