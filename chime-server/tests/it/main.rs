//! The server in one process with the tests, and the binary, spoken to over raw sockets.
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail like tests; and what is measured here is the process, in real time"
)]

mod audit;
mod backlog;
mod clock;
mod connections;
mod explain;
mod frame;
mod input;
mod limits;
mod meetings;
mod process;
mod ready;
mod rights;
mod signed;
mod sockets;
#[cfg(feature = "otlp")]
mod traces;
mod wire;
