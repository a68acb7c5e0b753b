//! Whole meetings in simulated time, each file with one question.

mod capacity;
mod data;
mod hostile;
mod idle;
mod kept;
mod layered;
mod relay;
mod replay;
mod replica;
mod returns;
mod schedule;
mod schedules;
mod sections;
mod squeeze;
mod tap;

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
