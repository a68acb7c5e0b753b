//! The load program: a release server as a process of its own, members on WebSockets, senders on signed HTTP.
//!
//! It shares the machine with the server, so it is frugal: one thread reads all sockets with `epoll` and a parser that
//! knows no more than it must, another sends. Everything is on the loopback interface and bounded in time and count.

pub mod api;
pub mod ask;
pub mod clock;
pub mod cluster;
pub mod fill;
pub mod follow;
pub mod frame;
pub mod janus;
pub mod mark;
pub mod members;
pub mod raw;
pub mod report;
pub mod scenario;
pub mod send;
pub mod server;
pub mod tally;
pub mod world;
