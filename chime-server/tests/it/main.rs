//! The server in one process with the tests, and the binary, spoken to over raw sockets.

mod clock;
mod frame;
mod limits;
mod process;
mod signed;
mod wire;
